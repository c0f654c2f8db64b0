"""Which tensors a specification implies: their names, shapes and order (docs/adapter-file.md)."""

from collections.abc import Iterator
from typing import assert_never

from multitap_adapters.spec import (
    AdapterSpec,
    BackboneIdentity,
    Bottleneck,
    Head,
    Ia3,
    Invertible,
    LayerNorms,
    Lora,
    Module,
    Projection,
)

Shape = tuple[int, ...]
Named = Iterator[tuple[str, Shape]]


def tensor_shapes(spec: AdapterSpec) -> dict[str, Shape]:
    """Return exactly the tensors that a specification implies, in grammar order.

    The order: modules as listed, in each the embeddings and then the layers from the first, in a
    layer the sites or projections as listed; the head last.
    """
    shapes: dict[str, Shape] = {}
    for index, module in enumerate(spec.modules):
        for name, shape in _module(module, spec.backbone):
            shapes[f"modules.{index}.{name}"] = shape
    shapes.update(_head(spec.head, spec.backbone.hidden_size))
    return shapes


def _module(module: Module, backbone: BackboneIdentity) -> Named:
    match module:
        case Bottleneck():
            return _bottleneck(module, backbone)
        case Lora():
            return _lora(module, backbone)
        case Ia3():
            return _ia3(module, backbone)
        case LayerNorms():
            return _layer_norms(module, backbone)
        case Invertible():
            return _invertible(module, backbone)
        case _:
            assert_never(module)


def _bottleneck(module: Bottleneck, backbone: BackboneIdentity) -> Named:
    hidden = backbone.hidden_size
    for layer in _layers(backbone, module.leave_out):
        size = module.size_of(layer)
        for site in module.sites:
            at = f"layers.{layer}.{site}"
            yield from _linear(f"{at}.down", hidden, size)
            yield from _linear(f"{at}.up", size, hidden)
            if module.scaling == "learned":
                yield f"{at}.scaling", (1,)
            elif module.scaling == "channel":
                yield f"{at}.scaling", (hidden,)
            if module.new_norm_before:
                yield from _norm(f"{at}.norm_before", hidden)
            if module.new_norm_after:
                yield from _norm(f"{at}.norm_after", hidden)


def _lora(module: Lora, backbone: BackboneIdentity) -> Named:
    ranks = {(o.layer, o.projection): o.r for o in module.overrides if o.r is not None}
    for layer in _layers(backbone, module.leave_out):
        for projection in module.projections:
            rank = ranks.get((layer, projection), module.r)
            inputs, outputs = _projection_sizes(projection, backbone)
            at = f"layers.{layer}.{projection}"
            yield f"{at}.a", (rank, inputs)
            yield f"{at}.b", (outputs, rank)
            if module.bias:
                yield f"{at}.bias", (outputs,)


def _ia3(module: Ia3, backbone: BackboneIdentity) -> Named:
    for layer in _layers(backbone, module.leave_out):
        for projection in module.outputs:
            _, outputs = _projection_sizes(projection, backbone)
            yield f"layers.{layer}.{projection}.output_scale", (outputs,)
        for projection in module.inputs:
            inputs, _ = _projection_sizes(projection, backbone)
            yield f"layers.{layer}.{projection}.input_scale", (inputs,)


def _layer_norms(module: LayerNorms, backbone: BackboneIdentity) -> Named:
    if module.embeddings:
        yield from _norm("embeddings", backbone.embedding_size)
    for layer in _layers(backbone, module.leave_out):
        for site in module.sites:
            yield from _norm(f"layers.{layer}.{site}", backbone.hidden_size)


def _invertible(module: Invertible, backbone: BackboneIdentity) -> Named:
    half = backbone.embedding_size // 2
    for function in ("f", "g"):
        yield from _linear(f"embeddings.{function}.down", half, module.size)
        yield from _linear(f"embeddings.{function}.up", module.size, half)


def _head(head: Head, hidden: int) -> Named:
    inputs = hidden
    for index, layer in enumerate(head.layers):
        yield f"head.{index}.weight", (layer.out, inputs)
        if layer.bias:
            yield f"head.{index}.bias", (layer.out,)
        inputs = layer.out


def _layers(backbone: BackboneIdentity, leave_out: tuple[int, ...]) -> Iterator[int]:
    return (layer for layer in range(backbone.num_layers) if layer not in leave_out)


def _linear(at: str, inputs: int, outputs: int) -> Named:
    yield f"{at}.weight", (outputs, inputs)
    yield f"{at}.bias", (outputs,)


def _norm(at: str, size: int) -> Named:
    yield f"{at}.weight", (size,)
    yield f"{at}.bias", (size,)


def _projection_sizes(projection: Projection, backbone: BackboneIdentity) -> tuple[int, int]:
    """Return the sizes of what goes into and what comes out of a projection."""
    hidden, intermediate = backbone.hidden_size, backbone.intermediate_size
    match projection:
        case "ffn_up":
            return hidden, intermediate
        case "ffn_down":
            return intermediate, hidden
        case _:
            return hidden, hidden
