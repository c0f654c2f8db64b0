"""Adapter files with wide random weights, so that a wrong or forgotten adapter shows in numbers."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from multitap_adapters.file import (
    AdapterFile,
    TensorData,
    parse_adapter,
    serialize_adapter,
    tensor_shapes,
)
from multitap_adapters.spec import (
    AdapterSpec,
    BackboneIdentity,
    Bottleneck,
    Head,
    HeadLayer,
    LayerNorms,
    Module,
)

DEVIATION = 0.2


def houlsby(size: int = 8, *, own_norms: bool = True) -> tuple[Module, ...]:
    """Return the modules of a Houlsby adapter, with the task's own layer norms or without."""
    bottleneck = Bottleneck(size=size)
    return (bottleneck, LayerNorms()) if own_norms else (bottleneck,)


def random_spec(
    identity: BackboneIdentity,
    *,
    modules: Sequence[Module] = (),
    labels: Sequence[str] = ("no", "yes"),
    max_tokens: int = 32,
    head: Head | None = None,
) -> AdapterSpec:
    """Return a specification for this backbone: a classification head, unless one is given."""
    default = Head(
        kind="classification",
        labels=tuple(labels),
        input="mean",
        layers=(HeadLayer(out=len(labels)),),
    )
    return AdapterSpec(
        backbone=identity,
        modules=tuple(modules),
        max_tokens=max_tokens,
        head=head or default,
    )


def random_adapter_bytes(
    spec: AdapterSpec, seed: int = 0, *, deviation: float = DEVIATION
) -> bytes:
    """Return an adapter file of random float32 weights; the same arguments give the same bytes.

    Every value is from N(0, deviation), around 1 for the weights of layer norms and for ia3.
    """
    generator = np.random.default_rng(seed)
    tensors: dict[str, TensorData] = {}
    for name, shape in tensor_shapes(spec).items():
        mean = 1.0 if _is_around_one(spec, name) else 0.0
        values: npt.NDArray[np.float32] = generator.normal(mean, deviation, shape).astype(
            np.float32
        )
        tensors[name] = TensorData.from_numpy(values)
    return serialize_adapter(spec, tensors)


def random_adapter(
    identity: BackboneIdentity,
    seed: int = 0,
    *,
    modules: Sequence[Module] = (),
    labels: Sequence[str] = ("no", "yes"),
    max_tokens: int = 32,
    head: Head | None = None,
    deviation: float = DEVIATION,
) -> AdapterFile:
    """Return a random adapter for this backbone as a parsed file; see `random_spec`."""
    spec = random_spec(identity, modules=modules, labels=labels, max_tokens=max_tokens, head=head)
    return parse_adapter(random_adapter_bytes(spec, seed, deviation=deviation))


def _is_around_one(spec: AdapterSpec, name: str) -> bool:
    kind, index, *place = name.split(".")
    if place[-1] in ("input_scale", "output_scale"):
        return True
    if kind != "modules" or place[-1] != "weight":
        return False
    return isinstance(spec.modules[int(index)], LayerNorms) or place[-2].startswith("norm_")
