"""Bottlenecks of the `adapters` library: Houlsby, Pfeiffer, parallel, and everything between.

The meaning of each setting is that of `adapters` 1.3.0, `methods/modeling.py` and
`configuration/adapter_config.py`, class BnConfig.
"""

from collections.abc import Mapping
from typing import Literal

from pydantic import ValidationError
from torch import Tensor, equal

from multitap_adapters.spec import Bottleneck, Site

from .activations import read_activation
from .compacter import read_compacter
from .errors import FolderRefused, first_fault
from .keys import bottleneck_key, places, site_key
from .parts import ModulePart
from .settings import Settings, as_number
from .stored import StoredTensors
from .target import Target

Residual = Literal["sub_layer", "sum", "input"]
_GATING = (
    "use_gating averages its gate over padding, so an answer would depend on the rows beside it"
)


def read_bottleneck(
    settings: Settings, name: str, target: Target, stored: StoredTensors, *, old: bool
) -> ModulePart | None:
    """Return the bottleneck that a configuration describes, None where it has none.

    Raises:
        FolderRefused: it cannot be served faithfully, or its tensors are not as it says.
    """
    module = parse_bottleneck(settings, target, old=old)
    if module is None:
        return None
    if settings.flag("phm_layer", default=False):
        return ModulePart(module, read_compacter(settings, module, name, target, stored))
    return ModulePart(module, _read(module, name, target, stored))


def parse_bottleneck(settings: Settings, target: Target, *, old: bool) -> Bottleneck | None:
    """Return the module that a configuration describes, without looking at tensors."""
    if settings.flag("use_gating", default=False):
        raise FolderRefused(_GATING)
    if settings.flag("new_attention_norm", default=False):
        raise FolderRefused(f"new_attention_norm in {settings.at} is not supported")
    sites = _sites(settings)
    if not sites:
        return None
    parallel = settings.flag("is_parallel", default=False)
    norm_before = settings.flag("original_ln_before", default=False) and not parallel
    non_linearity = settings.text("non_linearity")
    if non_linearity is None:
        raise FolderRefused(f"{settings.at} has no non_linearity")
    try:
        return Bottleneck(
            sites=sites,
            arrangement="parallel" if parallel else "sequential",
            size=_sizes(settings, target),
            activation=read_activation(non_linearity, old=old),
            scaling=_scaling(settings),
            norm_before=norm_before,
            norm_after=settings.flag("original_ln_after", default=True),
            residual="sub_layer" if parallel else _residual(settings, norm_before=norm_before),
            new_norm_before=settings.flag("ln_before", default=False),
            new_norm_after=settings.flag("ln_after", default=False),
            residual_before_new_norm=(
                settings.flag("adapter_residual_before_ln", default=False) and not parallel
            ),
            leave_out=settings.layers("leave_out"),
        )
    except ValidationError as error:
        raise FolderRefused(f"{settings.at} cannot be expressed: {first_fault(error)}") from None


def _sites(settings: Settings) -> tuple[Site, ...]:
    for name in ("mh_adapter", "output_adapter"):
        if name not in settings:
            raise FolderRefused(f"{settings.at} has no {name}")
    sites: list[Site] = []
    if settings.flag("mh_adapter", default=False):
        sites.append("attention")
    if settings.flag("output_adapter", default=False):
        sites.append("ffn")
    return tuple(sites)


def _residual(settings: Settings, *, norm_before: bool) -> Residual:
    value = True if "residual_before_ln" not in settings else settings.value("residual_before_ln")
    if value is True:
        return "sub_layer"
    if value is False:
        return "input"
    if value == "post_add" and norm_before:
        return "sum"
    raise FolderRefused(
        f"residual_before_ln in {settings.at} is {value!r}, "
        f"expected true, false, or 'post_add' beside original_ln_before"
    )


def _scaling(settings: Settings) -> float | Literal["learned", "channel"]:
    value = settings.value("scaling")
    if value == "learned":
        return "learned"
    if value == "channel":
        return "channel"
    if isinstance(value, str):
        raise FolderRefused(f"scaling in {settings.at} is {value!r}, which is unknown")
    return settings.number("scaling", 1.0)


def _sizes(settings: Settings, target: Target) -> int | tuple[int, ...]:
    """Return the bottleneck's size, or one for each layer where they differ."""
    factor = settings.value("reduction_factor")
    if not isinstance(factor, dict):
        return bottleneck_size(target.identity.hidden_size, as_number(factor), settings.at)
    left_out = settings.layers("leave_out")
    sizes: list[int] = []
    for layer in range(target.identity.num_layers):
        here = factor.get(str(layer), factor.get("default"))
        if here is None and layer in left_out:
            here = float(target.identity.hidden_size)  # has no meaning: there is no module
        elif here is None:
            raise FolderRefused(
                f"reduction_factor in {settings.at} names neither layer {layer} nor a default"
            )
        sizes.append(bottleneck_size(target.identity.hidden_size, as_number(here), settings.at))
    return sizes[0] if len(set(sizes)) == 1 else tuple(sizes)


def bottleneck_size(width: int, factor: float | None, at: str) -> int:
    """Return the size that a reduction factor gives, as the library rounds it: 1 at least."""
    if factor is None or factor <= 0 or width / factor > 1e9:  # noqa: PLR2004 (nobody's size)
        raise FolderRefused(f"reduction_factor in {at} is {factor!r}, expected a positive number")
    return max(int(width // factor), 1)


def _read(
    module: Bottleneck, name: str, target: Target, stored: StoredTensors
) -> Mapping[str, Tensor]:
    shapes = places(module, target.identity)
    keys = {place: bottleneck_key(target.family, name, module, place) for place in shapes}
    if module.new_norm_before:
        _join_double_norms(module, name, target, stored, keys)
    tensors = stored.take({keys[place]: shape for place, shape in shapes.items()})
    return dict(zip(shapes, tensors, strict=True))


def _join_double_norms(
    module: Bottleneck, name: str, target: Target, stored: StoredTensors, keys: dict[str, str]
) -> None:
    """The new norm before stands in a file under two names, one of which may have been dropped."""
    hidden = (target.identity.hidden_size,)
    for layer in range(target.identity.num_layers):
        for site in () if layer in module.leave_out else module.sites:
            base = site_key(target.family, name, layer, site)
            for tensor in ("weight", "bias"):
                own, twin = (
                    f"{base}.adapter_norm_before.{tensor}",
                    f"{base}.adapter_down.0.{tensor}",
                )
                if own not in stored:
                    keys[f"layers.{layer}.{site}.norm_before.{tensor}"] = twin
                elif twin in stored:
                    first, second = stored.take({own: hidden, twin: hidden})
                    if not equal(first, second):
                        raise FolderRefused(f"{stored.path} holds two versions of {own!r}")
