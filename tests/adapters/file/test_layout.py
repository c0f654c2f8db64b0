"""Names, shapes and order of the tensors of every method, as docs/adapter-file.md lists them."""

import pytest

from adapter_bytes import SMALL_BACKBONE, every_method_spec, head_only_spec
from multitap_adapters.file import tensor_shapes
from multitap_adapters.spec import (
    Bottleneck,
    Head,
    HeadLayer,
    Ia3,
    Invertible,
    LayerNorms,
    Lora,
    LoraOverride,
    Module,
)

# The small backbone: hidden 4, intermediate 6, embedding 2, two layers.
HEAD = {"head.0.weight": (2, 4), "head.0.bias": (2,)}


def shapes_of(*modules: Module) -> dict[str, tuple[int, ...]]:
    spec = head_only_spec().model_copy(update={"modules": modules})
    shapes = tensor_shapes(spec)
    assert list(shapes.items())[-2:] == list(HEAD.items())
    return {name: shape for name, shape in shapes.items() if name not in HEAD}


def test_no_module_leaves_the_head() -> None:
    assert tensor_shapes(head_only_spec()) == HEAD


def test_a_bottleneck_has_two_linear_layers_in_each_layer_and_site() -> None:
    shapes = shapes_of(Bottleneck(size=3))
    sites = [f"modules.0.layers.{n}.{site}" for n in (0, 1) for site in ("attention", "ffn")]
    assert shapes == {
        f"{at}.{name}": shape
        for at in sites
        for name, shape in {
            "down.weight": (3, 4),
            "down.bias": (3,),
            "up.weight": (4, 3),
            "up.bias": (4,),
        }.items()
    }


def test_a_bottleneck_may_have_one_site_sizes_per_layer_and_layers_left_out() -> None:
    assert shapes_of(Bottleneck(size=(9, 1), sites=("ffn",), leave_out=(0,))) == {
        "modules.0.layers.1.ffn.down.weight": (1, 4),
        "modules.0.layers.1.ffn.down.bias": (1,),
        "modules.0.layers.1.ffn.up.weight": (4, 1),
        "modules.0.layers.1.ffn.up.bias": (4,),
    }


@pytest.mark.parametrize(
    ("module", "extra"),
    [
        (Bottleneck(size=1, scaling=2.0), {}),
        (Bottleneck(size=1, scaling="learned"), {"scaling": (1,)}),
        (Bottleneck(size=1, scaling="channel"), {"scaling": (4,)}),
        (
            Bottleneck(size=1, new_norm_before=True),
            {"norm_before.weight": (4,), "norm_before.bias": (4,)},
        ),
        (
            Bottleneck(size=1, new_norm_after=True),
            {"norm_after.weight": (4,), "norm_after.bias": (4,)},
        ),
    ],
)
def test_a_bottlenecks_options_add_their_tensors(
    module: Bottleneck, extra: dict[str, tuple[int, ...]]
) -> None:
    shapes = shapes_of(module)
    at = "modules.0.layers.1.attention."
    found = {name.removeprefix(at): s for name, s in shapes.items() if name.startswith(at)}
    plain = {"down.weight", "down.bias", "up.weight", "up.bias"}
    assert {name: shape for name, shape in found.items() if name not in plain} == extra
    assert len(shapes) == 4 * (4 + len(extra))


@pytest.mark.parametrize(
    ("projection", "inputs", "outputs"),
    [
        ("query", 4, 4),
        ("key", 4, 4),
        ("value", 4, 4),
        ("attention_output", 4, 4),
        ("ffn_up", 4, 6),
        ("ffn_down", 6, 4),
    ],
)
def test_lora_follows_the_sizes_of_its_projection(
    projection: str, inputs: int, outputs: int
) -> None:
    lora = Lora.model_validate_json(
        f'{{"method":"lora","projections":["{projection}"],"r":2,"alpha":1,"leave_out":[1]}}'
    )
    assert shapes_of(lora) == {
        f"modules.0.layers.0.{projection}.a": (2, inputs),
        f"modules.0.layers.0.{projection}.b": (outputs, 2),
    }


def test_a_lora_override_changes_one_rank() -> None:
    ranked = LoraOverride(layer=1, projection="value", r=3)
    scaled = LoraOverride(layer=0, projection="query", alpha=2.0)
    lora = Lora(projections=("query", "value"), r=2, alpha=1.0, overrides=(ranked, scaled))
    shapes = shapes_of(lora)
    ranks = {name: shape[0] for name, shape in shapes.items() if name.endswith(".a")}
    assert ranks == {
        f"modules.0.layers.{layer}.{projection}.a": lora.rank_of(layer, projection)
        for layer in (0, 1)
        for projection in lora.projections
    }
    assert sorted(ranks.values()) == [2, 2, 2, 3]


def test_a_lora_bias_has_the_size_of_its_output() -> None:
    shapes = shapes_of(Lora(projections=("ffn_up",), r=1, alpha=1.0, bias=True, leave_out=(0,)))
    assert shapes["modules.0.layers.1.ffn_up.bias"] == (6,)
    assert len(shapes) == 3


def test_ia3_has_a_vector_for_every_output_and_then_for_every_input() -> None:
    shapes = shapes_of(Ia3(outputs=("value", "ffn_up"), inputs=("ffn_down", "ffn_up")))
    assert list(shapes.items()) == [
        (f"modules.0.layers.{layer}.{name}", shape)
        for layer in (0, 1)
        for name, shape in (
            ("value.output_scale", (4,)),
            ("ffn_up.output_scale", (6,)),
            ("ffn_down.input_scale", (6,)),
            ("ffn_up.input_scale", (4,)),
        )
    ]


def test_ia3_has_nothing_in_layers_left_out() -> None:
    assert shapes_of(Ia3(inputs=("key",), leave_out=(0,))) == {
        "modules.0.layers.1.key.input_scale": (4,)
    }


def test_layer_norms_cover_the_embeddings_and_the_sites() -> None:
    shapes = shapes_of(LayerNorms(sites=("ffn",), leave_out=(0,)))
    assert shapes == {
        "modules.0.embeddings.weight": (2,),
        "modules.0.embeddings.bias": (2,),
        "modules.0.layers.1.ffn.weight": (4,),
        "modules.0.layers.1.ffn.bias": (4,),
    }


def test_layer_norms_may_leave_the_embeddings_alone() -> None:
    shapes = shapes_of(LayerNorms(embeddings=False))
    assert not [name for name in shapes if "embeddings" in name]
    assert len(shapes) == 2 * 2 * 2


def test_an_invertible_module_has_two_functions_over_half_the_embedding() -> None:
    assert shapes_of(Invertible(size=3)) == {
        f"modules.0.embeddings.{function}.{name}": shape
        for function in ("f", "g")
        for name, shape in {
            "down.weight": (3, 1),
            "down.bias": (3,),
            "up.weight": (1, 3),
            "up.bias": (1,),
        }.items()
    }


def test_stacked_modules_are_told_apart_by_their_index() -> None:
    shapes = shapes_of(Bottleneck(size=1), Bottleneck(size=2))
    assert shapes["modules.0.layers.0.ffn.down.weight"] == (1, 4)
    assert shapes["modules.1.layers.0.ffn.down.weight"] == (2, 4)


def test_each_head_layer_takes_what_the_one_before_gives() -> None:
    head = Head(
        kind="embedding",
        input="mean",
        layers=(HeadLayer(out=5, bias=False), HeadLayer(out=3)),
    )
    spec = head_only_spec().model_copy(update={"head": head})
    assert tensor_shapes(spec) == {
        "head.0.weight": (5, SMALL_BACKBONE.hidden_size),
        "head.1.weight": (3, 5),
        "head.1.bias": (3,),
    }


def test_an_embedding_without_layers_or_modules_has_no_tensors() -> None:
    head = Head(kind="embedding", input="mean")
    assert tensor_shapes(head_only_spec().model_copy(update={"head": head})) == {}


def test_the_order_is_modules_then_layers_then_the_head() -> None:
    names = list(tensor_shapes(every_method_spec()))
    first_of = {name.split(".layers.")[0].split(".embeddings")[0]: None for name in names}
    assert list(first_of)[:4] == ["modules.0", "modules.1", "modules.2", "modules.3"]
    assert names[-4:] == ["head.0.weight", "head.0.bias", "head.1.weight", "head.1.bias"]
    assert (
        names[names.index("modules.3.embeddings.bias") + 1] == "modules.3.layers.0.attention.weight"
    )
