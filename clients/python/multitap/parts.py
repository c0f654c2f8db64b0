"""Pushing a large file in parts, as steps that a client performs: nothing here sends or waits.

A generator of steps gets each step's answer, or the error that it raised, and ends with what the
push did. The server counts every byte that arrived, so after a cut it is asked where to go on.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Final, TypeAlias, TypeVar, cast

from . import calls
from .calls import Call
from .errors import MultitapError, UploadNotFound
from .files import UploadSource
from .publication import Publication
from .retries import Retries
from .wire import Upload

# Up to here a file goes in one request.
WHOLE_BYTES: Final = 8 * 2**20
PART_BYTES: Final = 4 * 2**20

ResultT = TypeVar("ResultT")
Wait: TypeAlias = Callable[[MultitapError, int], float | None]


@dataclass(frozen=True, slots=True)
class Pause:
    """A wait before the next step."""

    wait_s: float


Step: TypeAlias = Call[Upload] | Call[Publication] | Call[None] | Pause
Steps: TypeAlias = Generator[Step, object, ResultT]


@dataclass(frozen=True, slots=True)
class PartsPush:
    """One push of a large file."""

    task: str
    source: UploadSource
    digest: str
    alias: str | None
    retries: Retries

    def steps(self) -> Steps[Publication]:
        """Open an upload, send every part, publish; begin anew once if the server forgot it."""
        try:
            return (yield from self._push())
        except UploadNotFound:
            return (yield from self._push())

    def _push(self) -> Steps[Publication]:
        opening = calls.open_upload(self.source.size_bytes, self.digest)
        opened = yield from _repeated(opening, self._opening_wait_s)
        try:
            yield from self._send(opened)
            publishing = calls.publish_upload(self.task, opened.upload, alias=self.alias)
            return (yield from _repeated(publishing, self._part_wait_s))
        except UploadNotFound:
            raise
        except (MultitapError, OSError):
            yield from _given_up(opened.upload)
            raise

    def _send(self, upload: Upload) -> Steps[None]:
        offset, attempt = upload.offset, 1
        while offset < self.source.size_bytes:
            before = offset
            part = self.source.part(offset, PART_BYTES)
            try:
                offset = (yield from _asked(calls.append(upload.upload, part))).offset
            except MultitapError as error:
                wait_s = self._part_wait_s(error, attempt)
                if wait_s is None:
                    raise
                yield Pause(wait_s)
                asking = calls.upload(upload.upload)
                offset = (yield from _repeated(asking, self._part_wait_s)).offset
            attempt = 1 if offset > before else attempt + 1

    def _opening_wait_s(self, error: MultitapError, attempt: int) -> float | None:
        return self.retries.wait_s(error, attempt=attempt, repeat="always")

    def _part_wait_s(self, error: MultitapError, attempt: int) -> float | None:
        return self.retries.part_wait_s(error, attempt=attempt)


def _asked(call: Call[ResultT]) -> Steps[ResultT]:
    """Perform one call and return its answer."""
    return cast("ResultT", (yield cast("Step", call)))


def _repeated(call: Call[ResultT], wait: Wait) -> Steps[ResultT]:
    """Perform one call as often as `wait` says."""
    attempt = 1
    while True:
        try:
            return (yield from _asked(call))
        except MultitapError as error:
            wait_s = wait(error, attempt)
            if wait_s is None:
                raise
        yield Pause(wait_s)
        attempt += 1


def _given_up(upload_id: str) -> Steps[None]:
    """Leave nothing on the server if it can be reached; otherwise its grace period does."""
    try:
        yield calls.discard_upload(upload_id)
    except MultitapError:
        return
