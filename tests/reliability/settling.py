"""What is done after each crash: open, compare everything, try again what was not acknowledged."""

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path

from multitap_registry.contract import Registry
from multitap_registry.folder import open_registry

from .calls import Recorded
from .direct_caller import DirectCaller
from .history import History
from .standing import check_shown, check_stored

_ALL = 1_000_000


@dataclass
class Settling:
    """A registry's folder, with the history of the calls that were made there."""

    folder: Path
    history: History = field(default_factory=History)
    retries: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    open: Callable[[Path], AbstractContextManager[Registry]] = open_registry

    def settle(self, recorded: Sequence[Recorded]) -> None:
        """Compare what is there with what was recorded, and repeat the unknown publishes.

        A repeated one must give one version, whether or not the first attempt took place.

        Raises:
            InconsistencyError, RegistryError: something is not as it must be.
        """
        with self.open(self.folder) as registry:
            self._compare(registry, recorded)
            again = [self._repeat(registry, record) for record in recorded if _is_open(record)]
            if again:
                self._compare(registry, again)
        check_stored(self.folder, self.history)

    def _compare(self, registry: Registry, recorded: Sequence[Recorded]) -> None:
        lines = registry.audit(after=self.history.head.seq, limit=_ALL)
        self.history.take(recorded, lines)
        check_shown(registry, self.history)

    def _repeat(self, registry: Registry, record: Recorded) -> Recorded:
        call = replace(record.call, id=f"again-{next(self.retries)}")
        began_s = time.monotonic()
        answer = DirectCaller(registry).perform(call)
        return Recorded(call, answer, began_s, time.monotonic())


def _is_open(record: Recorded) -> bool:
    return record.answer.outcome == "unknown" and record.call.verb == "publish"
