"""One label of several: its rows, its targets and its scores."""

from pathlib import Path

import pytest
import torch

from labelled_files import write_jsonl
from labelled_rows_of import rows_of
from multitap_training import DataError, SettingsError
from multitap_training.objectives.classification import Classification, ClassificationObjective
from multitap_training.objectives.text_example import TextExample
from multitap_training.source import read_examples


def examples(*labels: str) -> list[TextExample[str]]:
    return [TextExample("a", None, label, line) for line, label in enumerate(labels, 1)]


def objective(*labels: str, positive: str | None = None) -> ClassificationObjective:
    return Classification(positive).objective(Path("rows.csv"), examples(*labels))


def test_labels_come_in_alphabetical_order() -> None:
    made = objective("good", "bad", "good")

    assert made.labels == ("bad", "good")
    assert (made.head("cls").kind, made.head("cls").labels) == ("classification", made.labels)


def test_one_class_is_not_enough(tmp_path: Path) -> None:
    kind = Classification()
    path = write_jsonl(tmp_path / "rows.jsonl", [{"text": "a", "label": "good"}] * 3)

    with pytest.raises(DataError, match="every row has the label 'good'; two are needed"):
        kind.objective(path, read_examples(path, kind.fields, kind.parse))


def test_too_many_classes_are_refused() -> None:
    with pytest.raises(DataError, match="has 10001 labels, expected at most 10000"):
        objective(*(str(index) for index in range(10_001)))


def test_a_positive_label_must_be_one_of_the_labels() -> None:
    with pytest.raises(SettingsError, match="positive_label 'spam' is none of bad, good"):
        objective("good", "bad", positive="spam")


def test_the_loss_is_the_mean_negative_log_probability_of_the_labels() -> None:
    logits_RL = torch.tensor([[1.0, 2.0], [0.0, -1.0]])

    loss = objective("a", "b").loss(logits_RL, [torch.tensor(1), torch.tensor(0)])

    probabilities = logits_RL.softmax(1)
    expected = -(probabilities[0, 1].log() + probabilities[1, 0].log()) / 2
    torch.testing.assert_close(loss, expected)


def test_scores_are_those_of_the_largest_logits() -> None:
    outputs = [torch.tensor(row) for row in ([1.0, 2.0], [3.0, 0.0], [0.0, 0.1])]
    targets = [torch.tensor(label) for label in (1, 1, 1)]

    accuracy, macro = objective("a", "b").scores(outputs, rows_of(targets))

    assert accuracy.name == "accuracy"
    assert accuracy.value == pytest.approx(2 / 3)
    assert macro.name == "macro_f1"
    assert macro.value == pytest.approx((0 + 4 / 5) / 2)
