"""Whether this server can answer with an adapter: its engine runs it, and its kind is decoded."""

from multitap_adapters.file import AdapterFile
from multitap_adapters.spec import AdapterSpec

from .decoding import DECODERS
from .engine.contract import Engine
from .engine.errors import BackboneMismatch, UnsupportedAdapter


class Servability:
    """Asks the engine and the decoders."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def require(self, spec: AdapterSpec) -> None:
        """Return where adapters of this specification are answered; cheap.

        Raises:
            BackboneMismatch: the adapter was made for another backbone.
            UnsupportedAdapter: its method, size or kind is not served.
        """
        self._engine.require_servable(spec)
        if spec.head.kind not in DECODERS:
            kinds = ", ".join(sorted(DECODERS))
            reason = f"kind {spec.head.kind!r} is not served yet, expected one of {kinds}"
            raise UnsupportedAdapter(reason)

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
