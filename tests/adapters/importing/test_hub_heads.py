"""Heads of the `adapters` library: its own, and those of `transformers` that it wraps."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from library_folders import (
    HEAD,
    HIDDEN,
    Shape,
    Tensors,
    head_tensors,
    linear,
    random_tensors,
    to_bin,
    write_hub,
    write_json,
)
from multitap_adapters.file import parse_adapter
from multitap_adapters.head import HeadStack
from multitap_adapters.importing.errors import FolderRefused
from multitap_adapters.importing.importer import ImportedAdapter, import_folder
from multitap_adapters.importing.parts import HeadChoice
from multitap_adapters.importing.target import Target, read_target
from multitap_adapters.loading import float_tensors
from safetensors_files import save_tensors
from tiny_backbone import FAMILY_CONFIGS, tiny_backbone_folder

Imported = Callable[..., ImportedAdapter]
Refuse = Callable[..., str]


def outputs(made: ImportedAdapter, hidden_TH: Tensor) -> Tensor:
    """Return a head's outputs for rows of these hidden states, one token each."""
    head = HeadStack(made.spec.head, float_tensors(parse_adapter(made.data)))
    with torch.inference_mode():
        return head(hidden_TH, [1] * len(hidden_TH))


@pytest.fixture(name="hidden_TH")
def _hidden() -> Tensor:
    return torch.randn(5, HIDDEN, generator=torch.Generator().manual_seed(3))


PLAIN: dict[str, Callable[[Tensor], Tensor]] = {
    "": torch.clone,
    "gelu": torch.nn.functional.gelu,
    "relu": torch.relu,
    "tanh": torch.tanh,
}


@pytest.mark.parametrize(
    ("changes", "keys", "between"),
    [
        ({"layers": 1}, ("1",), ""),
        ({}, ("1", "4"), "tanh"),
        ({"activation_function": None}, ("1", "3"), ""),
        ({"layers": 3, "activation_function": "relu"}, ("1", "4", "7"), "relu"),
        ({"head_type": "multilabel_classification"}, ("1", "4"), "tanh"),
        ({"head_type": "tagging", "layers": 1}, ("1",), ""),
        ({"head_type": "tagging", "layers": None}, ("1",), ""),
        ({"head_type": "question_answering", "layers": 1}, ("1",), ""),
    ],
)
def test_a_flexible_head_computes_its_layers(
    tmp_path: Path,
    imported: Imported,
    hidden_TH: Tensor,
    changes: dict[str, object],
    keys: tuple[str, ...],
    between: str,
) -> None:
    names = [f"heads.task.{key}" for key in keys]
    shapes: dict[str, Shape] = {}
    for name in names:
        shapes |= linear(name, HIDDEN, 2 if name == names[-1] else HIDDEN)
    values = random_tensors(shapes)
    folder = write_hub(tmp_path / "a", head={**HEAD, **changes}, head_values=values)

    found = outputs(imported(folder), hidden_TH)

    assert_close(found, plain_stack(values, names, between, hidden_TH))


def plain_stack(values: Tensors, names: Sequence[str], between: str, x_TH: Tensor) -> Tensor:
    """Return what layers give one after the other, with a non-linearity between them."""
    for name in names[:-1]:
        x_TH = PLAIN[between](layer(values, name)(x_TH))
    return layer(values, names[-1])(x_TH)


def layer(values: Tensors, name: str) -> Callable[[Tensor], Tensor]:
    return lambda x: x @ values[f"{name}.weight"].T + values[f"{name}.bias"]


@pytest.mark.parametrize(
    ("head_type", "labels", "kind", "sees"),
    [
        ("classification", ("no", "yes"), "classification", "cls"),
        ("multilabel_classification", ("no", "yes"), "multilabel", "cls"),
        ("tagging", ("no", "yes"), "tagging", "tokens"),
        ("question_answering", (), "question_answering", "tokens"),
    ],
)
def test_a_head_type_is_a_kind(
    tmp_path: Path,
    imported: Imported,
    head_type: str,
    labels: tuple[str, ...],
    kind: str,
    sees: str,
) -> None:
    head = imported(write_hub(tmp_path / "a", head={**HEAD, "head_type": head_type})).spec.head

    assert (head.kind, head.input, head.labels) == (kind, sees, labels)


def test_one_output_is_a_regression_unless_it_is_one_of_many(
    tmp_path: Path, imported: Imported
) -> None:
    one = {**HEAD, "num_labels": 1, "label2id": {"LABEL_0": 0}}
    many = {**one, "head_type": "multilabel_classification"}
    values = head_tensors(labels=1)

    first = imported(write_hub(tmp_path / "a", head=one, head_values=values)).spec.head
    second = imported(write_hub(tmp_path / "b", head=many, head_values=values)).spec.head

    assert (first.kind, first.labels) == ("regression", ())
    assert (second.kind, second.labels) == ("multilabel", ("LABEL_0",))


def test_a_head_over_the_pooler_has_it_in_its_own_layers(
    tmp_path: Path, imported: Imported, target: Target, hidden_TH: Tensor
) -> None:
    values = random_tensors(linear("heads.task.1", HIDDEN, 2))
    config = {**HEAD, "use_pooler": True, "layers": 1}
    weight, bias = target.read_pooler()

    found = outputs(imported(write_hub(tmp_path / "a", head=config, head_values=values)), hidden_TH)

    pooled = (hidden_TH @ weight.T + bias).tanh()
    assert_close(found, layer(values, "heads.task.1")(pooled))


def test_a_last_layer_without_bias_has_none(tmp_path: Path, imported: Imported) -> None:
    values = head_tensors()
    del values["heads.task.4.bias"]

    made = imported(write_hub(tmp_path / "a", head={**HEAD, "bias": False}, head_values=values))

    assert [each.bias for each in made.spec.head.layers] == [True, False]


def test_a_head_is_picked_by_its_whole_name_where_the_file_holds_longer_ones(
    tmp_path: Path, imported: Imported
) -> None:
    own = head_tensors()
    others = head_tensors("tasks") | head_tensors("task-2")

    both = imported(write_hub(tmp_path / "a", head=HEAD, head_values=others | own))
    alone = imported(write_hub(tmp_path / "b", head=HEAD, head_values=own))

    assert both.data == alone.data


def test_a_head_of_another_name_in_the_file_is_refused(tmp_path: Path, refused: Refuse) -> None:
    own = write_hub(tmp_path / "a", head=HEAD, head_values=head_tensors() | head_tensors("b"))
    missing = write_hub(tmp_path / "b", head=HEAD, head_values=head_tensors("other"))

    assert "holds 'heads.b.1.bias' and 3 more, which nothing asks for" in refused(own)
    assert "has no head 'task'; it has 'other'" in refused(missing)


def test_a_head_of_a_name_is_found_in_a_sub_folder(tmp_path: Path, imported: Imported) -> None:
    folder = write_hub(tmp_path / "a", head=HEAD)
    inner = folder / "second"
    inner.mkdir()
    write_json(inner / "head_config.json", {"name": "second", "config": {**HEAD, "label2id": None}})
    save_tensors(inner / "model_head.safetensors", head_tensors("second"))

    choice = HeadChoice(name="second", labels=("a", "b"))

    assert imported(folder, choice=choice).spec.head.labels == ("a", "b")


def test_a_head_of_a_name_that_is_not_there_is_refused_with_those_that_are(
    tmp_path: Path, refused: Refuse
) -> None:
    folder = write_hub(tmp_path / "a", head=HEAD)

    message = refused(folder, choice=HeadChoice(name="other"))

    assert message == f"{folder} has no head 'other'; it has: 'task'"


def test_labels_that_are_given_replace_those_of_the_folder(
    tmp_path: Path, imported: Imported
) -> None:
    made = imported(write_hub(tmp_path / "a", head=HEAD), choice=HeadChoice(labels=("a", "b")))

    assert made.spec.head.labels == ("a", "b")


def test_a_head_can_be_left_out(tmp_path: Path, imported: Imported) -> None:
    folder = write_hub(tmp_path / "a", head={**HEAD, "head_type": "masked_lm"})

    made = imported(folder, choice=HeadChoice(wanted=False))

    assert made.spec.head.kind == "embedding"


def test_a_head_in_an_old_file_is_read(tmp_path: Path, imported: Imported) -> None:
    made = imported(to_bin(write_hub(tmp_path / "a", head=HEAD)))

    assert made.spec.head.kind == "classification"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        *(
            ({"head_type": name}, f"head type '{name}' is not supported")
            for name in (
                "multiple_choice",
                "dependency_parsing",
                "masked_lm",
                "causal_lm",
                "seq2seq_lm",
                "image_classification",
            )
        ),
        ({"head_type": None}, "head type None is not supported"),
        ({"layers": 10**9}, "is 1000000000, expected 1 to 7"),
        ({"layers": 0}, "is 0, expected 1 to 7"),
        ({"layers": 3}, "lacks 'heads.task.7.weight'"),
        ({"layers": 1}, "has shape [32, 32], but num_labels is 2"),
        ({"num_labels": 3}, "'heads.task.4.weight' has shape [2, 32], but num_labels is 3"),
        ({"label2id": {"a": 0}}, "the folder names 1 labels, but the head has 2 outputs"),
        ({"label2id": None}, "does not name its 2 labels"),
        ({"label2id": {"a": 0, "b": 2}}, "does not number its 2 labels from 0"),
        ({"activation_function": "prelu"}, "non-linearity 'prelu' is not supported"),
        ({"activation_function": None}, "lacks 'heads.task.3.weight'"),
        ({"bias": False}, "holds 'heads.task.4.bias', which nothing asks for"),
    ],
)
def test_a_head_that_cannot_be_imported_is_refused_with_its_reason(
    tmp_path: Path, refused: Refuse, changes: dict[str, object], message: str
) -> None:
    assert message in refused(write_hub(tmp_path / "a", head={**HEAD, **changes}))


def test_a_head_without_weights_is_refused(tmp_path: Path, refused: Refuse) -> None:
    folder = write_hub(tmp_path / "a", head=HEAD)
    (folder / "model_head.safetensors").unlink()

    assert "neither model_head.safetensors nor pytorch_model_head.bin" in refused(folder)


_TWO = {"classifier.dense": HIDDEN, "classifier.out_proj": 3}
_STATIC = [
    ("bert", "Bert", {"classifier": 3}, ""),
    ("roberta", "Roberta", _TWO, "tanh"),
    ("xlm-roberta", "XLMRoberta", _TWO, "tanh"),
    ("camembert", "Camembert", _TWO, "tanh"),
    ("electra", "Electra", _TWO, "gelu"),
    ("distilbert", "DistilBert", {"pre_classifier": HIDDEN, "classifier": 3}, "relu"),
]


def static_folder(
    path: Path, model_type: str, model_class: str, values: Tensors, count: int
) -> Path:
    """Write a folder as a model of `transformers` with a head of its own saves it."""
    sites = {
        "distilbert": ("distilbert.transformer.layer.{}.output_adapters.adapters.task"),
    }
    prefix = {"xlm-roberta": "roberta", "camembert": "roberta"}.get(model_type, model_type)
    site = sites.get(model_type, f"{prefix}.encoder.layer.{{}}.output.adapters.task")
    shapes: dict[str, Shape] = {}
    for index in range(2):
        base = site.format(index)
        shapes |= linear(f"{base}.adapter_down.0", HIDDEN, 4)
        shapes |= linear(f"{base}.adapter_up", 4, HIDDEN)
    folder = write_hub(path, tensors=random_tensors(shapes), model_type=model_type)
    document = {
        "config": None,
        "label2id": {f"LABEL_{i}": i for i in range(count)},
        "model_class": model_class,
        "model_type": model_type,
        "name": None,
        "num_labels": count,
    }
    write_json(folder / "head_config.json", document)
    save_tensors(folder / "model_head.safetensors", values)
    return folder


@pytest.mark.parametrize(("model_type", "name", "layers", "between"), _STATIC)
def test_a_head_of_transformers_computes_what_its_class_computes(
    tmp_path: Path,
    hidden_TH: Tensor,
    model_type: str,
    name: str,
    layers: dict[str, int],
    between: str,
) -> None:
    backbone = tiny_backbone_folder(tmp_path / "backbone", config=FAMILY_CONFIGS[model_type])
    target = read_target(backbone)
    shapes: dict[str, Shape] = {}
    for key, count in layers.items():
        shapes |= linear(key, HIDDEN, count)
    values = random_tensors(shapes)
    folder = static_folder(
        tmp_path / "a", model_type, f"{name}ForSequenceClassification", values, 3
    )

    found = outputs(import_folder(folder, target), hidden_TH)

    seen_TH = hidden_TH
    if model_type == "bert":
        weight, bias = target.read_pooler()
        seen_TH = layer({"p.weight": weight, "p.bias": bias}, "p")(hidden_TH).tanh()
    assert_close(found, plain_stack(values, list(layers), between, seen_TH))


@pytest.mark.parametrize(
    ("name", "key", "kind"),
    [
        ("BertForTokenClassification", "classifier", "tagging"),
        ("BertForQuestionAnswering", "qa_outputs", "question_answering"),
    ],
)
def test_heads_over_tokens_of_transformers_are_one_layer(
    tmp_path: Path, imported: Imported, name: str, key: str, kind: str
) -> None:
    values = random_tensors(linear(key, HIDDEN, 2))

    head = imported(static_folder(tmp_path / "a", "bert", name, values, 2)).spec.head

    assert (head.kind, head.input, len(head.layers)) == (kind, "tokens", 1)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("BertForMultipleChoice", "the head of model class 'BertForMultipleChoice' is not supp"),
        ("BertForMaskedLM", "the head of model class 'BertForMaskedLM' is not supported"),
        ("RobertaForSequenceClassification", "is one of a RobertaForSequenceClassification, the"),
        ("", "the head of model class '' is not supported"),
    ],
)
def test_another_class_of_transformers_is_refused_by_name(
    tmp_path: Path, refused: Refuse, name: str, message: str
) -> None:
    folder = static_folder(
        tmp_path / "a", "bert", name, random_tensors(linear("classifier", HIDDEN, 2)), 2
    )

    assert message in refused(folder)


@pytest.mark.parametrize("model_type", ["electra", "distilbert"])
def test_a_pooler_of_a_family_without_one_is_refused(tmp_path: Path, model_type: str) -> None:
    backbone = tiny_backbone_folder(tmp_path / "backbone", config=FAMILY_CONFIGS[model_type])
    folder = static_folder(tmp_path / "a", model_type, "", {}, 2)
    write_json(
        folder / "head_config.json", {"name": "task", "config": {**HEAD, "use_pooler": True}}
    )

    with pytest.raises(FolderRefused, match=f"use_pooler: {model_type} models have no pooler"):
        import_folder(folder, read_target(backbone))
