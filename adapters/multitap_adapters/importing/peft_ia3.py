"""(IA)³ of `peft`, class IA3Layer in `tuners/ia3/layer.py`."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from torch import Tensor

from multitap_adapters.spec import Ia3, Projection

from .errors import FolderRefused
from .keys import places, split_place
from .parts import ModulePart
from .peft_model import PeftModel
from .peft_places import Place, find_places, group_by_layers, left_out
from .peft_targets import match
from .settings import Settings
from .stored import StoredTensors

TENSOR = "ia3_l"
_TARGETS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    dict.fromkeys(("bert", "roberta"), ("key", "value", "output.dense"))
)
_INPUTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    dict.fromkeys(("bert", "roberta"), ("output.dense",))
)


def read_peft_ia3(
    settings: Settings, model: PeftModel, stored: StoredTensors
) -> tuple[ModulePart, ...]:
    """Return the (IA)³ modules of a folder: one for each set of layers with the same projections.

    Raises:
        FolderRefused: it cannot be served faithfully, or its tensors are not as it says.
    """
    found, pooler = find_places(settings, model, stored, _TARGETS, TENSOR)
    if pooler:
        raise FolderRefused(f"(IA)³ of the pooler in {settings.at} is not supported")
    inputs = {place for place in found if _is_input(settings, model, model.projection(*place))}
    modules = [_module(group, inputs, model) for group in group_by_layers(found)]
    return tuple(ModulePart(module, _take(module, model, stored)) for module in modules)


def peft_ia3_key(model: PeftModel, place: str) -> str:
    """Return the `peft` name of an (IA)³ vector, without the wrapper's prefix."""
    layer, projection, _ = split_place(place)
    return f"{model.projection(layer, projection)}.{TENSOR}"


def _is_input(settings: Settings, model: PeftModel, name: str) -> bool:
    """Whether a vector multiplies the module's input; the end of its name decides, dot or not."""
    value = settings.value("feedforward_modules")
    if isinstance(value, str):
        return match(value, name, whole=True)
    ends = settings.texts("feedforward_modules")
    if "feedforward_modules" not in settings and "target_modules" not in settings:
        ends = _INPUTS.get(model.target.family.model_type, ())
    return name.endswith(ends)


def _module(group: list[Place], inputs: set[Place], model: PeftModel) -> Ia3:
    def some(*, of_input: bool) -> Iterator[Projection]:
        names: dict[Projection, None] = dict.fromkeys(projection for _, projection in group)
        for name in names:
            kinds = {place in inputs for place in group if place[1] == name}
            if len(kinds) > 1:
                raise FolderRefused(f"feedforward_modules names {name!r} in some layers only")
            if kinds == {of_input}:
                yield name

    return Ia3(
        outputs=tuple(some(of_input=False)),
        inputs=tuple(some(of_input=True)),
        leave_out=left_out(group, model),
    )


def _take(module: Ia3, model: PeftModel, stored: StoredTensors) -> dict[str, Tensor]:
    tensors: dict[str, Tensor] = {}
    for place, (size,) in _vectors(module, model):
        shape = (1, size) if place.endswith("input_scale") else (size, 1)
        tensors[place] = stored.take_one(peft_ia3_key(model, place), shape).reshape(size)
    return tensors


def _vectors(module: Ia3, model: PeftModel) -> Iterator[tuple[str, tuple[int]]]:
    for place, shape in places(module, model.target.identity).items():
        yield place, (shape[0],)
