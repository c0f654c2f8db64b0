"""From a digest to an adapter that runs: read, checked strictly, and built for this backbone.

Blocks on storage, so the bank calls it in its thread pool. Nothing that it cannot vouch for runs:
bytes of another digest, another backbone or an unknown method are refused.
"""

import logging
from collections.abc import Callable

from multitap_adapters.backbone import Backbone, require_same_backbone
from multitap_adapters.errors import AdapterError, UnsupportedSpec, WrongBackbone
from multitap_adapters.file import AdapterFile, AdapterFileError, parse_adapter
from multitap_adapters.loading import load_adapter
from multitap_adapters.question_windows import least_question_tokens
from multitap_adapters.spec import AdapterSpec, HeadKind
from multitap_adapters.stacks import require_stackable
from multitap_adapters.word_windows import least_word_tokens
from multitap_registry.errors import RegistryError

from .bank import Loaded
from .errors import AdapterUnavailable, BackboneMismatch, EngineError, UnsupportedAdapter

_log = logging.getLogger(__name__)


class Loader:
    """Loads adapters for one backbone."""

    def __init__(self, backbone: Backbone, read_blob: Callable[[str], bytes]) -> None:
        """`read_blob` returns an adapter file's verified bytes by digest, and blocks."""
        self._backbone = backbone
        self._read_blob = read_blob

    def require_servable(self, spec: AdapterSpec) -> None:
        """Return where adapters of this specification can run on the backbone; cheap.

        Raises:
            BackboneMismatch: the adapter was made for another backbone.
            UnsupportedAdapter: a method, kind or size that cannot be run.
        """
        try:
            require_same_backbone(spec.backbone, self._backbone.identity)
            require_stackable(spec)
        except WrongBackbone as error:
            raise BackboneMismatch(
                error.field, expected=error.expected, found=error.found
            ) from None
        except UnsupportedSpec as error:
            raise UnsupportedAdapter(str(error)) from None
        most = self._backbone.config.max_tokens
        if spec.max_tokens > most:
            raise UnsupportedAdapter(
                f"max_tokens is {spec.max_tokens}, the backbone has positions for {most}"
            )
        least = self._least_tokens(spec.head.kind)
        if spec.max_tokens < least:
            raise UnsupportedAdapter(
                f"max_tokens is {spec.max_tokens}, a {spec.head.kind} task needs {least} or more"
            )

    def load(self, digest: str) -> Loaded:
        """Read and build an adapter.

        Raises:
            AdapterUnavailable: its bytes cannot be had, are others, or are no adapter.
            BackboneMismatch, UnsupportedAdapter: as above.
        """
        try:
            file = self._read(digest)
            self.require_servable(file.spec)
            adapter = load_adapter(file, self._backbone)
        except EngineError:
            raise
        except (RegistryError, AdapterFileError, AdapterError) as error:
            raise AdapterUnavailable(digest, str(error)) from error
        except Exception as error:
            # The edge of the loading thread: whoever waits for the adapter gets an answer.
            _log.exception("adapter %s cannot be loaded", digest)
            raise AdapterUnavailable(digest, type(error).__name__) from error
        if file.spec.backbone.tokenizer_digest != self._backbone.identity.tokenizer_digest:
            _log.warning("adapter %s was trained with another tokenizer", digest)
        return Loaded(adapter, adapter.size_bytes)

    def _least_tokens(self, kind: HeadKind) -> int:
        """Return the length below which a window would have no room."""
        match kind:
            case "tagging":
                return least_word_tokens(self._backbone.tokenizer)
            case "question_answering":
                return least_question_tokens(self._backbone.tokenizer)
            case _:
                return 0

    def _read(self, digest: str) -> AdapterFile:
        file = parse_adapter(self._read_blob(digest))
        if file.digest != digest:
            raise AdapterUnavailable(digest, f"its bytes have the digest {file.digest}")
        return file
