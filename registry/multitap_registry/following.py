"""A thread that keeps showing what other servers change in a shared database."""

import logging
import threading
from collections.abc import Callable
from datetime import datetime
from types import TracebackType
from typing import Final, Self

from .clock import Clock
from .errors import RegistryError

_LOG: Final = logging.getLogger("multitap.registry")


class Follower:
    """Looks at the database again and again, while it is there and while it is away.

    A look that fails changes nothing of what is shown; the next one shows all that was missed.
    Used as a context manager, by whoever opened the registry.
    """

    def __init__(self, look: Callable[[], None], *, interval_s: float, clock: Clock) -> None:
        self._look: Final = look
        self._interval_s: Final = interval_s
        self._clock: Final = clock
        self._stopping: Final = threading.Event()
        self._thread: Final = threading.Thread(
            target=self._run, name="multitap-follower", daemon=True
        )
        self._failure: Exception | None = None
        self._last_look = clock()

    @property
    def failure(self) -> Exception | None:
        """What the last look met, None where it succeeded."""
        return self._failure

    @property
    def lagging_since(self) -> datetime | None:
        """When a look succeeded for the last time, if later ones failed; else None."""
        return None if self._failure is None else self._last_look

    def look(self) -> None:
        """Look once, at once."""
        before = self._clock()
        try:
            self._look()
        except RegistryError as error:
            if self._failure is None:
                _LOG.warning("the registry is served from memory: %s", error)
            self._failure = error
        except Exception as error:  # noqa: BLE001 (a fault of ours must not end all later looks)
            _LOG.exception("the registry is served from memory")
            self._failure = error
        else:
            if self._failure is not None:
                _LOG.warning("the registry is followed again")
            self._last_look, self._failure = before, None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(self._interval_s):
            self.look()
