"""Where each library keeps a tensor: from the grammar of adapter files to the libraries' names.

A place is a name inside a module, such as `layers.0.ffn.down.weight`; both libraries' names stand
here without the base model's prefix. Importing and exporting use the same functions.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import cast

from pydantic import ValidationError

from multitap_adapters.family import Family, LayerNames
from multitap_adapters.file import tensor_shapes
from multitap_adapters.spec import (
    AdapterSpec,
    BackboneIdentity,
    Bottleneck,
    Head,
    Module,
    Projection,
    Site,
)

from .errors import FolderRefused, first_fault

Shape = tuple[int, ...]

# `adapters` 1.3.0 puts its modules beside the sub-layer's output; DistilBERT has them in the layer.
_SITES: Mapping[Site, str] = MappingProxyType(
    {"attention": "attention.output.adapters", "ffn": "output.adapters"}
)
_DISTILBERT_SITES: Mapping[Site, str] = MappingProxyType(
    {"attention": "attention_adapters.adapters", "ffn": "output_adapters.adapters"}
)
_BOTTLENECK_PARTS = MappingProxyType(
    {
        "down": "adapter_down.0",
        "up": "adapter_up",
        "norm_before": "adapter_norm_before",
        "norm_after": "adapter_norm_after",
    }
)
_COUPLING_PARTS = MappingProxyType({"f.down": "F.0", "f.up": "F.2", "g.down": "G.0", "g.up": "G.2"})
_BARE = Head(kind="embedding", input="mean")


def places(module: Module, identity: BackboneIdentity) -> dict[str, Shape]:
    """Return a module's tensors and their shapes, by place.

    Raises:
        FolderRefused: the module does not fit the backbone.
    """
    try:
        spec = AdapterSpec(backbone=identity, modules=(module,), max_tokens=3, head=_BARE)
    except ValidationError as error:
        raise FolderRefused(
            f"the adapter does not fit the backbone: {first_fault(error)}"
        ) from None
    prefix = "modules.0."
    return {name.removeprefix(prefix): shape for name, shape in tensor_shapes(spec).items()}


def site_key(family: Family, name: str, layer: int, site: Site) -> str:
    """Return where `adapters` keeps the bottleneck of one site."""
    sites = _DISTILBERT_SITES if family.model_type == "distilbert" else _SITES
    return f"{family.layer_prefix.format(layer)}{sites[site]}.{name}"


def bottleneck_key(family: Family, name: str, module: Bottleneck, place: str) -> str:
    """Return the `adapters` name of a bottleneck's tensor."""
    _, layer, site, *tensor = place.split(".")
    part = _BOTTLENECK_PARTS.get(tensor[0], tensor[0])
    if tensor[0] == "down" and module.new_norm_before:
        part = "adapter_down.1"  # the new norm is the first step of the same sequence
    base = site_key(family, name, int(layer), cast("Site", site))
    return ".".join((base, part, *tensor[1:]))


def coupling_key(name: str, place: str) -> str:
    """Return the `adapters` name of an invertible adapter's tensor."""
    _, function, part, tensor = place.split(".")
    return f"invertible_adapters.{name}.{_COUPLING_PARTS[f'{function}.{part}']}.{tensor}"


def projection_key(family: Family, layer: int, projection: Projection) -> str:
    """Return a linear layer's name in the base model."""
    return cast("str", getattr(family.layer_names(layer), projection))


def norm_key(family: Family, place: str) -> str:
    """Return a layer norm's name in the base model, for `embeddings` or `layers.<n>.<site>`."""
    if place == "embeddings":
        return family.embedding_norm
    _, layer, site = place.split(".")
    names: LayerNames = family.layer_names(int(layer))
    return names.attention_norm if site == "attention" else names.ffn_norm


def split_place(place: str) -> tuple[int, Projection, str]:
    """Return layer, projection and tensor of a place such as `layers.0.query.a`."""
    _, layer, projection, tensor = place.split(".")
    return int(layer), cast("Projection", projection), tensor
