"""What the HTTP edge refuses by itself, as one tree.

EdgeError
├── MalformedJson          the body is no JSON, or JSON that readers disagree about
├── InvalidRequest         wrong or unknown fields, inputs that do not fit the task: every fault
├── UnsupportedMediaType   a body of another type than the route takes
├── TooLarge               more bytes, rows, characters or scores than one call may have
├── BodyTooSlow            the body did not arrive in time
├── Forbidden              a Host that is not the server's own, or a foreign Origin
├── RouteNotFound
├── MethodNotAllowed
├── RangeNotSatisfiable    a range that lies outside the file
├── UnusableOutput         the engine gave numbers that are not finite
└── NotReady               parts of the server that cannot work now, each with its reason

ClientGone is none of them: nobody is left to be told. The registry, the file format and the engine
have trees of their own; ``problems.py`` maps all of them.
"""

from collections.abc import Sequence

from multitap.wire import Fault


class EdgeError(Exception):
    """Base of everything that the edge refuses."""


class MalformedJson(EdgeError):
    """The body is no JSON; the reason never quotes the body."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"the body is no JSON that can be read: {reason}")


class InvalidRequest(EdgeError):
    """Every fault of a request, each with its place."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        first = self.faults[0]
        more = len(self.faults) - 1
        others = f", and {more} more fault{'s' if more > 1 else ''}" if more else ""
        super().__init__(f"{first.at}: {first.message}{others}")


class UnsupportedMediaType(EdgeError):
    """The body is of another type than the route takes."""

    def __init__(self, found: str | None, expected: Sequence[str]) -> None:
        self.found = found
        self.expected = tuple(expected)
        what = "no content type" if found is None else f"content type {found[:100]!r}"
        super().__init__(f"{what}, expected {' or '.join(self.expected)}")


class TooLarge(EdgeError):
    """One call has more of something than it may have."""

    def __init__(self, what: str, limit: int, unit: str) -> None:
        self.what = what
        self.limit = limit
        self.unit = unit
        super().__init__(f"{what} has more than {limit} {unit}")


class BodyTooSlow(EdgeError):
    """The body stopped arriving, or took too long as a whole."""

    def __init__(self, waited_s: float) -> None:
        self.waited_s = waited_s
        super().__init__(f"the body was not complete after a wait of {waited_s:g} s")


class Forbidden(EdgeError):
    """The request came by a name or from a place that is not the server's own."""

    def __init__(self, header: str, value: str | None) -> None:
        self.header = header
        self.value = value
        what = "is missing" if value is None else f"{value[:100]!r} is not this server's own"
        super().__init__(f"header {header} {what}")


class RouteNotFound(EdgeError):
    """No route has this path."""

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(f"no route {path[:200]!r}")


class MethodNotAllowed(EdgeError):
    """The route does not take this method."""

    def __init__(self, method: str, allowed: Sequence[str]) -> None:
        self.method = method
        self.allowed = tuple(allowed)
        super().__init__(f"method {method[:20]!r}, expected {' or '.join(self.allowed)}")


class RangeNotSatisfiable(EdgeError):
    """The range begins behind the end of the file."""

    def __init__(self, size_bytes: int) -> None:
        self.size_bytes = size_bytes
        super().__init__(f"the range lies outside the file's {size_bytes} bytes")


class UnusableOutput(EdgeError):
    """An adapter's outputs are NaN or infinite, and no prediction can be made of them."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        super().__init__(f"the outputs of a {kind} head are not finite")


class NotReady(EdgeError):
    """Parts of the server cannot work now; each fault names one, and says why."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(f"{fault.at}: {fault.message}" for fault in self.faults))


class ClientGone(Exception):
    """The client closed the connection before it was answered."""


class ConfigError(ValueError):
    """A setting is unknown, malformed or out of bounds."""
