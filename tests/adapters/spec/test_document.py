"""The specification as a whole: what must hold between its parts."""

import pytest
from pydantic import ValidationError

from adapter_bytes import SMALL_BACKBONE, every_method_spec, head_only_spec
from multitap_adapters.spec import (
    AdapterSpec,
    Bottleneck,
    Invertible,
    LayerNorms,
    Lora,
    LoraOverride,
    Module,
)


def spec_with(*modules: Module, max_tokens: int = 16) -> AdapterSpec:
    return AdapterSpec(
        backbone=SMALL_BACKBONE,  # two layers
        modules=modules,
        max_tokens=max_tokens,
        head=head_only_spec().head,
    )


def test_a_specification_survives_json() -> None:
    spec = every_method_spec()
    assert AdapterSpec.model_validate_json(spec.model_dump_json()) == spec


def test_a_specification_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        head_only_spec().max_tokens = 17  # pyright: ignore[reportAttributeAccessIssue]


def test_an_empty_list_of_modules_is_a_head_on_the_bare_backbone() -> None:
    assert spec_with().modules == ()


def test_modules_may_be_stacked_up_to_sixteen() -> None:
    assert len(spec_with(*[Bottleneck(size=1)] * 16).modules) == 16
    with pytest.raises(ValidationError, match="at most 16"):
        spec_with(*[Bottleneck(size=1)] * 17)


def test_two_layer_norm_modules_cannot_both_apply() -> None:
    with pytest.raises(ValidationError, match="at most one layer_norm module can apply, got 2"):
        spec_with(LayerNorms(), LayerNorms(embeddings=False))


@pytest.mark.parametrize(
    "module",
    [
        Bottleneck(size=1, leave_out=(1, 2)),
        LayerNorms(leave_out=(2,)),
        Lora(projections=("key",), r=1, alpha=1.0, leave_out=(2,)),
        Lora(
            projections=("key",),
            r=1,
            alpha=1.0,
            overrides=(LoraOverride(layer=2, projection="key", r=2),),
        ),
    ],
    ids=["bottleneck", "layer_norm", "lora", "override"],
)
def test_a_module_names_only_layers_of_its_backbone(module: Module) -> None:
    with pytest.raises(ValidationError, match=r"modules\.1 names layers \[2\] of 2"):
        spec_with(Bottleneck(size=1), module)


@pytest.mark.parametrize("sizes", [(1,), (1, 2, 3)])
def test_a_list_of_sizes_has_one_for_each_layer(sizes: tuple[int, ...]) -> None:
    with pytest.raises(ValidationError, match=f"must have 2 entries, got {len(sizes)}"):
        spec_with(Bottleneck(size=sizes))


def test_an_invertible_module_needs_an_even_embedding_size() -> None:
    odd = SMALL_BACKBONE.model_copy(update={"embedding_size": 5})
    with pytest.raises(ValidationError, match="needs an even embedding_size, got 5"):
        AdapterSpec(
            backbone=odd, modules=(Invertible(size=1),), max_tokens=9, head=head_only_spec().head
        )


@pytest.mark.parametrize("max_tokens", [-1, 0, 2, 65_537])
def test_max_tokens_has_bounds(max_tokens: int) -> None:
    with pytest.raises(ValidationError, match="max_tokens"):
        spec_with(max_tokens=max_tokens)


@pytest.mark.parametrize("field", ["format", "backbone", "modules", "max_tokens", "head", "card"])
def test_unknown_fields_are_refused_in_every_part(field: str) -> None:
    text = every_method_spec().model_dump_json()
    with pytest.raises(ValidationError, match="extra_forbidden"):
        AdapterSpec.model_validate_json(text.replace(f'"{field}":', f'"x":1,"{field}":', 1))
