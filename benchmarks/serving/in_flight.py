"""How many forward passes 64 texts of mixed tasks take that arrive at once over 64 connections.

python benchmarks/serving/in_flight.py [--threads 2]
"""

import argparse
import asyncio
import json
import time

from server_process import predict_request, read_metric, running_server
from texts import RandomTexts

from multitap_adapters.embedded import embedded_folder
from multitap_server.starter import FOLDER

CONNECTIONS = 64
ROUNDS = 20
_METRIC = "multitap_forward_passes_total"


async def main() -> None:
    """Send rounds of texts, and print the passes of each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    threads: int = parser.parse_args().threads
    tasks = sorted(path.stem for path in FOLDER.glob("*.safetensors"))
    texts = RandomTexts(embedded_folder())
    passes: list[int] = []
    seconds: list[float] = []
    with running_server(threads) as port:
        streams = [await asyncio.open_connection("127.0.0.1", port) for _ in range(CONNECTIONS)]
        for turn in range(ROUNDS + 1):
            requests = [
                predict_request(port, tasks[i % len(tasks)], texts.draw(6 + i % 30))
                for i in range(CONNECTIONS)
            ]
            before = await asyncio.to_thread(read_metric, port, _METRIC)
            start_s = time.perf_counter()
            for (_, writer), request in zip(streams, requests, strict=True):
                writer.write(request)
            await asyncio.gather(*(_read_answer(reader) for reader, _ in streams))
            spent_s = time.perf_counter() - start_s
            after = await asyncio.to_thread(read_metric, port, _METRIC)
            if turn:  # the first round loads the adapters
                passes.append(int(after - before))
                seconds.append(spent_s)
        for _, writer in streams:
            writer.close()
    print(
        json.dumps(
            {
                "threads": threads,
                "texts": CONNECTIONS,
                "tasks": len(tasks),
                "rounds": ROUNDS,
                "forward_passes": passes,
                "round_ms": [round(value * 1000) for value in seconds],
            }
        )
    )


async def _read_answer(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise SystemExit(head.decode())
    length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
    return await reader.readexactly(length)


if __name__ == "__main__":
    asyncio.run(main())
