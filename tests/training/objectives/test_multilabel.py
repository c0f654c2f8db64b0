"""Any number of labels: their rows, their targets and their scores."""

from pathlib import Path

import pytest
import torch

from labelled_files import Row, write_jsonl
from labelled_rows_of import rows_of
from multitap_adapters.backbone import Backbone
from multitap_training import DataError
from multitap_training.objectives.multilabel import Multilabel, MultilabelObjective
from multitap_training.objectives.text_example import TextExample
from multitap_training.source import read_examples


def read(path: Path) -> list[TextExample[tuple[str, ...]]]:
    kind = Multilabel()
    return read_examples(path, kind.fields, kind.parse)


def example(*labels: str) -> TextExample[tuple[str, ...]]:
    return TextExample("a", None, labels, 1)


def test_a_row_has_any_number_of_labels_each_counted_once(tmp_path: Path) -> None:
    rows: list[Row] = [
        {"text": "a", "labels": ["x", "y", "x"]},
        {"text": "b", "text_pair": "c", "labels": [7]},
        {"text": "d", "labels": []},
    ]

    found = read(write_jsonl(tmp_path / "rows.jsonl", rows))

    assert [(e.text, e.text_pair, e.label) for e in found] == [
        ("a", None, ("x", "y")),
        ("b", "c", ("7",)),
        ("d", None, ()),
    ]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ("x", "labels must be a list of texts, got str"),
        (None, "has no labels"),
        ([["x"]], "labels must be a text, got list"),
        ([True], "labels must be a text, got bool"),
        ([""], "labels holds an empty text"),
        (["x" * 201], "labels has 201 characters, expected at most 200"),
    ],
)
def test_a_bad_list_of_labels_names_its_line(tmp_path: Path, labels: object, message: str) -> None:
    path = write_jsonl(tmp_path / "rows.jsonl", [{"text": "a", "labels": labels}])

    with pytest.raises(DataError) as refused:
        read(path)

    assert str(refused.value) == f"{path}, line 1: {message}"


def test_a_csv_file_has_no_lists(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("text,labels\na,x\n")

    with pytest.raises(DataError, match="line 2: labels must be a list of texts, got str"):
        read(path)


def test_rows_without_any_label_are_nothing_to_learn() -> None:
    with pytest.raises(DataError, match="no row has a label; one is needed"):
        Multilabel().objective(Path("rows.jsonl"), [TextExample("a", None, (), 1)])


def test_a_target_has_a_one_for_each_of_its_labels(training_backbone: Backbone) -> None:
    objective = MultilabelObjective(("x", "y", "z"))
    found = [example("z", "x"), example()]

    rows = objective.encode(Path("rows.jsonl"), found, training_backbone.tokenizer, 8)

    expected = torch.tensor([[1.0, 0.0, 1.0], [0.0, 0.0, 0.0]])
    assert torch.equal(torch.stack(list(rows.targets)), expected)


def test_a_label_that_training_lacks_names_its_line(training_backbone: Backbone) -> None:
    found = [example("x", "odd")]

    with pytest.raises(DataError, match=r"rows\.jsonl, line 1: label 'odd' is in no training row"):
        MultilabelObjective(("x",)).encode(
            Path("rows.jsonl"), found, training_backbone.tokenizer, 8
        )


def test_the_loss_is_the_mean_over_rows_and_labels() -> None:
    logits_RL = torch.tensor([[1.0, -2.0], [0.5, 0.0]])
    targets = [torch.tensor([1.0, 0.0]), torch.tensor([0.0, 0.0])]

    loss = MultilabelObjective(("x", "y")).loss(logits_RL, targets)

    right_RL = torch.tensor([[1.0, -1.0], [-1.0, -1.0]]) * logits_RL
    torch.testing.assert_close(loss, -right_RL.sigmoid().log().mean())


def test_scores_count_labels_above_one_half() -> None:
    outputs = [torch.tensor(row) for row in ([2.0, -1.0, -1.0], [1.0, 1.0, -3.0])]
    targets = [torch.tensor([1.0, 0.0, 0.0]), torch.tensor([0.0, 1.0, 0.0])]

    micro, macro, exact = MultilabelObjective(("x", "y", "z")).scores(outputs, rows_of(targets))

    assert micro.name == "micro_f1"
    assert micro.value == pytest.approx(2 * 2 / (3 + 2))
    assert macro.name == "macro_f1"
    assert macro.value == pytest.approx((2 / 3 + 1) / 2)
    assert exact.name == "exact_match"
    assert exact.value == 0.5
