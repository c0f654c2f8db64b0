"""Parts for tests of the engine: submissions, rows, and blobs whose reading a test can hold up."""

import asyncio
import threading
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import torch

from multitap_adapters.adapter import Adapter
from multitap_adapters.file import AdapterFile, tensor_shapes
from multitap_server.engine.contract import EncodedRow
from multitap_server.engine.submission import Submission
from sample_adapters import sample_spec

PATIENCE_S = 20.0
ResultT = TypeVar("ResultT")


async def soon(awaitable: Awaitable[ResultT]) -> ResultT:
    """Return what is awaited; a test that would wait for ever fails instead."""
    async with asyncio.timeout(PATIENCE_S):
        return await awaitable


def row(length: int, seed: int = 0, *, vocabulary: int = 60) -> EncodedRow:
    """Return a row of random token ids."""
    ids = np.random.default_rng(seed).integers(0, vocabulary, length)
    return EncodedRow([int(i) for i in ids], [0] * length, truncated=False)


def rows(lengths: Sequence[int], seed: int = 0) -> list[EncodedRow]:
    """Return a row of every length, each with other tokens."""
    return [row(length, seed * 1_000 + index) for index, length in enumerate(lengths)]


def plain_adapter() -> Adapter:
    """Return an adapter that holds nothing but a head of zeros."""
    spec = sample_spec()
    tensors = {name: torch.zeros(shape) for name, shape in tensor_shapes(spec).items()}
    return Adapter(spec, tensors, norm_eps=1e-12)


def submission(loop: asyncio.AbstractEventLoop, *lengths: int) -> Submission:
    """Return a submission with a row of every length."""
    return Submission(rows(lengths), loop.create_future())


@dataclass
class Blobs:
    """Adapter files in memory; reading a digest in `gates` waits until its gate is open."""

    files: dict[str, bytes] = field(default_factory=dict[str, bytes])
    errors: dict[str, Exception] = field(default_factory=dict[str, Exception])
    gates: dict[str, threading.Event] = field(default_factory=dict[str, threading.Event])
    reads: list[str] = field(default_factory=list[str])

    def add(self, file: AdapterFile, content: bytes) -> str:
        """Store a file and return its digest."""
        self.files[file.digest] = content
        return file.digest

    def hold(self, digest: str) -> threading.Event:
        """Hold up every reading of a digest until the event is set."""
        self.gates[digest] = threading.Event()
        return self.gates[digest]

    def read(self, digest: str) -> bytes:
        """Return a file's bytes, or raise the error that a test has put there."""
        self.reads.append(digest)
        if digest in self.gates and not self.gates[digest].wait(PATIENCE_S):
            raise TimeoutError(f"nobody opened the gate of {digest}")
        if digest in self.errors:
            raise self.errors[digest]
        return self.files[digest]
