"""Whole folders of the `adapters` library, in every form that it has had."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch.testing import assert_close

from library_folders import (
    HEAD,
    HIDDEN,
    LAYERS,
    PFEIFFER,
    Shape,
    Tensors,
    bottleneck_tensors,
    head_tensors,
    linear,
    random_tensors,
    to_bin,
    write_hub,
)
from multitap_adapters.file import parse_adapter
from multitap_adapters.importing.importer import ImportedAdapter
from multitap_adapters.loading import float_tensors
from multitap_adapters.spec import Bottleneck, Ia3, Invertible, Lora

Imported = Callable[..., ImportedAdapter]
Refuse = Callable[..., str]

HOULSBY = {**PFEIFFER, "mh_adapter": True, "original_ln_before": False, "non_linearity": "swish"}
NICE = {**PFEIFFER, "inv_adapter": "nice", "inv_adapter_reduction_factor": 2}
LORA = {"architecture": "lora", "r": 4, "alpha": 8, "attn_matrices": ["q", "v"], "leave_out": []}


def coupling_tensors(size: int = 8, at: str = "bert.invertible_adapters.task") -> Tensors:
    half = HIDDEN // 2
    shapes: dict[str, Shape] = {}
    for function in ("F", "G"):
        shapes |= linear(f"{at}.{function}.0", half, size)
        shapes |= linear(f"{at}.{function}.2", size, half)
    return random_tensors(shapes, seed=5)


def lora_tensors(parts: tuple[str, ...] = ("query", "value"), *, r: int = 4) -> Tensors:
    shapes: dict[str, Shape] = {}
    for layer in range(LAYERS):
        for part in parts:
            base = f"bert.encoder.layer.{layer}.attention.self.{part}.loras.task"
            shapes |= {f"{base}.lora_A": (r, HIDDEN), f"{base}.lora_B": (HIDDEN, r)}
    return random_tensors(shapes)


def tensors_of(made: ImportedAdapter) -> Tensors:
    return float_tensors(parse_adapter(made.data))


def test_a_folder_gives_its_adapter_and_its_head(tmp_path: Path, imported: Imported) -> None:
    values, head = bottleneck_tensors(), head_tensors()

    made = imported(write_hub(tmp_path / "a", tensors=values, head=HEAD, head_values=head))

    found = tensors_of(made)
    base = "bert.encoder.layer.1.output.adapters.task"
    assert_close(
        found["modules.0.layers.1.ffn.down.weight"], values[f"{base}.adapter_down.0.weight"]
    )
    assert_close(found["modules.0.layers.1.ffn.up.bias"], values[f"{base}.adapter_up.bias"])
    assert_close(found["head.0.weight"], head["heads.task.1.weight"])
    assert_close(found["head.1.bias"], head["heads.task.4.bias"])
    assert made.spec.head.labels == ("no", "yes")


def test_old_files_and_safetensors_give_the_same_bytes(tmp_path: Path, imported: Imported) -> None:
    first = write_hub(tmp_path / "a", head=HEAD)
    second = to_bin(write_hub(tmp_path / "b", head=HEAD))

    assert imported(first).data == imported(second).data


def test_a_missing_prefix_gives_the_same_bytes(tmp_path: Path, imported: Imported) -> None:
    with_prefix = write_hub(tmp_path / "a")
    bare = write_hub(tmp_path / "b", tensors=bottleneck_tensors(prefix=""))

    assert imported(with_prefix).data == imported(bare).data


def test_the_first_releases_names_give_the_same_tensors(tmp_path: Path, imported: Imported) -> None:
    old = bottleneck_tensors(kind="layer_text_task_adapters")
    attention = bottleneck_tensors(
        sites=("attention.output",), kind="attention_text_task_adapters", name="task"
    )
    new = bottleneck_tensors() | bottleneck_tensors(sites=("attention.output",))

    first = imported(write_hub(tmp_path / "a", HOULSBY, old | attention, type="text_task"))
    second = imported(write_hub(tmp_path / "b", HOULSBY, new))

    assert_close(tensors_of(first), tensors_of(second))


def test_a_first_releases_task_adapter_drops_the_block_that_it_only_declares(
    tmp_path: Path, imported: Imported
) -> None:
    config = {
        **PFEIFFER,
        "attention_type": "sent-lvl-dynamic",
        "new_attention_norm": False,
        "invertible_adapter": {
            "block_type": "nice",
            "non_linearity": "relu",
            "reduction_factor": 2,
        },
    }
    tensors = bottleneck_tensors(kind="layer_text_task_adapters")

    made = imported(
        write_hub(
            tmp_path / "a",
            config,
            tensors,
            version=None,
            type="text_task",
            model_class="BertModelWithHeads",
        )
    )

    assert [type(module) for module in made.spec.modules] == [Bottleneck]


def test_a_first_releases_language_adapter_has_its_block_with_its_own_non_linearity(
    tmp_path: Path, imported: Imported
) -> None:
    nested = {"block_type": "nice", "non_linearity": "gelu", "reduction_factor": 2}
    tensors = bottleneck_tensors(kind="layer_text_lang_adapters")
    tensors |= coupling_tensors(at="bert.invertible_lang_adapters.task")
    config = {**PFEIFFER, "invertible_adapter": nested}

    made = imported(write_hub(tmp_path / "a", config, tensors, version=None, type="text_lang"))

    assert made.spec.modules[0] == Invertible(size=8, activation="gelu_tanh")
    assert made.spec.head.kind == "embedding"


def test_a_language_adapter_without_its_block_is_refused(tmp_path: Path, refused: Refuse) -> None:
    folder = write_hub(tmp_path / "a", NICE, type="text_lang")

    assert "lacks 'invertible_adapters.task.F.0.weight' and 7 more" in refused(folder)


def test_a_block_stands_before_the_bottleneck(tmp_path: Path, imported: Imported) -> None:
    values = coupling_tensors()

    made = imported(write_hub(tmp_path / "a", NICE, bottleneck_tensors() | values))

    assert [module.method for module in made.spec.modules] == ["invertible", "bottleneck"]
    up = tensors_of(made)["modules.0.embeddings.g.up.weight"]
    assert_close(up, values["bert.invertible_adapters.task.G.2.weight"])


def test_without_a_head_the_file_gives_the_mean_of_the_hidden_states(
    tmp_path: Path, imported: Imported
) -> None:
    head = imported(write_hub(tmp_path / "a")).spec.head

    assert (head.kind, head.input, head.layers, head.normalize) == ("embedding", "mean", (), False)


@pytest.mark.parametrize("both", [True, False])
def test_a_new_norm_before_is_read_whether_it_stands_twice_or_once(
    tmp_path: Path, imported: Imported, *, both: bool
) -> None:
    tensors: Tensors = {}
    norms = random_tensors({"weight": (HIDDEN,), "bias": (HIDDEN,)}, seed=3)
    for name, tensor in bottleneck_tensors().items():
        tensors[name.replace("adapter_down.0", "adapter_down.1")] = tensor
    for layer in range(LAYERS):
        base = f"bert.encoder.layer.{layer}.output.adapters.task"
        for part, tensor in norms.items():
            tensors[f"{base}.adapter_down.0.{part}"] = tensor.clone()
            if both:
                tensors[f"{base}.adapter_norm_before.{part}"] = tensor.clone()

    made = imported(write_hub(tmp_path / "a", {**PFEIFFER, "ln_before": True}, tensors))

    assert_close(tensors_of(made)["modules.0.layers.1.ffn.norm_before.bias"], norms["bias"])


def test_two_different_new_norms_before_are_refused(tmp_path: Path, refused: Refuse) -> None:
    tensors: Tensors = {}
    for name, tensor in bottleneck_tensors().items():
        tensors[name.replace("adapter_down.0", "adapter_down.1")] = tensor
    for layer in range(LAYERS):
        base = f"bert.encoder.layer.{layer}.output.adapters.task"
        for part in ("adapter_down.0", "adapter_norm_before"):
            for kind in ("weight", "bias"):
                tensors[f"{base}.{part}.{kind}"] = torch.full((HIDDEN,), float(len(part)))

    folder = write_hub(tmp_path / "a", {**PFEIFFER, "ln_before": True}, tensors)

    assert "holds two versions of" in refused(folder)


@pytest.mark.parametrize(
    ("version", "alpha"),
    [
        ("adapters.1.0.1", 4.0),
        ("adapters.1.1.0", 8.0),
        ("adapters.1.3.0", 8.0),
        ("3.2.1", 8.0),
        (None, 8.0),
    ],
)
def test_lora_before_1_1_0_was_trained_without_its_scaling(
    tmp_path: Path, imported: Imported, version: str | None, alpha: float
) -> None:
    made = imported(write_hub(tmp_path / "a", LORA, lora_tensors(), version=version))

    assert made.spec.modules == (Lora(projections=("query", "value"), r=4, alpha=alpha),)


def test_a_factor_of_ia3_is_multiplied_into_its_vectors(tmp_path: Path, imported: Imported) -> None:
    config = {**LORA, "composition_mode": "scale", "r": 1, "alpha": 2, "attn_matrices": ["k"]}
    values = {n: t for n, t in lora_tensors(("key",), r=1).items() if n.endswith("lora_B")}

    made = imported(write_hub(tmp_path / "a", config, values))

    assert made.spec.modules == (Ia3(outputs=("key",)),)
    stored = values["bert.encoder.layer.0.attention.self.key.loras.task.lora_B"]
    assert_close(tensors_of(made)["modules.0.layers.0.key.output_scale"], 2 * stored[:, 0])


def test_the_card_says_where_it_comes_from(tmp_path: Path, imported: Imported) -> None:
    card = imported(write_hub(tmp_path / "a", name="task", version="adapters.1.2.0")).spec.card

    assert card.task == "task"
    assert card.extra == {
        "base_model": "somebody/tiny-bert",
        "source_library": "adapters",
        "source_name": "task",
        "source_version": "adapters.1.2.0",
    }


def renamed(old: str, new: str) -> Tensors:
    return {name.replace(old, new): tensor for name, tensor in bottleneck_tensors().items()}


@pytest.mark.parametrize(
    ("config", "top", "message"),
    [
        ({"architecture": "prefix_tuning"}, {}, "architecture 'prefix_tuning' (prefixes of keys"),
        ({"architecture": "prompt_tuning"}, {}, "architecture 'prompt_tuning' (trained tokens"),
        ({"architecture": "reft"}, {}, "architecture 'reft' (interventions on hidden states)"),
        ({"architecture": "union", "configs": []}, {}, "architecture 'union' (several methods"),
        ({"architecture": "mtl_lora"}, {}, "architecture 'mtl_lora' (one LoRA for several tasks)"),
        ({"architecture": "magic"}, {}, "architecture 'magic' in "),
        (
            {**PFEIFFER, "inv_adapter": "glow"},
            {},
            "invertible adapter 'glow' is not supported (",
        ),
        ({**PFEIFFER, "inv_adapter": "odd"}, {}, "invertible adapter 'odd' is not supported"),
        ({**PFEIFFER, "output_adapter": False}, {}, "describes an adapter without any module"),
        ({**PFEIFFER, "leave_out": [7]}, {}, "does not fit the backbone: modules.0 names layers"),
        ({**LORA, "use_dora": True}, {}, "use_dora in config in "),
        ({**LORA, "use_gating": True}, {}, "use_gating in config in "),
        ({**LORA, "vera_d": 0.1}, {}, "vera_d in config in "),
        ({**LORA, "composition_mode": "mix"}, {}, "composition_mode 'mix'"),
        ({**LORA, "composition_mode": "scale"}, {}, "expected 1 where vectors multiply"),
        ({**LORA, "attn_matrices": ["o"]}, {}, "names 'o'"),
        ({**LORA, "selfattn_lora": False}, {}, "cannot be expressed: projections"),
        ({**LORA, "r": 10**9}, {}, "cannot be expressed: r"),
        ({**LORA, "r": 16}, {}, "lacks "),
        (
            PFEIFFER,
            {"model_type": "roberta"},
            "is for model_type 'roberta', the backbone",
        ),
        (PFEIFFER, {"hidden_size": 768}, "is for hidden_size 768, the backbone has 32"),
        (PFEIFFER, {"name": "../../etc/passwd"}, "has name '../../etc/passwd', which no adapter"),
        (PFEIFFER, {"name": None}, "has name None"),
        (PFEIFFER, {"name": "x" * 201}, "has name 'xxx"),
        (PFEIFFER, {"name": "other"}, "lacks 'encoder.layer.0.output.adapters.other"),
    ],
)
def test_what_cannot_be_imported_is_refused_with_its_reason(
    tmp_path: Path,
    refused: Refuse,
    config: dict[str, object],
    top: dict[str, object],
    message: str,
) -> None:
    assert message in refused(
        write_hub(tmp_path / "a", config, None, head=None, head_values=None, **top)
    )


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        (
            bottleneck_tensors(layers=[0]),
            "lacks 'encoder.layer.1.output.adapters.task.adapter_down.0.weight' and 3 more",
        ),
        (bottleneck_tensors(layers=range(4)), "is for 4 layers or more, the backbone has 2"),
        (bottleneck_tensors(size=5), "has shape [5, 32], expected [4, 32]"),
        (
            bottleneck_tensors() | random_tensors({"bert.../../x": (1,)}),
            "holds '../../x', which nothing asks for",
        ),
        (
            bottleneck_tensors() | bottleneck_tensors(name="tasks"),
            "holds 'encoder.layer.0.output.adapters.tasks.adapter_down.0.bias' and 7 more",
        ),
        (
            bottleneck_tensors() | bottleneck_tensors(prefix=""),
            "holds a tensor twice, under an old and a new name",
        ),
        (
            {n: t * float("inf") for n, t in bottleneck_tensors().items()},
            "values are not finite",
        ),
        ({}, "lacks "),
    ],
)
def test_tensors_that_are_not_the_adapters_are_named(
    tmp_path: Path, refused: Refuse, tensors: Tensors, message: str
) -> None:
    assert message in refused(write_hub(tmp_path / "a", tensors=tensors))


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("adapter_fusion_config.json", "AdapterFusion weighs several adapters"),
        ("embedding.pt", "it replaces the backbone's embeddings"),
    ],
)
def test_a_folder_with_more_than_an_adapter_is_refused(
    tmp_path: Path, refused: Refuse, file: str, message: str
) -> None:
    folder = write_hub(tmp_path / "a")
    (folder / file).touch()

    assert message in refused(folder)


def test_a_folder_without_weights_is_refused(tmp_path: Path, refused: Refuse) -> None:
    folder = write_hub(tmp_path / "a")
    (folder / "adapter.safetensors").unlink()

    assert "has neither adapter.safetensors nor pytorch_adapter.bin" in refused(folder)
