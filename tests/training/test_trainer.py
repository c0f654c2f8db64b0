"""From labelled files to an adapter file that serves."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from file_outputs import file_outputs
from labelled_files import toy_rows, write_jsonl
from multitap_adapters.backbone import Backbone
from multitap_adapters.digest import digest_file
from multitap_adapters.file import parse_adapter
from multitap_adapters.loading import float_tensors, load_adapter
from multitap_adapters.spec import AdapterSpec, Bottleneck, LayerNorms, Metric
from multitap_training import (
    CardFacts,
    DataError,
    Files,
    Progress,
    SettingsError,
    TrainingError,
    TrainingResult,
    TrainingSettings,
    train_adapter,
    write_file,
)
from multitap_training.initialisation import initial_tensors
from multitap_training.objectives.classification import Classification
from multitap_training.settings import DType, Kind
from multitap_training.source import read_examples

FACTS = CardFacts("toy")
FAST = TrainingSettings(size=8, epochs=2, learning_rate=1e-2, batch_size=16, max_tokens=16)


def trained(
    backbone: Backbone, files: Files, settings: TrainingSettings = FAST, facts: CardFacts = FACTS
) -> TrainingResult:
    return train_adapter(backbone, settings, files, facts)


def metric(result: TrainingResult, split: str, name: str = "accuracy") -> Metric:
    (found,) = [m for m in result.metrics if (m.split, m.name) == (split, name)]
    return found


def served_accuracy(data: bytes, backbone: Backbone, path: Path) -> float:
    """Measure a file as a server would run it."""
    kind = Classification()
    examples = read_examples(path, kind.fields, kind.parse)
    outputs = file_outputs(data, backbone, [e.text for e in examples], max_tokens=16)
    labels = parse_adapter(data).spec.head.labels
    predicted = [labels[int(output.argmax())] for output in outputs]
    return float(np.mean([p == e.label for p, e in zip(predicted, examples, strict=True)]))


@pytest.mark.parametrize("dtype", ["fp16", "fp32"])
def test_a_toy_task_is_learned_and_served_with_the_accuracy_on_its_card(
    training_backbone: Backbone, tiny_backbone: Backbone, files: Files, dtype: DType
) -> None:
    settings = replace(FAST, epochs=6, dtype=dtype)

    result = trained(training_backbone, files, settings)

    file = parse_adapter(result.data)
    assert file.spec == result.spec
    assert {tensor.dtype for tensor in file.tensors.values()} == {f"F{dtype[2:]}"}
    assert metric(result, "test").value >= 0.95
    assert files.test is not None
    served = served_accuracy(result.data, tiny_backbone, files.test)
    assert metric(result, "test").value == pytest.approx(served, abs=1e-6)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(
    training_backbone: Backbone, files: Files
) -> None:
    first, same, other = (
        trained(training_backbone, files, replace(FAST, seed=seed)).data for seed in (1, 1, 2)
    )

    assert first == same
    assert first != other


def test_the_random_state_of_the_process_changes_nothing(
    training_backbone: Backbone, files: Files
) -> None:
    first = trained(training_backbone, files).data
    torch.rand(5)

    assert trained(training_backbone, files).data == first


@pytest.mark.parametrize(
    ("changes", "modules"),
    [
        ({}, (Bottleneck(size=8), LayerNorms())),
        ({"layer_norms": False}, (Bottleneck(size=8),)),
        ({"method": "none"}, (LayerNorms(),)),
        ({"method": "none", "layer_norms": False}, ()),
    ],
)
def test_the_method_is_what_was_chosen(
    training_backbone: Backbone,
    files: Files,
    changes: dict[str, str | bool],
    modules: tuple[Bottleneck | LayerNorms, ...],
) -> None:
    settings = replace(FAST, epochs=1, pooling="cls", **changes)  # type: ignore[arg-type]  # parametrized

    spec = trained(training_backbone, files, settings).spec

    assert spec.modules == modules
    assert spec.head.input == "cls"
    assert spec.head.labels == ("negative", "positive")
    assert spec.max_tokens == 16
    assert spec.backbone == training_backbone.identity


def test_no_more_tokens_are_asked_for_than_the_backbone_has_positions(
    training_backbone: Backbone, files: Files
) -> None:
    settings = replace(FAST, epochs=1, max_tokens=500)

    assert trained(training_backbone, files, settings).spec.max_tokens == 64


def test_the_card_says_where_the_adapter_comes_from(
    training_backbone: Backbone, files: Files
) -> None:
    facts = CardFacts("toy", "a toy", ("en",), "CC0-1.0", "toys", "the toy box")
    settings = replace(FAST, seed=7, positive_label="positive")

    result = trained(training_backbone, files, settings, facts)
    card = result.spec.card

    assert (card.task, card.description, card.languages) == ("toy", "a toy", ("en",))
    assert (card.licence, card.seed, card.extra) == ("CC0-1.0", 7, {})
    assert card.settings == settings.described() | {"best_epoch": result.epoch}
    (data,) = card.data
    assert (data.name, data.source, data.rows) == ("toys", "the toy box", 160)
    assert data.sha256 == digest_file(files.train)
    assert card.metrics == result.metrics
    assert [(m.split, m.name, m.rows) for m in card.metrics] == [
        (split, name, rows)
        for split, rows in (("validation", 40), ("test", 50))
        for name in ("f1 of positive", "accuracy", "macro_f1")
    ]


def test_without_a_test_file_only_validation_is_measured(
    training_backbone: Backbone, files: Files
) -> None:
    result = trained(training_backbone, replace(files, test=None))

    assert {m.split for m in result.metrics} == {"validation"}


def test_the_test_split_chooses_nothing(
    training_backbone: Backbone, files: Files, tmp_path: Path
) -> None:
    other = write_jsonl(tmp_path / "other.jsonl", toy_rows(30, 9))

    first = parse_adapter(trained(training_backbone, files).data)
    second = parse_adapter(trained(training_backbone, replace(files, test=other)).data)

    assert {n: t.data for n, t in first.tensors.items()} == {
        n: t.data for n, t in second.tensors.items()
    }


def test_without_a_validation_file_the_card_says_what_was_held_out(
    training_backbone: Backbone, files: Files
) -> None:
    result = trained(training_backbone, Files(files.train))

    assert result.spec.card.extra == {"validation": "a seeded tenth of the training rows"}
    assert result.spec.card.data[0].rows == 144
    assert metric(result, "validation").rows == 16


@pytest.mark.parametrize("last_step", [3, 15])
def test_an_interruption_keeps_a_file_that_serves(
    training_backbone: Backbone, tiny_backbone: Backbone, files: Files, last_step: int
) -> None:
    def interrupt(progress: Progress) -> None:
        if progress.step == last_step:
            raise KeyboardInterrupt

    result = train_adapter(training_backbone, FAST, files, FACTS, on_progress=interrupt)

    assert result.interrupted
    assert result.epoch == result.spec.card.settings["best_epoch"] == (0 if last_step == 3 else 1)
    load_adapter(parse_adapter(result.data), tiny_backbone)


def test_a_label_that_does_not_exist_cannot_be_the_positive_one(
    training_backbone: Backbone, files: Files
) -> None:
    settings = replace(FAST, positive_label="spam")

    with pytest.raises(SettingsError, match="'spam' is none of negative, positive"):
        trained(training_backbone, files, settings)


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        (CardFacts("Not A Name"), "the card's task cannot be used: string should match"),
        (CardFacts("toy", "x" * 4_001), "the card's description cannot be used: string should"),
        (CardFacts("toy", languages=("x" * 201,)), "the card's languages.0 cannot be used"),
        (CardFacts("toy", data_name="x" * 201), "the card's name cannot be used: string should"),
    ],
)
def test_a_card_that_cannot_be_written_is_refused_before_training(
    training_backbone: Backbone, files: Files, facts: CardFacts, message: str
) -> None:
    steps: list[Progress] = []

    with pytest.raises(SettingsError) as refused:
        train_adapter(training_backbone, FAST, files, facts, on_progress=steps.append)

    assert str(refused.value).startswith(message)
    assert "\n" not in str(refused.value)
    assert steps == []


def test_a_faulty_test_file_is_refused_before_training(
    training_backbone: Backbone, files: Files, tmp_path: Path
) -> None:
    steps: list[Progress] = []
    odd = write_jsonl(tmp_path / "odd.jsonl", [{"text": "x", "label": "odd"}])

    with pytest.raises(DataError, match="label 'odd' is in no training row"):
        train_adapter(
            training_backbone, FAST, replace(files, test=odd), FACTS, on_progress=steps.append
        )

    assert steps == []


def test_training_that_diverges_says_so_in_one_line(
    training_backbone: Backbone, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = replace(FAST, learning_rate=1.0, epochs=1)
    monkeypatch.setattr("multitap_training.initialisation._HEAD_DEVIATION", 1e30)

    with pytest.raises(
        TrainingError, match="training diverged, try a smaller learning rate: "
    ) as e:
        trained(training_backbone, files, settings)

    assert "\n" not in str(e.value)


def test_the_weights_that_are_measured_are_those_of_the_file(
    training_backbone: Backbone, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    leaves: dict[str, Tensor] = {}

    def watched(spec: AdapterSpec, backbone: Backbone, generator: torch.Generator) -> object:
        leaves.update(initial_tensors(spec, backbone, generator))
        return leaves

    monkeypatch.setattr("multitap_training.trainer.initial_tensors", watched)
    file = parse_adapter(trained(training_backbone, files, replace(FAST, epochs=1)).data)

    for name, saved in float_tensors(file).items():
        assert torch.equal(leaves[name].detach(), saved), name


def test_a_file_is_written_whole_in_place_of_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "toy.safetensors"
    write_file(path, b"first")

    write_file(path, b"second")

    assert path.read_bytes() == b"second"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("place", ["missing/toy", "file/toy", "folder"])
def test_a_file_that_cannot_be_written_is_one_line_and_leaves_nothing(
    tmp_path: Path, place: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(b"kept")

    with pytest.raises(TrainingError) as refused:
        write_file(tmp_path / place, b"data")

    assert str(refused.value).startswith(f"{tmp_path / place} cannot be written: ")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]
    assert (tmp_path / "file").read_bytes() == b"kept"


def test_a_regression_answers_in_the_unit_of_its_file(
    training_backbone: Backbone, tiny_backbone: Backbone, tmp_path: Path
) -> None:
    prices = {"negative": 100_000.0, "positive": 300_000.0}
    rows = [{**row, "label": prices[str(row["label"])]} for row in toy_rows(160, 1)]
    files = Files(write_jsonl(tmp_path / "train.jsonl", rows))
    settings = replace(FAST, kind="regression", epochs=12)

    result = trained(training_backbone, files, settings)

    assert (result.spec.head.kind, result.spec.head.labels) == ("regression", ())
    assert metric(result, "validation", "pearson").value > 0.9
    assert metric(result, "validation", "r_squared").value > 0.8
    low, high = file_outputs(result.data, tiny_backbone, ["bad film", "good film"], max_tokens=16)
    assert float(low[0]) == pytest.approx(100_000, abs=40_000)
    assert float(high[0]) == pytest.approx(300_000, abs=40_000)


def test_any_number_of_labels_is_learned_and_served(
    training_backbone: Backbone, tiny_backbone: Backbone, tmp_path: Path
) -> None:
    texts = [str(row["text"]) for row in toy_rows(240, 1)]
    texts = [f"{a} {b}" for a, b in zip(texts[::2], texts[1::2], strict=True)] + texts
    texts += [text.replace("bad", "film").replace("good", "film") for text in texts[:120]]
    rows = [
        {"text": text, "labels": [word for word in ("bad", "good") if word in text.split()]}
        for text in texts
    ]
    files = Files(write_jsonl(tmp_path / "train.jsonl", rows))
    settings = replace(FAST, kind="multilabel", epochs=8)

    result = trained(training_backbone, files, settings)

    assert (result.spec.head.kind, result.spec.head.labels) == ("multilabel", ("bad", "good"))
    assert metric(result, "validation", "micro_f1").value > 0.95
    sent = ["a bad film", "the good book", "good and bad people", "the time of people"]
    outputs = file_outputs(result.data, tiny_backbone, sent, max_tokens=16)
    assert [(output > 0).tolist() for output in outputs] == [
        [True, False],
        [False, True],
        [True, True],
        [False, False],
    ]


def test_a_positive_label_belongs_to_classification() -> None:
    with pytest.raises(SettingsError, match="positive_label belongs to classification"):
        replace(FAST, kind="regression", positive_label="x")


def test_tags_of_words_are_learned_and_served(
    training_backbone: Backbone, tiny_backbone: Backbone, tmp_path: Path
) -> None:
    marks = {"bad": "B-view", "good": "B-view"}
    texts = [str(row["text"]).split() for row in toy_rows(200, 1)]
    rows = [{"tokens": t, "labels": [marks.get(word, "O") for word in t]} for t in texts]
    files = Files(write_jsonl(tmp_path / "train.jsonl", rows))
    settings = replace(FAST, kind="tagging", epochs=6)

    result = trained(training_backbone, files, settings)

    assert (result.spec.head.kind, result.spec.head.labels) == ("tagging", ("B-view", "O"))
    assert metric(result, "validation", "f1").value > 0.9
    (output_TL,) = file_outputs(result.data, tiny_backbone, ["the good film"], max_tokens=16)
    assert output_TL[1:-1].argmax(1).tolist() == [1, 0, 1]


def test_answers_are_learned_and_served(
    training_backbone: Backbone, tiny_backbone: Backbone, tmp_path: Path
) -> None:
    def question(text: str) -> dict[str, object]:
        answer = "good" if "good" in text.split() else "bad"
        start = f" {text} ".index(f" {answer} ")
        answers = {"text": [answer], "answer_start": [start]}
        return {"question": "the film", "context": text, "answers": answers}

    rows = [question(str(row["text"])) for row in toy_rows(200, 1)]
    files = Files(write_jsonl(tmp_path / "train.jsonl", rows))
    settings = replace(FAST, kind="question_answering", epochs=8, max_tokens=32)

    result = trained(training_backbone, files, settings)

    assert (result.spec.head.kind, result.spec.head.layers[0].out) == ("question_answering", 2)
    assert metric(result, "validation", "exact_match").value > 0.9
    assert metric(result, "validation", "f1").rows == 20
    adapter = load_adapter(parse_adapter(result.data), tiny_backbone)
    assert adapter.head.head.input == "tokens"


@pytest.mark.parametrize("kind", ["tagging", "question_answering"])
def test_a_head_over_tokens_does_not_pool(kind: Kind) -> None:
    with pytest.raises(SettingsError, match=f"a head of kind {kind} sees every token"):
        replace(FAST, kind=kind, pooling="cls")
