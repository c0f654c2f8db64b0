"""From a request to what its body says: a checked model, or chunks of bytes for a thread."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, TypeVar

from pydantic import ValidationError
from starlette.requests import ClientDisconnect, Request

from multitap.message import Request as WireRequest

from .errors import UnsupportedMediaType
from .faults import invalid_request
from .strict_json import JsonValue, parse_json

ModelT = TypeVar("ModelT", bound=WireRequest)
JSON_TYPE: Final = "application/json"
FILE_TYPES: Final = ("application/octet-stream", "application/vnd.safetensors")
_CHUNK_BYTES: Final = 2**20


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


async def read_json(request: Request, *, max_depth: int) -> JsonValue:
    """Return the JSON document in the body.

    Raises:
        UnsupportedMediaType, MalformedJson, TooLarge, BodyTooSlow: as the guard and the parser say.
    """
    require_media_type(request.headers, (JSON_TYPE,))
    return parse_json(await request.body(), max_depth=max_depth)


async def read_optional_json(request: Request, *, max_depth: int) -> JsonValue:
    """Return the JSON document in the body, None where there is no body. Raises: as `read_json`."""
    return await read_json(request, max_depth=max_depth) if await request.body() else None


def parse_model(model: type[ModelT], document: JsonValue) -> ModelT:
    """Return the document as a model. Raises: InvalidRequest, with every fault."""
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise invalid_request(error.errors(include_url=False, include_input=False)) from error


class BodyChunks:
    """The body of a request as an iterator for one thread, which it holds back as need be.

    Made on the event loop; iterated in a thread. Iterating raises what reading the body raises,
    and ClientDisconnect once `stop` was called.
    """

    def __init__(self, request: Request) -> None:
        self._parts = request.stream()
        self._loop = asyncio.get_running_loop()
        self._waiting: Callable[[], bool] | None = None
        self._stopped = False

    def stop(self) -> None:
        """End the iteration with an error; called where the request was cancelled."""
        self._stopped = True
        if self._waiting is not None:
            self._waiting()

    def __iter__(self) -> Iterator[bytes]:
        while True:
            future = asyncio.run_coroutine_threadsafe(self._next(), self._loop)
            self._waiting = future.cancel
            if self._stopped:
                future.cancel()
                raise ClientDisconnect
            chunk = future.result()
            if not chunk:
                return
            yield chunk

    async def _next(self) -> bytes:
        """Gather parts, which are small, into a chunk that is worth waking a thread for."""
        chunk = bytearray()
        async for part in self._parts:
            chunk += part
            if len(chunk) >= _CHUNK_BYTES:
                break
        return bytes(chunk)
