"""Numbers: their rows, their scale and their scores."""

from pathlib import Path

import pytest
import torch

from labelled_files import write_jsonl
from labelled_rows_of import rows_of
from multitap_adapters.backbone import Backbone
from multitap_training import DataError
from multitap_training.objectives.regression import Regression, RegressionObjective
from multitap_training.objectives.text_example import TextExample
from multitap_training.source import read_examples


def read(path: Path) -> list[TextExample[float]]:
    kind = Regression()
    return read_examples(path, kind.fields, kind.parse)


def examples(*values: float) -> list[TextExample[float]]:
    return [TextExample("a", None, value, line) for line, value in enumerate(values, 1)]


def test_numbers_are_read_from_json_and_csv(tmp_path: Path) -> None:
    rows = write_jsonl(tmp_path / "rows.jsonl", [{"text": "a", "label": n} for n in (0, 2.5, -1)])
    table = tmp_path / "rows.csv"
    table.write_text("text,label\na,0\na,2.5\na,-1\n")

    assert [e.label for e in read(rows)] == [e.label for e in read(table)] == [0.0, 2.5, -1.0]


@pytest.mark.parametrize(
    ("label", "shown"),
    [
        ("many", "'many'"),
        (True, "True"),
        ([1], "[1]"),
        ("nan", "'nan'"),
        ("inf", "'inf'"),
        (2e9, "2000000000.0"),
        (10**400, "1000"),
    ],
)
def test_what_is_no_number_names_its_line(tmp_path: Path, label: object, shown: str) -> None:
    path = write_jsonl(tmp_path / "rows.jsonl", [{"text": "a", "label": label}])

    with pytest.raises(DataError) as refused:
        read(path)

    expected = f"{path}, line 1: label must be a number of at most 1e9, got {shown}"
    assert str(refused.value).startswith(expected)


def test_one_value_only_is_nothing_to_learn() -> None:
    with pytest.raises(DataError, match=r"every row has the label 3\.5; two are needed"):
        Regression().objective(Path("rows.csv"), examples(3.5, 3.5))


def test_the_loss_is_in_squared_deviations() -> None:
    objective = Regression().objective(Path("rows.csv"), examples(100.0, 300.0))
    targets = [torch.tensor(100.0, dtype=torch.float64), torch.tensor(300.0, dtype=torch.float64)]

    assert (objective.mean, objective.deviation) == (200.0, 100.0)
    assert objective.loss(torch.tensor([[-1.0], [1.0]]), targets) == 0.0
    assert objective.loss(torch.tensor([[0.0], [3.0]]), targets) == pytest.approx((1 + 4) / 2)


def test_finishing_puts_the_unit_into_the_head() -> None:
    objective = RegressionObjective(mean=200.0, deviation=100.0)
    tensors = {"head.0.weight": torch.tensor([[0.5, -1.0]]), "head.0.bias": torch.tensor([0.25])}
    pooled_RH = torch.tensor([[1.0, 2.0], [3.0, -4.0]])
    before = pooled_RH @ tensors["head.0.weight"].t() + tensors["head.0.bias"]
    targets = [torch.tensor(v, dtype=torch.float64) for v in (50.0, 700.0)]

    finished = objective.finish(tensors)
    after = pooled_RH @ tensors["head.0.weight"].t() + tensors["head.0.bias"]

    torch.testing.assert_close(after, before * 100 + 200)
    assert finished.scores(list(after), rows_of(targets)) == objective.scores(
        list(before), rows_of(targets)
    )


def test_the_scores_are_correlations_and_the_variance_explained() -> None:
    outputs = [torch.tensor([value]) for value in (1.0, 2.0, 3.0, 5.0)]
    targets = [torch.tensor(v, dtype=torch.float64) for v in (1.0, 3.0, 2.0, 5.0)]

    pearson, spearman, explained = RegressionObjective(0.0, 1.0).scores(outputs, rows_of(targets))

    both = torch.tensor([[1.0, 2.0, 3.0, 5.0], [1.0, 3.0, 2.0, 5.0]], dtype=torch.float64)
    assert (pearson.name, spearman.name, explained.name) == ("pearson", "spearman", "r_squared")
    assert pearson.value == pytest.approx(float(torch.corrcoef(both)[0, 1]))
    assert spearman.value == pytest.approx(1 - 6 * 2 / (4 * 15))
    assert explained.value == pytest.approx(1 - 2 / 8.75)


def test_encoding_keeps_the_files_values(training_backbone: Backbone) -> None:
    rows = RegressionObjective(1.0, 2.0).encode(
        Path("rows.csv"), examples(0.1, 123456.789), training_backbone.tokenizer, 8
    )

    assert [float(target) for target in rows.targets] == [0.1, 123456.789]
