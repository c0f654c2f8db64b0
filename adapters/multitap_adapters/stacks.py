"""Which modules may meet at one place.

Stacked modules mean what the `adapters` library 1.3.0 computes for a Stack (docs/adapter-file.md,
"Stacked modules"); what has no such meaning is refused.
"""

from .errors import UnsupportedSpec
from .spec import AdapterSpec, BackboneIdentity, Ia3, Invertible, Lora, Projection


def require_stackable(spec: AdapterSpec) -> None:
    """Return where every stack of the specification has a meaning.

    Raises:
        UnsupportedSpec: it names the modules that cannot stand on each other, and why.
    """
    _require_one_invertible(spec)
    taken: dict[tuple[int, Projection], int] = {}
    for index, module in enumerate(spec.modules):
        if not isinstance(module, Lora | Ia3):
            continue
        for layer in range(spec.backbone.num_layers):
            for projection in () if layer in module.leave_out else _projections(module):
                place = layer, projection
                if place in taken:
                    _require_stack(spec, taken[place], index, place)
                taken[place] = index


def _require_one_invertible(spec: AdapterSpec) -> None:
    indices = [i for i, module in enumerate(spec.modules) if isinstance(module, Invertible)]
    if len(indices) > 1:
        raise UnsupportedSpec(
            f"modules.{indices[0]} and modules.{indices[1]} are both invertible; "
            "a stack applies that of its first adapter only"
        )


def _require_stack(
    spec: AdapterSpec, below: int, above: int, place: tuple[int, Projection]
) -> None:
    lower, upper = spec.modules[below], spec.modules[above]
    layer, projection = place
    both = f"modules.{below} and modules.{above} both change layers.{layer}.{projection}"
    if lower.method != upper.method:
        raise UnsupportedSpec(
            f"{both}; {upper.method} stacked on {lower.method} has no meaning that others share"
        )
    if not isinstance(lower, Lora) or not isinstance(upper, Lora):
        return
    if lower.bias or upper.bias:
        raise UnsupportedSpec(f"{both}; stacked lora modules cannot have a bias of their own")
    inputs, outputs = _sizes(projection, spec.backbone)
    if inputs != outputs:
        raise UnsupportedSpec(
            f"{both}; a stacked lora is given the update below it, "
            f"which has {outputs} values there and not {inputs}"
        )


def _projections(module: Lora | Ia3) -> tuple[Projection, ...]:
    return module.projections if isinstance(module, Lora) else module.projections()


def _sizes(projection: Projection, backbone: BackboneIdentity) -> tuple[int, int]:
    hidden, inner = backbone.hidden_size, backbone.intermediate_size
    sizes: dict[Projection, tuple[int, int]] = {
        "ffn_up": (hidden, inner),
        "ffn_down": (inner, hidden),
    }
    return sizes.get(projection, (hidden, hidden))
