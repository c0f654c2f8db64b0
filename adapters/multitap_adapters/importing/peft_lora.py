"""LoRA of `peft`, class LoraLayer in `tuners/lora/layer.py`."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from pydantic import ValidationError
from torch import Tensor

from multitap_adapters.spec import Lora, LoraOverride

from .errors import FolderRefused, first_fault
from .keys import places, split_place
from .parts import ModulePart
from .peft_model import PeftModel
from .peft_places import Place, find_places, group_by_layers, left_out
from .peft_targets import pattern_value
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
_QUERY_VALUE = ("query", "value")
_DEFAULTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "bert": _QUERY_VALUE,
        "electra": _QUERY_VALUE,
        "roberta": _QUERY_VALUE,
        "xlm-roberta": _QUERY_VALUE,
    }
)
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


class _Scaling:
    """Ranks and alphas of a configuration, by a module's name."""

    def __init__(self, settings: Settings) -> None:
        self.rslora = settings.flag("use_rslora", default=False)
        self._r = settings.number("r", 8.0)
        self._alpha = settings.number("lora_alpha", 8.0)
        self._rs = settings.numbers("rank_pattern")
        self._alphas = settings.numbers("alpha_pattern")

    def of(self, name: str) -> tuple[int, float]:
        """Return a module's rank and alpha. Raises: FolderRefused."""
        r = pattern_value(self._rs, name, self._r)
        if not r.is_integer() or r < 1:
            raise FolderRefused(f"the rank of {name!r} is {r}, expected a positive integer")
        return int(r), pattern_value(self._alphas, name, self._alpha)


def read_peft_lora(settings: Settings, model: PeftModel, stored: StoredTensors) -> LoraParts:
    """Return the LoRA modules of a folder: one for each set of layers with the same projections.

    Raises:
        FolderRefused: it cannot be served faithfully, or its tensors are not as it says.
    """
    bias = _require_plain(settings)
    found, pooler = find_places(settings, model, stored, _DEFAULTS, _TENSORS["a"])
    scaling = _Scaling(settings)
    modules = [_module(group, scaling, model, bias=bias) for group in group_by_layers(found)]
    parts = tuple(ModulePart(module, _take(module, model, stored)) for module in modules)
    update = None
    if pooler and model.pooler is not None:
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


def _module(group: list[Place], scaling: _Scaling, model: PeftModel, *, bias: bool) -> Lora:
    """Return one module; the most frequent rank and alpha are its own, others are overrides."""
    scaled = [(place, *scaling.of(model.projection(*place))) for place in group]
    ((r, _),) = Counter(rank for _, rank, _ in scaled).most_common(1)
    ((alpha, _),) = Counter(each for _, _, each in scaled).most_common(1)
    try:
        return Lora(
            projections=tuple(dict.fromkeys(projection for _, projection in group)),
            r=r,
            alpha=alpha,
            rslora=scaling.rslora,
            bias=bias,
            leave_out=left_out(group, model),
            overrides=tuple(
                LoraOverride(
                    layer=layer,
                    projection=projection,
                    r=None if rank == r else rank,
                    alpha=None if each == alpha else each,
                )
                for (layer, projection), rank, each in scaled
                if (rank, each) != (r, alpha)
            ),
        )
    except ValidationError as error:
        raise FolderRefused(f"the adapter cannot be expressed: {first_fault(error)}") from None


def _pooler_update(
    scaling: _Scaling, name: str, model: PeftModel, stored: StoredTensors, *, bias: bool
) -> PoolerUpdate:
    hidden = model.target.identity.hidden_size
    r, alpha = scaling.of(name)
    factor = alpha / (math.sqrt(r) if scaling.rslora else r)
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
