"""Whole folders of `peft`: LoRA, (IA)³ and LN tuning, with the head that was saved."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import torch
from torch.testing import assert_close

from library_folders import (
    HIDDEN,
    INNER,
    LAYERS,
    LORA,
    Shape,
    Tensors,
    linear,
    lora_tensors,
    random_tensors,
    to_bin,
    write_peft,
)
from model_folders import change_weights
from multitap_adapters.file import parse_adapter
from multitap_adapters.importing.errors import FolderRefused
from multitap_adapters.importing.importer import ImportedAdapter, import_folder
from multitap_adapters.importing.parts import HeadChoice
from multitap_adapters.importing.target import Target, read_target
from multitap_adapters.loading import float_tensors
from multitap_adapters.spec import Ia3, LayerNorms, Lora, LoraOverride
from tiny_backbone import FAMILY_CONFIGS, tiny_backbone_folder

Imported = Callable[..., ImportedAdapter]
Refuse = Callable[..., str]

ABC = HeadChoice(labels=("a", "b", "c"))
PLAIN = Lora(projections=("query", "value"), r=4, alpha=8.0)
WRAPPED = "base_model.model.bert."


def tensors_of(made: ImportedAdapter) -> Tensors:
    return float_tensors(parse_adapter(made.data))


def test_a_folder_gives_its_lora_and_its_head(
    tmp_path: Path, imported: Imported, target: Target
) -> None:
    values = lora_tensors()

    made = imported(write_peft(tmp_path / "a", tensors=values), choice=ABC)

    found = tensors_of(made)
    base = f"{WRAPPED}encoder.layer.1.attention.self.value"
    assert made.spec.modules == (PLAIN,)
    assert_close(found["modules.0.layers.1.value.a"], values[f"{base}.lora_A.weight"])
    assert_close(found["modules.0.layers.1.value.b"], values[f"{base}.lora_B.weight"])
    assert_close(found["head.0.weight"], target.read_pooler()[0])
    assert_close(found["head.1.weight"], values["base_model.model.classifier.weight"])
    assert made.spec.head.labels == ("a", "b", "c")
    assert made.spec.card.extra == {
        "base_model": "somebody/tiny-bert",
        "source_library": "peft",
        "source_version": "0.21.2",
    }


def test_old_files_and_safetensors_give_the_same_bytes(tmp_path: Path, imported: Imported) -> None:
    first, second = write_peft(tmp_path / "a"), to_bin(write_peft(tmp_path / "b"))

    assert imported(first, choice=ABC).data == imported(second, choice=ABC).data


def rectangle(**changes: object) -> Lora:
    return PLAIN.model_copy(update=changes)


@pytest.mark.parametrize(
    ("changes", "modules"),
    [
        ({"r": 4, "lora_alpha": 16, "use_rslora": True}, [rectangle(alpha=16.0, rslora=True)]),
        ({"target_modules": r".*(query|value)"}, [PLAIN]),
        ({"target_modules": None}, [PLAIN]),
        ({"fan_in_fan_out": True, "lora_dropout": 0.1, "inference_mode": True}, [PLAIN]),
        (
            {"alpha_pattern": {"query": 2, "layer.0.*value": 4}},
            # the most frequent one is the module's own
            [
                rectangle(
                    alpha=2.0,
                    overrides=(
                        LoraOverride(layer=0, projection="value", alpha=4.0),
                        LoraOverride(layer=1, projection="value", alpha=8.0),
                    ),
                )
            ],
        ),
    ],
)
def test_settings_become_the_module_that_they_mean(
    tmp_path: Path, imported: Imported, changes: dict[str, object], modules: list[Lora]
) -> None:
    folder = write_peft(tmp_path / "a", {**LORA, **changes})

    found = imported(folder, choice=ABC).spec.modules
    if (
        "alpha_pattern" in changes
    ):  # of alphas as frequent as each other, either may be the module's
        (only,) = found
        assert isinstance(only, Lora)
        alphas = {(o.layer, o.projection): o.alpha or only.alpha for o in only.overrides}
        every = {(n, p): alphas.get((n, p), only.alpha) for n in (0, 1) for p in ("query", "value")}
        assert every == {(0, "query"): 2, (1, "query"): 2, (0, "value"): 4, (1, "value"): 8}
    else:
        assert list(found) == modules


def test_every_projection_can_be_targeted(tmp_path: Path, imported: Imported) -> None:
    parts = (
        "attention.self.query",
        "attention.self.key",
        "attention.self.value",
        "attention.output.dense",
        "intermediate.dense",
        "output.dense",
    )
    config = {
        **LORA,
        "target_modules": "all-linear",
        "exclude_modules": ["pooler.dense"],
        "modules_to_save": ["classifier"],
    }

    made = imported(write_peft(tmp_path / "a", config, lora_tensors(parts)), choice=ABC)

    assert made.spec.modules == (
        Lora(
            projections=("query", "key", "value", "attention_output", "ffn_up", "ffn_down"),
            r=4,
            alpha=8.0,
        ),
    )


def test_projections_of_different_layers_are_modules_of_their_own(
    tmp_path: Path, imported: Imported
) -> None:
    values = lora_tensors(["attention.self.query"], layers=[0])
    values |= lora_tensors(["attention.self.key", "attention.self.value"], layers=[1])
    config = {**LORA, "target_modules": r".*(0.*query|1.*(key|value))"}

    made = imported(write_peft(tmp_path / "a", config, values), choice=ABC)

    assert made.spec.modules == (
        Lora(projections=("query",), r=4, alpha=8.0, leave_out=(1,)),
        Lora(projections=("key", "value"), r=4, alpha=8.0, leave_out=(0,)),
    )


@pytest.mark.parametrize("name", ["base_layer.bias", "bias"])
def test_trained_biases_are_read_under_both_their_names(
    tmp_path: Path, imported: Imported, name: str
) -> None:
    shapes: dict[str, Shape] = {
        f"{WRAPPED}encoder.layer.{layer}.attention.self.{part}.{name}": (HIDDEN,)
        for layer in range(LAYERS)
        for part in ("query", "value")
    }
    biases = random_tensors(shapes, seed=4)
    folder = write_peft(tmp_path / "a", {**LORA, "bias": "lora_only"}, lora_tensors() | biases)

    made = imported(folder, choice=ABC)

    assert made.spec.modules == (rectangle(bias=True),)
    stored = biases[f"{WRAPPED}encoder.layer.1.attention.self.query.{name}"]
    assert_close(tensors_of(made)["modules.0.layers.1.query.bias"], stored)


@pytest.mark.parametrize("rslora", [True, False])
def test_lora_of_the_pooler_is_multiplied_into_the_heads_own_copy(
    tmp_path: Path, imported: Imported, target: Target, *, rslora: bool
) -> None:
    pooler: dict[str, Shape] = {
        f"{WRAPPED}pooler.dense.lora_A.weight": (4, HIDDEN),
        f"{WRAPPED}pooler.dense.lora_B.weight": (HIDDEN, 4),
    }
    values = lora_tensors() | random_tensors(pooler, seed=6)
    targets = ["query", "value", "pooler.dense"]
    folder = write_peft(
        tmp_path / "a", {**LORA, "target_modules": targets, "use_rslora": rslora}, values
    )

    made = imported(folder, choice=ABC)

    a, b = (values[name] for name in pooler)
    factor = 8 / 2 if rslora else 8 / 4
    expected = target.read_pooler()[0] + factor * b @ a
    assert_close(tensors_of(made)["head.0.weight"], expected, atol=1e-6, rtol=1e-5)


def test_a_pooler_that_was_saved_is_used(tmp_path: Path, imported: Imported) -> None:
    saved = random_tensors(linear(f"{WRAPPED}pooler.dense", HIDDEN, HIDDEN), seed=7)
    folder = write_peft(tmp_path / "a", LORA, lora_tensors() | saved)

    made = imported(folder, choice=ABC)

    assert_close(tensors_of(made)["head.0.weight"], saved[f"{WRAPPED}pooler.dense.weight"])


def test_a_pooler_that_neither_folder_nor_backbone_has_is_refused(tmp_path: Path) -> None:
    backbone = tiny_backbone_folder(tmp_path / "backbone")
    change_weights(backbone, lambda weights: weights.pop("pooler.dense.weight"))

    with pytest.raises(FolderRefused, match="where it was random and not saved, the head cannot"):
        import_folder(write_peft(tmp_path / "a"), read_target(backbone), head=ABC)


@pytest.mark.parametrize(
    ("task", "head", "kind", "labels"),
    [
        ("SEQ_CLS", linear("classifier", HIDDEN, 1), "regression", None),
        ("TOKEN_CLS", linear("classifier", HIDDEN, 3), "tagging", ("a", "b", "c")),
        ("QUESTION_ANS", linear("qa_outputs", HIDDEN, 2), "question_answering", None),
    ],
)
def test_the_task_says_what_the_head_is(
    tmp_path: Path,
    imported: Imported,
    task: str,
    head: Mapping[str, Shape],
    kind: str,
    labels: tuple[str, ...] | None,
) -> None:
    folder = write_peft(tmp_path / "a", {**LORA, "task_type": task}, lora_tensors(classifier=head))

    assert imported(folder, choice=HeadChoice(labels=labels)).spec.head.kind == kind


def test_a_head_of_independent_labels_is_read_as_one_on_request(
    tmp_path: Path, imported: Imported
) -> None:
    choice = HeadChoice(labels=("a", "b", "c"), multilabel=True)

    assert imported(write_peft(tmp_path / "a"), choice=choice).spec.head.kind == "multilabel"


@pytest.mark.parametrize("task", ["FEATURE_EXTRACTION", None])
def test_a_bare_model_gives_the_mean_of_its_hidden_states(
    tmp_path: Path, imported: Imported, task: str | None
) -> None:
    values = lora_tensors(prefix="", classifier={})

    made = imported(write_peft(tmp_path / "a", {**LORA, "task_type": task}, values))

    assert (made.spec.head.kind, made.spec.modules) == ("embedding", (PLAIN,))


def test_a_head_can_be_left_out(tmp_path: Path, imported: Imported) -> None:
    made = imported(write_peft(tmp_path / "a"), choice=HeadChoice(wanted=False))

    assert made.spec.head.kind == "embedding"


def ia3_tensors(**shapes: Shape) -> Tensors:
    named: dict[str, Shape] = {
        f"{WRAPPED}encoder.layer.{layer}.{part}.ia3_l": shape
        for layer in range(LAYERS)
        for part, shape in shapes.items()
    }
    named |= {f"base_model.model.{k}": s for k, s in linear("classifier", HIDDEN, 3).items()}
    return random_tensors(named)


IA3 = {
    "peft_type": "IA3",
    "task_type": "SEQ_CLS",
    "target_modules": ["key", "intermediate.dense", "layer.0.output.dense", "layer.1.output.dense"],
    "feedforward_modules": ["output.dense"],
    "modules_to_save": ["classifier"],
}


def test_ia3_multiplies_inputs_of_what_is_called_feedforward(
    tmp_path: Path, imported: Imported
) -> None:
    values = ia3_tensors(
        **{
            "attention.self.key": (HIDDEN, 1),
            "intermediate.dense": (INNER, 1),
            "output.dense": (1, INNER),
        }
    )

    made = imported(write_peft(tmp_path / "a", IA3, values), choice=ABC)

    assert made.spec.modules == (Ia3(outputs=("key", "ffn_up"), inputs=("ffn_down",)),)
    stored = values[f"{WRAPPED}encoder.layer.1.output.dense.ia3_l"]
    assert_close(tensors_of(made)["modules.0.layers.1.ffn_down.input_scale"], stored[0])


def test_ia3_of_one_vector_of_the_wrong_direction_is_refused(
    tmp_path: Path, refused: Refuse
) -> None:
    values = ia3_tensors(**{"attention.self.key": (1, HIDDEN)})

    folder = write_peft(tmp_path / "a", {**IA3, "target_modules": ["key"]}, values)

    assert "has shape [1, 32], expected [32, 1]" in refused(folder, choice=ABC)


def norm_tensors(*parts: str) -> Tensors:
    shapes: dict[str, Shape] = {
        f"{WRAPPED}{part}.ln_tuning_layers.{tensor}": (HIDDEN,)
        for part in parts
        for tensor in ("weight", "bias")
    }
    shapes |= {f"base_model.model.{k}": s for k, s in linear("classifier", HIDDEN, 3).items()}
    return random_tensors(shapes)


NORMS = [
    "embeddings.LayerNorm",
    *(
        f"encoder.layer.{layer}.{part}.LayerNorm"
        for layer in range(LAYERS)
        for part in ("attention.output", "output")
    ),
]
LN_TUNING = {"peft_type": "LN_TUNING", "task_type": "SEQ_CLS", "target_modules": ["LayerNorm"]}


def test_ln_tuning_gives_layer_norms(tmp_path: Path, imported: Imported) -> None:
    values = norm_tensors(*NORMS)

    made = imported(write_peft(tmp_path / "a", LN_TUNING, values), choice=ABC)

    assert made.spec.modules == (LayerNorms(),)
    stored = values[f"{WRAPPED}encoder.layer.1.attention.output.LayerNorm.ln_tuning_layers.bias"]
    assert_close(tensors_of(made)["modules.0.layers.1.attention.bias"], stored)


def test_layer_norms_that_were_not_tuned_are_the_backbones_own(
    tmp_path: Path, imported: Imported, target: Target
) -> None:
    kept = [NORMS[1], NORMS[4]]  # attention of layer 0, feed-forward of layer 1
    config = {**LN_TUNING, "target_modules": kept}

    made = imported(write_peft(tmp_path / "a", config, norm_tensors(*kept)), choice=ABC)

    assert made.spec.modules == (LayerNorms(embeddings=False),)
    own = target.weights["encoder.layer.0.output.LayerNorm.weight"]
    assert_close(tensors_of(made)["modules.0.layers.0.ffn.weight"], own)


def test_ln_tuning_of_nothing_is_refused(tmp_path: Path, refused: Refuse) -> None:
    config = {**LN_TUNING, "target_modules": ["norm"]}

    assert "targets no layer norm of the backbone" in refused(
        write_peft(tmp_path / "a", config, norm_tensors(*NORMS)), choice=ABC
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        *(
            ({"peft_type": name}, f"method '{name}'")
            for name in (
                "ADALORA",
                "BOFT",
                "LOHA",
                "LOKR",
                "MULTITASK_PROMPT_TUNING",
                "OFT",
                "POLY",
                "PREFIX_TUNING",
                "PROMPT_TUNING",
                "P_TUNING",
                "VERA",
            )
        ),
        ({"use_dora": True}, "use_dora in "),
        ({"lora_bias": True}, "lora_bias in "),
        ({"layer_replication": [[0, 1]]}, "layer_replication in "),
        ({"trainable_token_indices": [1]}, "trainable_token_indices in "),
        ({"init_lora_weights": "pissa"}, "init_lora_weights 'pissa' in "),
        ({"init_lora_weights": "olora"}, "changes the backbone's own weights"),
        ({"init_lora_weights": "loftq"}, "changes the backbone's own weights"),
        ({"bias": "all"}, "also changes biases beside the targeted projections"),
        ({"bias": "some"}, "bias 'some' in "),
        ({"bias": "lora_only"}, "lacks "),
        ({"task_type": "CAUSAL_LM"}, "task_type 'CAUSAL_LM' is not supported"),
        ({"task_type": None}, "holds a head, and task_type does not say what it is for"),
        (
            {"target_modules": ["query"]},
            "attention.self.value', which target_modules does not name",
        ),
        (
            {"target_modules": ["query", "key", "value"]},
            "attention.self.key', which target_modules",
        ),
        ({"target_modules": ["x"]}, "which target_modules does not name"),
        ({"target_modules": "("}, "is no regular expression"),
        ({"r": 8}, "has shape [4, 32], expected [8, 32]"),
        ({"r": 0}, "is 0.0, expected a positive integer"),
        ({"r": 10**9}, "cannot be expressed: r"),
        ({"lora_alpha": -1}, "cannot be expressed: alpha"),
        ({"rank_pattern": {"query": 2.5}}, "is 2.5, expected a positive integer"),
        ({"rank_pattern": {"query": 2}}, "has shape [4, 32], expected [2, 32]"),
    ],
)
def test_what_cannot_be_imported_is_refused_with_its_reason(
    tmp_path: Path, refused: Refuse, changes: dict[str, object], message: str
) -> None:
    assert message in refused(write_peft(tmp_path / "a", {**LORA, **changes}), choice=ABC)


def other_prefix(prefix: str) -> Tensors:
    return lora_tensors(prefix=prefix)


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        (other_prefix("roberta."), "holds tensors of classifier, roberta, the backbone is bert"),
        (other_prefix("deberta."), "its pooler is random and not saved"),
        (lora_tensors(layers=range(3)), "is for 3 layers or more, the backbone has 2"),
        (lora_tensors(layers=[0]), "layer.1.attention.self.query', which target_modules names"),
        (lora_tensors(classifier={}), "lacks 'classifier.weight'"),
        (lora_tensors(classifier={"classifier.weight": (3, 16)}), "expected [3, 32]"),
        (lora_tensors(classifier={"classifier.weight": (3, 32)}), "lacks 'classifier.bias'"),
        (
            lora_tensors()
            | random_tensors({f"{WRAPPED}embeddings.word_embeddings.weight": (9, 9)}),
            "holds 'bert.embeddings.word_embeddings.weight', which nothing asks for",
        ),
        (lora_tensors() | {"../x": torch.ones(1)}, "holds '../x', expected names that begin"),
        ({"base_model.model.bert.x": torch.ones(1)}, "which target_modules names"),
        ({}, "holds tensors of nothing"),
    ],
)
def test_tensors_that_are_not_the_adapters_are_named(
    tmp_path: Path, refused: Refuse, tensors: Tensors, message: str
) -> None:
    assert message in refused(write_peft(tmp_path / "a", tensors=tensors), choice=ABC)


def test_a_head_that_was_not_saved_is_told(tmp_path: Path, refused: Refuse) -> None:
    values = lora_tensors(classifier={})

    folder = write_peft(tmp_path / "a", {**LORA, "task_type": None}, values)

    assert "is for a model with a head, which was not saved" in refused(folder)


def test_a_name_of_a_head_has_no_meaning(tmp_path: Path, refused: Refuse) -> None:
    message = refused(write_peft(tmp_path / "a"), choice=HeadChoice(name="x"))

    assert message == "a folder of peft has one head, which has no name"


def test_a_folder_without_weights_is_refused(tmp_path: Path, refused: Refuse) -> None:
    folder = write_peft(tmp_path / "a")
    (folder / "adapter_model.safetensors").unlink()

    assert "has neither adapter_model.safetensors nor adapter_model.bin" in refused(folder)


def test_electras_projection_of_embeddings_is_refused(tmp_path: Path) -> None:
    backbone = tiny_backbone_folder(tmp_path / "backbone", config=FAMILY_CONFIGS["electra"])
    shapes: dict[str, Shape] = {
        "base_model.model.electra.embeddings_project.lora_A.weight": (4, 16),
        "base_model.model.electra.embeddings_project.lora_B.weight": (HIDDEN, 4),
    }
    values = lora_tensors(prefix="electra.") | random_tensors(shapes)
    config = {**LORA, "target_modules": ["query", "value", "embeddings_project"]}

    with pytest.raises(FolderRefused, match="a changed projection of the embeddings"):
        import_folder(write_peft(tmp_path / "a", config, values), read_target(backbone), head=ABC)
