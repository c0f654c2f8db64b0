"""LN tuning of `peft`, class LNTuningLayer: a layer norm of the task's own, whole."""

from torch import Tensor

from multitap_adapters.spec import LayerNorms, Site

from .errors import FolderRefused
from .keys import norm_key, places
from .parts import ModulePart
from .peft_model import PeftModel
from .peft_targets import targeted
from .settings import Settings
from .stored import StoredTensors

_SITES: tuple[Site, ...] = ("attention", "ffn")


def read_peft_norms(settings: Settings, model: PeftModel, stored: StoredTensors) -> ModulePart:
    """Return the layer norms of a folder.

    Where a folder covers only some of the norms that one module covers together, the others are
    the backbone's own, so that nothing changes.

    Raises:
        FolderRefused: it targets anything but layer norms, or its tensors are not as it says.
    """
    norms = model.norms()
    found = set(targeted(settings, norms.values(), None))
    covered = [place for place, name in norms.items() if name in found]
    if not covered:
        raise FolderRefused(f"{settings.at} targets no layer norm of the backbone")
    module = _module(covered, model)
    tensors: dict[str, Tensor] = {}
    for place, shape in places(module, model.target.identity).items():
        at, _, tensor = place.rpartition(".")
        if at in covered:
            tensors[place] = stored.take_one(f"{norms[at]}.ln_tuning_layers.{tensor}", shape)
        else:
            tensors[place] = _own(model, at, tensor)
    return ModulePart(module, tensors)


def _module(covered: list[str], model: PeftModel) -> LayerNorms:
    in_layers = [place.split(".") for place in covered if place != "embeddings"]
    kept = {int(layer) for _, layer, _ in in_layers}
    sites: tuple[Site, ...] = tuple(
        site for site in _SITES if any(found == site for _, _, found in in_layers)
    )
    return LayerNorms(
        embeddings="embeddings" in covered,
        sites=sites,
        leave_out=tuple(
            layer
            for layer in range(model.target.identity.num_layers)
            if sites and layer not in kept
        ),
    )


def _own(model: PeftModel, at: str, tensor: str) -> Tensor:
    name = f"{norm_key(model.target.family, at)}.{tensor}"
    if name not in model.target.weights:
        raise FolderRefused(f"the folder covers some layer norms only, and not {name!r}")
    return model.target.weights[name]
