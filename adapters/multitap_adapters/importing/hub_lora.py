"""LoRA and (IA)³ of the `adapters` library, classes LoRA and IA3 in `methods/lora.py`."""

from pydantic import ValidationError
from torch import Tensor

from multitap_adapters.family import Family
from multitap_adapters.spec import Ia3, Lora, Projection

from .errors import FolderRefused, first_fault
from .keys import places, projection_key, split_place
from .parts import ModulePart
from .settings import Settings
from .stored import StoredTensors
from .target import Target

_ATTENTION: dict[str, Projection] = {"q": "query", "k": "key", "v": "value"}
_TENSORS = {"a": "lora_A", "b": "lora_B", "output_scale": "lora_B"}
_FIXED_SCALING = (1, 1)  # the first version of `adapters` that trained with alpha / r


def hub_projections(settings: Settings) -> tuple[Projection, ...]:
    """Return the projections that a LoRA or (IA)³ configuration names."""
    matrices = settings.texts("attn_matrices") if "attn_matrices" in settings else ("q", "v")
    unknown = sorted(set(matrices) - _ATTENTION.keys())
    if unknown:
        raise FolderRefused(f"attn_matrices in {settings.at} names {unknown[0]!r}")
    attention = matrices if settings.flag("selfattn_lora", default=True) else ()
    found: list[Projection] = [_ATTENTION[short] for short in _ATTENTION if short in attention]
    if settings.flag("intermediate_lora", default=False):
        found.append("ffn_up")
    if settings.flag("output_lora", default=False):
        found.append("ffn_down")
    return tuple(found)


def read_hub_lora(
    settings: Settings, name: str, version: str, target: Target, stored: StoredTensors
) -> ModulePart:
    """Return the LoRA module of a folder.

    Raises:
        FolderRefused: it cannot be served faithfully, or its tensors are not as it says.
    """
    _require_plain(settings)
    r = settings.integer("r", 8)
    alpha = _alpha(settings, r, version)
    try:
        module = Lora(
            projections=hub_projections(settings),
            r=r,
            alpha=alpha,
            leave_out=settings.layers("leave_out"),
        )
    except ValidationError as error:
        raise FolderRefused(f"{settings.at} cannot be expressed: {first_fault(error)}") from None
    shapes = places(module, target.identity)
    wanted = {hub_lora_key(target.family, name, place): shape for place, shape in shapes.items()}
    tensors: dict[str, Tensor] = dict(zip(shapes, stored.take(wanted), strict=True))
    return ModulePart(module, tensors)


def read_hub_ia3(
    settings: Settings, name: str, version: str, target: Target, stored: StoredTensors
) -> ModulePart:
    """Return the (IA)³ module of a folder; a factor alpha is multiplied into its vectors.

    Raises:
        FolderRefused: it cannot be served faithfully, or its tensors are not as it says.
    """
    _require_plain(settings)
    r = settings.integer("r", 1)
    if r != 1:
        raise FolderRefused(f"r in {settings.at} is {r}, expected 1 where vectors multiply")
    alpha = _alpha(settings, r, version)
    try:
        module = Ia3(outputs=hub_projections(settings), leave_out=settings.layers("leave_out"))
    except ValidationError as error:
        raise FolderRefused(f"{settings.at} cannot be expressed: {first_fault(error)}") from None
    tensors: dict[str, Tensor] = {}
    for place, (size,) in places(module, target.identity).items():
        vector = stored.take_one(hub_lora_key(target.family, name, place), (size, 1)).reshape(size)
        tensors[place] = vector if alpha == 1 else vector * alpha
    return ModulePart(module, tensors)


def _require_plain(settings: Settings) -> None:
    for field in ("use_dora", "use_gating", "vera_d", "vera_b"):
        if settings.value(field):
            raise FolderRefused(f"{field} in {settings.at} is not supported")


def _alpha(settings: Settings, r: int, version: str) -> float:
    # Before 1.1.0 the trained updates were not scaled, as if alpha were r.
    return float(r) if _unscaled(version) else settings.number("alpha", 8.0)


def hub_lora_key(family: Family, name: str, place: str) -> str:
    """Return the `adapters` name of a LoRA or (IA)³ tensor."""
    layer, projection, tensor = split_place(place)
    return f"{projection_key(family, layer, projection)}.loras.{name}.{_TENSORS[tensor]}"


def _unscaled(version: str) -> bool:
    """Whether a version is one of `adapters` before 1.1.0; its predecessors had no such prefix."""
    numbers = version.removeprefix("adapters.").split(".")
    if not version.startswith("adapters.") or not all(n.isdigit() for n in numbers[:2]):
        return False
    return tuple(int(n) for n in numbers[:2]) < _FIXED_SCALING
