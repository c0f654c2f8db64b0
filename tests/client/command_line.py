"""What the command's tests speak of: a run, its outcome, and the server behind it."""

from collections.abc import Callable
from dataclasses import dataclass

from fake_engine import FakeEngine
from multitap_registry.memory import MemoryRegistry


@dataclass(frozen=True)
class Outcome:
    """What a command left behind."""

    code: int
    out: str
    err: str


Run = Callable[..., Outcome]


@dataclass(frozen=True)
class Running:
    """A server and what is behind it."""

    url: str
    registry: MemoryRegistry
    engine: FakeEngine
