"""From a request to what its body says: a checked model, or chunks of bytes for a thread."""

import asyncio
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from typing import Final, TypeVar

from pydantic import ValidationError
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request

from multitap.message import Request as WireRequest
from multitap.wire import Fault

from .errors import InvalidRequest, UnsupportedMediaType
from .faults import invalid_request
from .problems import OFFSET_HEADER
from .strict_json import JsonValue, parse_json

ModelT = TypeVar("ModelT", bound=WireRequest)
JSON_TYPE: Final = "application/json"
FILE_TYPES: Final = ("application/octet-stream", "application/vnd.safetensors")
_CHUNK_BYTES: Final = 2**20
_OFFSET: Final = re.compile(r"\d{1,18}", re.ASCII)


def require_media_type(headers: Mapping[str, str], expected: Sequence[str]) -> None:
    """Return if the body is of one of these types and not compressed.

    Raises:
        UnsupportedMediaType: it is not, or says nothing.
    """
    found = headers.get("content-type")
    essence = None if found is None else found.partition(";")[0].strip().lower()
    if essence not in expected:
        raise UnsupportedMediaType(found, expected)
    coding = headers.get("content-encoding", "identity")
    if coding != "identity":
        found = f"{essence} in content coding {coding}"
        raise UnsupportedMediaType(found, expected)


def read_offset(headers: Headers) -> int:
    """Return where the bytes of a body belong in their upload. Raises: InvalidRequest."""
    given = headers.getlist(OFFSET_HEADER)
    if len(given) != 1 or not _OFFSET.fullmatch(given[0]):
        message = "expected one number, of the bytes that the upload has"
        raise InvalidRequest([Fault(at=f"header.{OFFSET_HEADER}", message=message)])
    return int(given[0])


async def read_json(request: Request, *, max_depth: int) -> JsonValue:
    """Return the JSON document in the body.

    Raises:
        UnsupportedMediaType, MalformedJson, TooLarge, BodyTooSlow: as the guard and the parser say.
    """
    require_media_type(request.headers, (JSON_TYPE,))
    return parse_json(await request.body(), max_depth=max_depth)


async def read_optional(request: Request, model: type[ModelT], *, max_depth: int) -> ModelT:
    """Return the JSON body as a model, which is of defaults only where there is no body.

    Raises:
        InvalidRequest: with every fault; and as `read_json`.
    """
    if not await request.body():
        return model()
    return parse_model(model, await read_json(request, max_depth=max_depth))


def parse_model(model: type[ModelT], document: JsonValue) -> ModelT:
    """Return the document as a model. Raises: InvalidRequest, with every fault."""
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise invalid_request(error.errors(include_url=False, include_input=False)) from error


class BodyChunks:
    """The body of a request as an iterator for one thread, which it holds back as need be.

    Made on the event loop; iterated in a thread. Iterating raises what reading the body raises, and
    ClientDisconnect once `stop` was called; the bytes that came before that are given out first.
    """

    def __init__(self, request: Request) -> None:
        self._parts = request.stream()
        self._loop = asyncio.get_running_loop()
        self._waiting: Callable[[], bool] | None = None
        self._stopped = False
        self._gathered = bytearray()

    def stop(self) -> None:
        """End the iteration with an error; called where nobody waits for its end any more."""
        self._stopped = True
        if self._waiting is not None:
            self._waiting()

    def __iter__(self) -> Iterator[bytes]:
        while True:
            future = asyncio.run_coroutine_threadsafe(self._gather(), self._loop)
            self._waiting = future.cancel
            if self._stopped:
                future.cancel()
            try:
                failure = future.exception()
            except CancelledError:
                failure = ClientDisconnect()
            chunk = bytes(self._gathered)
            self._gathered.clear()
            if chunk:
                yield chunk
            if failure is not None:
                raise failure
            if not chunk:
                return

    async def _gather(self) -> None:
        """Gather parts, which are small, into a chunk that is worth waking a thread for."""
        async for part in self._parts:
            self._gathered += part
            if len(self._gathered) >= _CHUNK_BYTES:
                break
