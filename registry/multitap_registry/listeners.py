"""Who wants to know at once that something changed."""

import threading
from collections.abc import Callable
from typing import Final


class Listeners:
    """Callbacks that are told the newest event's number; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock: Final = threading.Lock()
        self._listeners: Final[dict[object, Callable[[int], None]]] = {}

    def add(self, listener: Callable[[int], None]) -> Callable[[], None]:
        """Add a listener; returns what removes it again."""
        key = object()
        with self._lock:
            self._listeners[key] = listener

        def remove() -> None:
            with self._lock:
                self._listeners.pop(key, None)

        return remove

    def tell(self, seq: int) -> None:
        """Call every listener."""
        with self._lock:
            listeners = list(self._listeners.values())
        for listener in listeners:
            listener(seq)
