"""What HTTP adds to one short text: the whole server against the engine alone, in turn.

    python benchmarks/serving/single_text.py [--threads 2] [--tokens 16]

The server runs in a process of its own and is asked over one kept-alive connection on loopback;
the engine's own time is tokenizing, queueing, one forward pass and the way back to the event loop,
in this process, with the same number of threads. Blocks of both alternate.
"""

import argparse
import asyncio
import json
import socket
import time
from statistics import median, quantiles

from server_process import predict_request, running_server
from texts import RandomTexts

from multitap_adapters.embedded import embedded_folder
from multitap_adapters.file import read_adapter
from multitap_server.engine.contract import TextRow
from multitap_server.engine.mixed_engine import MixedEngine
from multitap_server.engine.opening import build_engine, running
from multitap_server.engine.settings import EngineSettings
from multitap_server.starter import FOLDER

TASK = "sentiment"
BLOCKS = 20
REQUESTS = 50


async def main() -> None:
    """Measure, and print both medians and their difference."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--tokens", type=int, default=16)
    options = parser.parse_args()
    folder = embedded_folder()
    path = FOLDER / f"{TASK}.safetensors"
    digest = read_adapter(path).digest
    engine = build_engine(
        folder, lambda _: path.read_bytes(), EngineSettings(threads=options.threads)
    )
    texts = RandomTexts(folder)
    http_s: list[float] = []
    engine_s: list[float] = []
    with running_server(options.threads) as port:
        connection = socket.create_connection(("127.0.0.1", port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        async with running(engine):
            for block in range(BLOCKS + 1):
                block_http_s = [
                    _ask(connection, predict_request(port, TASK, texts.draw(options.tokens)))
                    for _ in range(REQUESTS)
                ]
                block_engine_s = [
                    await _run(engine, digest, texts.draw(options.tokens)) for _ in range(REQUESTS)
                ]
                if block:  # the first block warms both up
                    http_s += block_http_s
                    engine_s += block_engine_s
        connection.close()
    print(json.dumps(_summary(options.threads, options.tokens, http_s, engine_s), indent=1))


def _summary(
    threads: int, tokens: int, http_s: list[float], engine_s: list[float]
) -> dict[str, float]:
    return {
        "threads": threads,
        "tokens": tokens,
        "requests": len(http_s),
        "http_p50_ms": round(median(http_s) * 1000, 3),
        "http_p99_ms": round(quantiles(http_s, n=100)[98] * 1000, 3),
        "engine_p50_ms": round(median(engine_s) * 1000, 3),
        "engine_p99_ms": round(quantiles(engine_s, n=100)[98] * 1000, 3),
        "added_p50_ms": round((median(http_s) - median(engine_s)) * 1000, 3),
    }


def _ask(connection: socket.socket, request: bytes) -> float:
    start_s = time.perf_counter()
    connection.sendall(request)
    answer = connection.recv(65_536)
    head, _, body = answer.partition(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
    while len(body) < length:
        body += connection.recv(65_536)
    spent_s = time.perf_counter() - start_s
    if not head.startswith(b"HTTP/1.1 200"):
        raise SystemExit(body.decode())
    return spent_s


async def _run(engine: MixedEngine, digest: str, text: str) -> float:
    start_s = time.perf_counter()
    rows = engine.encode([TextRow(text)], max_tokens=128, truncate=True)
    await engine.submit(digest, rows)
    return time.perf_counter() - start_s


if __name__ == "__main__":
    asyncio.run(main())
