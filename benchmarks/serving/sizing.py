"""Memory and answers a second by backbone, threads, resident tasks and connections.

    python benchmarks/serving/sizing.py [--seconds 5] [--tokens 16]

The backbones are the embedded one and one of BERT-base's shape with random weights, the tasks
random Houlsby adapters of size 32. Each connection is a closed loop of this process, a thin asyncio
client on the same machine, which sends one text a call and takes the tasks in turn.
"""

import argparse
import asyncio
import itertools
import json
import shutil
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from server_process import ServerProcess, predict_request, read_metric, server_on
from texts import RandomTexts
from transformers import BertConfig, BertModel

from multitap_adapters.backbone import read_backbone
from multitap_adapters.embedded import embedded_folder
from multitap_adapters.file import TensorData, serialize_adapter, tensor_shapes
from multitap_adapters.spec import AdapterSpec, Bottleneck, Head, HeadLayer, LayerNorms
from multitap_registry.folder import open_registry

SIZE = 32
LABELS = ("no", "yes")
THREADS = (1, 2)
CONNECTIONS = (1, 32)
STAGES = {"embedded": (4, 100, 1_000), "bert-base": (4, 100)}
ADAPTER_BYTES = 4 * 2**30
_RESIDENT = "multitap_resident_adapters"


@dataclass(frozen=True, slots=True)
class Load:
    """What every measurement sends."""

    texts: RandomTexts
    tokens: int
    seconds: float


async def main() -> None:
    """Measure, and print a line of JSON for each backbone, number of threads and of tasks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=5)
    options = parser.parse_args()
    load = Load(RandomTexts(embedded_folder()), options.tokens, options.seconds)
    with tempfile.TemporaryDirectory() as folder:
        for name, stages in STAGES.items():
            work = Path(folder) / name
            backbone = embedded_folder() if name == "embedded" else _bert_base(work / "model")
            _publish(work / "registry", backbone, tasks=max(stages))
            for threads in THREADS:
                with server_on(
                    work / "registry",
                    threads=threads,
                    backbone=name if name == "embedded" else str(backbone),
                    adapter_bytes=ADAPTER_BYTES,
                ) as server:
                    await _measure(server, {"backbone": name, "threads": threads}, stages, load)


async def _measure(
    server: ServerProcess, row: dict[str, str | int], stages: Iterable[int], load: Load
) -> None:
    """Print what one server weighs and answers as more and more of its tasks become resident."""
    print(json.dumps(row | {"tasks": 0} | _memory(server.pid)), flush=True)
    resident = 0
    for tasks in stages:
        await _ask_in_turn(server.port, range(resident, tasks), load)
        resident = int(await asyncio.to_thread(read_metric, server.port, _RESIDENT))
        if resident != tasks:
            raise SystemExit(f"{resident} adapters are in memory, expected {tasks}")
        rates = {
            f"per_s_{count}": round(await _answers_per_s(server.port, count, tasks, load), 1)
            for count in CONNECTIONS
        }
        print(json.dumps(row | {"tasks": tasks} | _memory(server.pid) | rates), flush=True)


async def _answers_per_s(port: int, connections: int, tasks: int, load: Load) -> float:
    turns = itertools.cycle(range(tasks))
    start_s = time.perf_counter()
    end_s = start_s + load.seconds

    async def loop() -> int:
        timely = itertools.takewhile(lambda _: time.perf_counter() < end_s, turns)
        return await _ask_in_turn(port, timely, load)

    counts = await asyncio.gather(*(loop() for _ in range(connections)))
    return sum(counts) / (time.perf_counter() - start_s)


async def _ask_in_turn(port: int, tasks: Iterable[int], load: Load) -> int:
    """Ask one task after the other over one connection; return how many answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answered = 0
    for task in tasks:
        writer.write(predict_request(port, _task_name(task), load.texts.draw(load.tokens)))
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise SystemExit(head.decode())
        await reader.readexactly(int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0]))
        answered += 1
    writer.close()
    return answered


def _memory(pid: int) -> dict[str, int]:
    """Return what is resident, and what of it no file backs and the system cannot take back."""
    status = Path(f"/proc/{pid}/status").read_text()
    fields = {"resident_mib": "VmRSS:", "anonymous_mib": "RssAnon:"}
    return {
        name: round(int(status.split(field)[1].split()[0]) / 1024) for name, field in fields.items()
    }


def _task_name(index: int) -> str:
    return f"task-{index}"


def _bert_base(folder: Path) -> Path:
    """Write a backbone of BERT-base's shape, which is the configuration's default."""
    model = BertModel(BertConfig())
    model.save_pretrained(folder)  # pyright: ignore[reportUnknownMemberType] (partly untyped)
    shutil.copy(embedded_folder() / "tokenizer.json", folder)
    return folder


def _publish(folder: Path, backbone: Path, *, tasks: int) -> None:
    """Fill a registry with random adapters of float32, each a task of its own."""
    spec = AdapterSpec(
        backbone=read_backbone(backbone).identity,
        modules=(Bottleneck(size=SIZE), LayerNorms()),
        max_tokens=128,
        head=Head(
            kind="classification",
            labels=LABELS,
            input="mean",
            layers=(HeadLayer(out=len(LABELS)),),
        ),
    )
    shapes = tensor_shapes(spec)
    draw = np.random.default_rng(0)
    with open_registry(folder) as registry:
        for index in range(tasks):
            tensors = {
                name: TensorData.from_numpy(draw.normal(0, 0.02, shape).astype(np.float32))
                for name, shape in shapes.items()
            }
            with registry.begin_upload() as upload:
                upload.write(serialize_adapter(spec, tensors))
                registry.publish(_task_name(index), upload, by="benchmark")


if __name__ == "__main__":
    asyncio.run(main())
