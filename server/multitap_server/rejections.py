"""Uploads that were refused or cut off: one audit line each, besides the answer."""

import logging
from collections.abc import Generator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from starlette.requests import ClientDisconnect

from multitap_adapters.file import AdapterFileError
from multitap_registry.contract import Registry
from multitap_registry.errors import RegistryError, UploadDigestMismatch, UploadTooLarge

from .engine.errors import BackboneMismatch, UnsupportedAdapter
from .errors import BodyTooSlow, TooLarge

_LOG: Final = logging.getLogger("multitap.server")
CUT_OFF: Final = "cut off before its end"
MAX_REASON: Final = 300
_REFUSED: Final = (
    AdapterFileError,
    BackboneMismatch,
    UnsupportedAdapter,
    UploadTooLarge,
    UploadDigestMismatch,
    TooLarge,
    BodyTooSlow,
)
# How a body that ends too early looks to the thread that reads it.
_CUT_OFF: Final = (ClientDisconnect, CancelledError)


@dataclass(slots=True)
class Attempt:
    """An upload on its way; `digest` is set once it is known."""

    digest: str | None = None


class Rejections:
    """Writes the audit lines of uploads that become no version."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    @contextmanager
    def noting(self, task: str, *, by: str, request_id: str) -> Generator[Attempt]:
        """Note what the block raises if the upload is at fault, and let it pass; blocks."""
        attempt = Attempt()
        try:
            yield attempt
        except (*_REFUSED, *_CUT_OFF) as error:
            self._note(task, _reason(error), attempt, by=by, request_id=request_id)
            raise

    def _note(self, task: str, reason: str, attempt: Attempt, *, by: str, request_id: str) -> None:
        try:
            self._registry.reject(
                task, by=by, reason=reason, digest=attempt.digest, request_id=request_id
            )
        except RegistryError as error:  # the client learns why its upload was refused all the same
            _LOG.warning("request %s: its audit line is lost: %s", request_id, error)


def _reason(error: Exception) -> str:
    """Return why in one line of bounded length: of many faults the first one."""
    if isinstance(error, _CUT_OFF):
        return CUT_OFF
    text = str(error.faults[0]) if isinstance(error, AdapterFileError) else str(error)
    line = " ".join(text.encode(errors="replace").decode().split())
    return line if len(line) <= MAX_REASON else f"{line[: MAX_REASON - 1]}…"
