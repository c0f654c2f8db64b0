"""Everything that the engine refuses, as one tree.

EngineError
├── BackboneMismatch     the adapter was made for another backbone
├── UnsupportedAdapter   a method, kind or size that this engine cannot run
├── InputTooLong         more tokens than the task takes, and truncation was not wanted
├── Overloaded           the queue is full
├── DeadlineExceeded     no answer in the time that was given
├── AdapterUnavailable   the adapter's bytes cannot be read; its cause is the registry's error
└── EngineStopped        the engine is shutting down, or its worker died
"""


class EngineError(Exception):
    """Base of everything that the engine refuses."""


class BackboneMismatch(EngineError):
    """An adapter names another backbone than the one in memory."""

    def __init__(self, field: str, *, expected: object, found: object) -> None:
        self.field = field
        self.expected = expected
        self.found = found
        super().__init__(
            f"the adapter was made for another backbone: its {field} is {found!r}, "
            f"this server's is {expected!r}"
        )


class UnsupportedAdapter(EngineError):
    """A well-formed adapter that this engine cannot run."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class InputTooLong(EngineError):
    """An input has more tokens than its task takes; `index` is its place among the inputs."""

    def __init__(self, index: int, *, tokens: int, limit_tokens: int) -> None:
        self.index = index
        self.tokens = tokens
        self.limit_tokens = limit_tokens
        super().__init__(f"input {index} has {tokens} tokens, the task takes {limit_tokens}")


class Overloaded(EngineError):
    """The queue is full; `retry_after_s` is when there should be room."""

    def __init__(self, retry_after_s: float) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(f"the queue is full, retry in {retry_after_s:.1f} s")


class DeadlineExceeded(EngineError):
    """The answer was not there in time."""

    def __init__(self, timeout_s: float) -> None:
        self.timeout_s = timeout_s
        super().__init__(f"no answer within {timeout_s * 1000:.0f} ms")


class AdapterUnavailable(EngineError):
    """An adapter could not be loaded; it never falls back to the backbone's own output."""

    def __init__(self, digest: str, reason: str) -> None:
        self.digest = digest
        self.reason = reason
        super().__init__(f"adapter {digest} cannot be loaded: {reason}")


class EngineStopped(EngineError):
    """The engine takes no more rows."""
