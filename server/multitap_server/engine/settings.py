"""What an operator may choose of the engine."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """Bounds of the engine.

    `threads` 0 takes every core. `batch_tokens` bounds a forward pass, `queued_tokens` what waits;
    `adapter_bytes` bounds the adapters in memory, besides those in use. `drain_s` is how long
    queued rows may still run when the engine stops.
    """

    threads: int = 0
    batch_tokens: int = 4_096
    queued_tokens: int = 262_144
    adapter_bytes: int = 2 * 2**30
    loading_threads: int = 2
    drain_s: float = 30.0
