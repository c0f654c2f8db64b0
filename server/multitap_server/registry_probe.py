"""Asking the registry whether it can be read and written: one question at a time, with patience."""

import asyncio
import logging
from typing import Final

from multitap_registry.contract import Registry
from multitap_registry.errors import RegistryError

from .threads import Threads

_LOG: Final = logging.getLogger("multitap.server")
# Whoever asks whether a server is ready often waits for a second only.
PATIENCE_S: Final = 0.7


class RegistryProbe:
    """Asks by a small write; whoever asks meanwhile gets the same answer."""

    def __init__(
        self, registry: Registry, threads: Threads, *, patience_s: float = PATIENCE_S
    ) -> None:
        self._registry = registry
        self._threads = threads
        self._patience_s = patience_s
        self._asking: asyncio.Future[str | None] | None = None
        self._writable: bool | None = None

    @property
    def writable(self) -> bool | None:
        """What was found the last time, None where nobody asked yet."""
        return self._writable

    async def ask(self) -> str | None:
        """Return why the registry cannot be written now, None where it can.

        A question that takes longer than the patience goes on, for whoever asks next.

        Raises:
            Overloaded: no thread is free to ask.
        """
        if self._asking is None or self._asking.done():
            self._asking = self._threads.start(self._check)
        done, _ = await asyncio.wait([self._asking], timeout=self._patience_s)
        message = (
            self._asking.result()
            if done
            else f"no answer within {self._patience_s} s, still asking"
        )
        self._writable = message is None
        return message

    def _check(self) -> str | None:
        try:
            self._registry.check()
        except RegistryError as error:
            return str(error)
        except Exception:  # noqa: BLE001 (nobody may wait for it any more: it must be told here)
            _LOG.exception("the registry could not be asked")
            return "the registry could not be asked; see the log"
        return None
