"""Whether the server can predict and publish, and if not, why."""

from multitap.wire import Fault
from multitap_registry.contract import Registry
from multitap_registry.errors import RegistryError

from .engine.contract import Engine
from .engine.errors import EngineError
from .errors import NotReady
from .threads import Threads


class Readiness:
    """Asks the engine and the registry."""

    def __init__(self, registry: Registry, engine: Engine, threads: Threads) -> None:
        self._registry = registry
        self._engine = engine
        self._threads = threads

    async def require(self) -> None:
        """Return where both can work.

        Raises:
            NotReady: with every part that cannot, and why.
            Overloaded: no thread is free to ask the registry.
        """
        faults: list[Fault] = []
        try:
            self._engine.require_ready()
        except EngineError as error:
            faults.append(Fault(at="engine", message=str(error)))
        try:
            await self._threads.run(self._registry.check)
        except RegistryError as error:
            faults.append(Fault(at="registry", message=str(error)))
        if faults:
            raise NotReady(faults)
