"""The rules of each method, checked where a module is made."""

import pytest
from pydantic import TypeAdapter, ValidationError

from multitap_adapters.spec import (
    Bottleneck,
    Ia3,
    Invertible,
    LayerNorms,
    Lora,
    LoraOverride,
    Module,
)


def module_of(text: str) -> Module:
    return TypeAdapter[Module](Module).validate_json(text)


def test_a_bottleneck_is_houlsbys_by_default() -> None:
    module = Bottleneck(size=32)
    assert module.sites == ("attention", "ffn")
    assert module.arrangement == "sequential"
    assert module.residual == "sub_layer"
    assert (module.norm_before, module.norm_after) == (False, True)
    assert module.scaling == 1.0


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('{"method":"bottleneck","size":1}', Bottleneck),
        ('{"method":"lora","projections":["query"],"r":1,"alpha":1}', Lora),
        ('{"method":"ia3","outputs":["key"]}', Ia3),
        ('{"method":"layer_norm"}', LayerNorms),
        ('{"method":"invertible","size":1}', Invertible),
    ],
)
def test_the_method_says_which_module_it_is(text: str, kind: type[Module]) -> None:
    assert type(module_of(text)) is kind


@pytest.mark.parametrize("text", ['{"size":1}', '{"method":"prefix_tuning"}', "{}", "1"])
def test_a_module_without_a_known_method_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        module_of(text)


@pytest.mark.parametrize(
    "text",
    [
        '{"method":"bottleneck","size":0}',
        '{"method":"bottleneck","size":65537}',
        '{"method":"bottleneck","size":true}',
        '{"method":"bottleneck","size":1.0}',
        '{"method":"bottleneck","size":1,"sites":[]}',
        '{"method":"bottleneck","size":1,"sites":["ffn","ffn"]}',
        '{"method":"bottleneck","size":1,"sites":["cross"]}',
        '{"method":"bottleneck","size":1,"scaling":"batch"}',
        '{"method":"bottleneck","size":1,"scaling":NaN}',
        '{"method":"bottleneck","size":1,"activation":"GELU"}',
        '{"method":"bottleneck","size":1,"residual":"sum"}',
        '{"method":"bottleneck","size":1,"arrangement":"parallel","norm_before":true}',
        '{"method":"bottleneck","size":1,"leave_out":[1,0]}',
        '{"method":"bottleneck","size":1,"leave_out":[0,0]}',
        '{"method":"bottleneck","size":1,"leave_out":[-1]}',
        '{"method":"bottleneck","size":1,"leave_out":[256]}',
        '{"method":"lora","projections":[],"r":1,"alpha":1}',
        '{"method":"lora","projections":["query","query"],"r":1,"alpha":1}',
        '{"method":"lora","projections":["output"],"r":1,"alpha":1}',
        '{"method":"lora","projections":["query"],"r":0,"alpha":1}',
        '{"method":"lora","projections":["query"],"r":1,"alpha":0}',
        '{"method":"lora","projections":["query"],"r":1,"alpha":-1}',
        '{"method":"ia3"}',
        '{"method":"ia3","outputs":[],"inputs":[]}',
        '{"method":"ia3","outputs":["key","key"]}',
        '{"method":"ia3","inputs":["key","key"]}',
        '{"method":"ia3","outputs":["attention"]}',
        '{"method":"ia3","outputs":["key"],"leave_out":[1,0]}',
        '{"method":"ia3","outputs":["key"],"alpha":1}',
        '{"method":"layer_norm","embeddings":false,"sites":[]}',
        '{"method":"layer_norm","sites":["ffn","ffn"]}',
        '{"method":"invertible"}',
        '{"method":"invertible","size":1,"activation":"glow"}',
    ],
)
def test_a_module_that_breaks_its_rules_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        module_of(text)


def test_the_sum_is_a_residual_where_the_norm_comes_before() -> None:
    assert Bottleneck(size=1, norm_before=True, residual="sum").residual == "sum"


def test_an_integer_scaling_is_the_same_specification_as_its_float() -> None:
    module = module_of('{"method":"bottleneck","size":1,"scaling":4}')
    assert isinstance(module, Bottleneck)
    assert module.model_dump_json() == Bottleneck(size=1, scaling=4.0).model_dump_json()


def test_one_size_is_every_layers_and_a_list_has_each_layers() -> None:
    assert [Bottleneck(size=7).size_of(layer) for layer in (0, 5)] == [7, 7]
    assert [Bottleneck(size=(7, 9)).size_of(layer) for layer in (0, 1)] == [7, 9]


def test_an_override_changes_the_rank_of_its_place_only() -> None:
    lora = Lora(
        projections=("query", "value"),
        r=4,
        alpha=8.0,
        overrides=(
            LoraOverride(layer=1, projection="query", r=2),
            LoraOverride(layer=1, projection="value", alpha=1.0),
        ),
    )
    assert lora.rank_of(1, "query") == 2
    assert lora.rank_of(0, "query") == lora.rank_of(1, "value") == 4


def test_two_overrides_of_one_place_are_refused() -> None:
    override = LoraOverride(layer=0, projection="query", r=2)
    with pytest.raises(ValidationError, match="another layer and projection"):
        Lora(projections=("query",), r=1, alpha=1.0, overrides=(override, override))


def test_an_override_of_a_projection_that_is_not_targeted_is_refused() -> None:
    override = LoraOverride(layer=0, projection="key", r=2)
    with pytest.raises(ValidationError, match=r"\['key'\], which are not targeted"):
        Lora(projections=("query",), r=1, alpha=1.0, overrides=(override,))


def test_ia3_may_scale_the_input_and_the_output_of_one_projection() -> None:
    module = Ia3(outputs=("key", "ffn_up"), inputs=("ffn_down", "key"))

    assert module.projections() == ("key", "ffn_up", "ffn_down")
