"""Whether this server can answer with an adapter: whatever its engine runs, it decodes."""

from multitap_adapters.file import AdapterFile
from multitap_adapters.spec import AdapterSpec

from .engine.contract import Engine
from .engine.errors import BackboneMismatch, UnsupportedAdapter


class Servability:
    """Asks the engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def require(self, spec: AdapterSpec) -> None:
        """Return where adapters of this specification are answered; cheap.

        Raises:
            BackboneMismatch: the adapter was made for another backbone.
            UnsupportedAdapter: its method, size or kind is not served.
        """
        self._engine.require_servable(spec)

    def holds(self, spec: AdapterSpec) -> bool:
        """Whether `require` returns."""
        try:
            self.require(spec)
        except (BackboneMismatch, UnsupportedAdapter):
            return False
        return True

    def check(self, file: AdapterFile) -> None:
        """Run a canary row through a new adapter; blocks. Raises: as `require`."""
        self.require(file.spec)
        self._engine.check(file)
