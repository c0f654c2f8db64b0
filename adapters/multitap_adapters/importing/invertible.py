"""The invertible adapters of the `adapters` library: NICE blocks after the embeddings."""

from dataclasses import dataclass

from pydantic import ValidationError

from multitap_adapters.spec import Invertible

from .activations import read_activation
from .bottlenecks import bottleneck_size
from .errors import FolderRefused, first_fault
from .keys import coupling_key, places
from .parts import ModulePart
from .settings import Settings
from .stored import StoredTensors
from .target import Target


@dataclass(frozen=True, slots=True)
class _Declared:
    """An invertible adapter as a configuration declares it."""

    kind: str
    factor: float
    non_linearity: str


def read_invertible(
    settings: Settings,
    name: str,
    target: Target,
    stored: StoredTensors,
    *,
    old: bool,
    optional: bool,
) -> ModulePart | None:
    """Return the invertible adapter that a configuration declares, None where there is none.

    `optional`: the first releases declared one for every task adapter and trained none, so that
    it counts only where its tensors are there.

    Raises:
        FolderRefused: it is no NICE block, or its tensors are not as the configuration says.
    """
    declared = _declared(settings)
    prefix = f"invertible_adapters.{name}."
    present = any(key.startswith(prefix) for key in stored.names())
    if declared is None or (optional and not present):
        return None
    if declared.kind != "nice":
        reason = (
            " (its forward pass fails in the library itself)" if declared.kind == "glow" else ""
        )
        raise FolderRefused(f"invertible adapter {declared.kind!r} is not supported{reason}")
    half = target.identity.embedding_size // 2
    try:
        module = Invertible(
            size=bottleneck_size(half, declared.factor, settings.at),
            activation=read_activation(declared.non_linearity, old=old),
        )
    except ValidationError as error:
        raise FolderRefused(f"{settings.at} cannot be expressed: {first_fault(error)}") from None
    shapes = places(module, target.identity)
    wanted = {coupling_key(name, place): shape for place, shape in shapes.items()}
    return ModulePart(module, dict(zip(shapes, stored.take(wanted), strict=True)))


def _declared(settings: Settings) -> _Declared | None:
    non_linearity = settings.text("non_linearity") or ""
    nested = settings.inner("invertible_adapter")
    if nested is not None:
        # The first releases trained with the block's own non-linearity; later ones load it with the
        # bottleneck's (docs/adr/0012).
        return _Declared(
            nested.text("block_type") or "",
            nested.number("reduction_factor", 2.0),
            nested.text("non_linearity") or non_linearity,
        )
    kind = settings.text("inv_adapter")
    if kind is None:
        return None
    return _Declared(kind, settings.number("inv_adapter_reduction_factor", 2.0), non_linearity)
