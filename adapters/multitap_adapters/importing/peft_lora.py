"""LoRA of `peft`, class LoraLayer in `tuners/lora/layer.py`."""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import ValidationError
from torch import Tensor

from multitap_adapters.spec import Lora, LoraOverride, Projection

from .errors import FolderRefused, first_fault
from .keys import places, split_place
from .parts import ModulePart
from .peft_model import PROJECTIONS, PeftModel
from .peft_targets import pattern_value, targeted
from .settings import Settings
from .stored import StoredTensors
from .target import Pooler

# Ways to start that leave the backbone's weights as they are; others change them, and a folder
# does not hold what they changed them to.
_HARMLESS_STARTS = (None, True, False, "gaussian", "eva", "orthogonal")
_FORBIDDEN = (
    "use_dora",
    "use_qalora",
    "use_bdlora",
    "lora_bias",
    "alora_invocation_tokens",
    "arrow_config",
    "kasa_config",
    "layer_replication",
    "monteclora_config",
    "target_parameters",
    "trainable_token_indices",
    "megatron_config",
)
_DEFAULTS = dict.fromkeys(("bert", "electra", "roberta", "xlm-roberta"), ("query", "value"))
_TENSORS = {"a": "lora_A.weight", "b": "lora_B.weight"}


@dataclass(frozen=True, slots=True)
class PoolerUpdate:
    """What LoRA adds to a pooler's weight, and the bias in place of its own, if any."""

    delta: Tensor
    bias: Tensor | None

    def apply(self, pooler: Pooler) -> Pooler:
        """Return the pooler with the update multiplied out."""
        weight, bias = pooler
        return (weight.double() + self.delta).float(), bias if self.bias is None else self.bias


@dataclass(frozen=True, slots=True)
class LoraParts:
    """The modules of a folder, and its update of the pooler where that is targeted."""

    modules: tuple[ModulePart, ...]
    pooler: PoolerUpdate | None


@dataclass(frozen=True, slots=True)
class _Place:
    """One targeted projection of one layer."""

    layer: int
    projection: Projection
    r: int
    alpha: float


class _Scaling:
    """Ranks and alphas of a configuration, by a module's name."""

    def __init__(self, settings: Settings) -> None:
        self.rslora = settings.flag("use_rslora", default=False)
        self._r = settings.number("r", 8.0)
        self._alpha = settings.number("lora_alpha", 8.0)
        self._rs = settings.numbers("rank_pattern")
        self._alphas = settings.numbers("alpha_pattern")

    def place(self, name: str, layer: int, projection: Projection) -> _Place:
        """Return a projection with its rank and alpha."""
        return _Place(layer, projection, self.rank(name), self.alpha(name))

    def rank(self, name: str) -> int:
        """Return a module's rank. Raises: FolderRefused."""
        r = pattern_value(self._rs, name, self._r)
        if not r.is_integer() or r < 1:
            raise FolderRefused(f"the rank of {name!r} is {r}, expected a positive integer")
        return int(r)

    def alpha(self, name: str) -> float:
        """Return a module's alpha. Raises: FolderRefused."""
        return pattern_value(self._alphas, name, self._alpha)


def read_peft_lora(settings: Settings, model: PeftModel, stored: StoredTensors) -> LoraParts:
    """Return the LoRA modules of a folder: one for each set of layers with the same projections.

    Raises:
        FolderRefused: it cannot be served faithfully, or its tensors are not as it says.
    """
    bias = _require_plain(settings)
    names = {model.projection(*place): place for place in model.projections()}
    others = [name for name in (model.pooler, model.embedding_projection) if name]
    default = _DEFAULTS.get(model.target.family.model_type)
    found = targeted(settings, (*names, *others), default)
    _require_same(found, (*names, *others), stored)
    if model.embedding_projection in found:
        raise FolderRefused("LoRA of the projection of embeddings is not supported")
    scaling = _Scaling(settings)
    chosen = [scaling.place(name, *names[name]) for name in found if name in names]
    if not chosen:
        raise FolderRefused(f"{settings.at} targets no projection of the backbone")
    modules = [_module(group, scaling, model, bias=bias) for group in _groups(chosen)]
    parts = tuple(ModulePart(module, _take(module, model, stored)) for module in modules)
    update = None
    if model.pooler is not None and model.pooler in found:
        update = _pooler_update(scaling, model.pooler, model, stored, bias=bias)
    return LoraParts(parts, update)


def _require_plain(settings: Settings) -> bool:
    """Return whether biases were trained; raise FolderRefused for what cannot be served."""
    for field in _FORBIDDEN:
        if settings.value(field):
            raise FolderRefused(f"{field} in {settings.at} is not supported")
    start = settings.value("init_lora_weights")
    if start not in _HARMLESS_STARTS:
        raise FolderRefused(
            f"init_lora_weights {start!r} in {settings.at} changes the backbone's own weights"
        )
    bias = settings.text("bias") or "none"
    if bias == "all":
        raise FolderRefused(
            f"bias 'all' in {settings.at} also changes biases beside the targeted projections"
        )
    if bias not in ("none", "lora_only"):
        raise FolderRefused(f"bias {bias!r} in {settings.at} is unknown")
    return bias == "lora_only"


def _require_same(found: Iterable[str], modules: Iterable[str], stored: StoredTensors) -> None:
    """Raise FolderRefused where the tensors are not those of the targeted modules."""
    wanted = set(found)
    for name in modules:
        present = f"{name}.lora_A.weight" in stored
        if present and name not in wanted:
            raise FolderRefused(f"{stored.path} holds {name!r}, which target_modules does not name")
        if not present and name in wanted:
            raise FolderRefused(f"{stored.path} lacks {name!r}, which target_modules names")


def _groups(found: list[_Place]) -> list[list[_Place]]:
    """Return places in groups that one module can say: projections of the same layers."""
    by_layers: dict[tuple[int, ...], list[_Place]] = {}
    for projection in PROJECTIONS:
        group = [place for place in found if place.projection == projection]
        if group:
            by_layers.setdefault(tuple(place.layer for place in group), []).extend(group)
    return list(by_layers.values())


def _module(group: list[_Place], scaling: _Scaling, model: PeftModel, *, bias: bool) -> Lora:
    """Return one module; the most frequent rank and alpha are its own, others are overrides."""
    ((r, _),) = Counter(place.r for place in group).most_common(1)
    ((alpha, _),) = Counter(place.alpha for place in group).most_common(1)
    kept = {place.layer for place in group}
    try:
        return Lora(
            projections=tuple(dict.fromkeys(place.projection for place in group)),
            r=r,
            alpha=alpha,
            rslora=scaling.rslora,
            bias=bias,
            leave_out=tuple(
                layer for layer in range(model.target.identity.num_layers) if layer not in kept
            ),
            overrides=tuple(
                LoraOverride(
                    layer=place.layer,
                    projection=place.projection,
                    r=None if place.r == r else place.r,
                    alpha=None if place.alpha == alpha else place.alpha,
                )
                for place in group
                if (place.r, place.alpha) != (r, alpha)
            ),
        )
    except ValidationError as error:
        raise FolderRefused(f"the adapter cannot be expressed: {first_fault(error)}") from None


def _pooler_update(
    scaling: _Scaling, name: str, model: PeftModel, stored: StoredTensors, *, bias: bool
) -> PoolerUpdate:
    hidden, r = model.target.identity.hidden_size, scaling.rank(name)
    factor = scaling.alpha(name) / (math.sqrt(r) if scaling.rslora else r)
    a = stored.take_one(f"{name}.{_TENSORS['a']}", (r, hidden))
    b = stored.take_one(f"{name}.{_TENSORS['b']}", (hidden, r))
    own = stored.take_one(_bias_key(name, stored), (hidden,)) if bias else None
    return PoolerUpdate(factor * (b.double() @ a.double()), own)


def _take(module: Lora, model: PeftModel, stored: StoredTensors) -> dict[str, Tensor]:
    shapes = places(module, model.target.identity)
    wanted = {peft_lora_key(model, place, stored): shape for place, shape in shapes.items()}
    return dict(zip(shapes, stored.take(wanted), strict=True))


def peft_lora_key(model: PeftModel, place: str, stored: StoredTensors | None = None) -> str:
    """Return the `peft` name of a LoRA tensor, without the wrapper's prefix."""
    layer, projection, tensor = split_place(place)
    base = model.projection(layer, projection)
    return _bias_key(base, stored) if tensor == "bias" else f"{base}.{_TENSORS[tensor]}"


def _bias_key(base: str, stored: StoredTensors | None) -> str:
    # Before 0.6 the bias of a wrapped layer kept its name.
    old = f"{base}.bias"
    return old if stored is not None and old in stored else f"{base}.base_layer.bias"
