"""Whether the server can predict and publish, and if not, why.

A server whose database or store is away still predicts with what it has in memory. It must not lose
its traffic for that, so only an engine that cannot work makes it unready.
"""

from multitap.wire import Fault
from multitap_registry.contract import Registry

from .engine.contract import Engine
from .engine.errors import EngineError
from .errors import NotReady
from .registry_probe import RegistryProbe


class Readiness:
    """Asks the engine and the registry."""

    def __init__(self, registry: Registry, engine: Engine, probe: RegistryProbe) -> None:
        self._registry = registry
        self._engine = engine
        self._probe = probe

    async def faults(self) -> list[Fault]:
        """Return what cannot work of a server that can predict.

        Raises:
            NotReady: the engine cannot work; with every part that cannot, and why.
            Overloaded: no thread is free to ask the registry.
        """
        faults = [
            Fault(at="registry", message=message)
            for message in (await self._probe.ask(), self._lag())
            if message is not None
        ]
        try:
            self._engine.require_ready()
        except EngineError as error:
            raise NotReady([Fault(at="engine", message=str(error)), *faults]) from error
        return faults

    def _lag(self) -> str | None:
        since = self._registry.lagging_since
        if since is None:
            return None
        return f"changes by others since {since:%Y-%m-%dT%H:%M:%SZ} may not be seen yet"
