"""Splits, label indices, and the held-out tenth."""

from pathlib import Path

import pytest

from labelled_files import Row, toy_rows, write_jsonl
from multitap_adapters.backbone import Backbone
from multitap_training import DataError
from multitap_training.dataset import Dataset, described, read_dataset
from multitap_training.labelled_rows import LabelledRows
from multitap_training.objectives.classification import Classification
from multitap_training.objectives.text_example import TextExample


def read(
    backbone: Backbone, train: Path, validation: Path | None = None, *, seed: int = 0
) -> Dataset[TextExample[str]]:
    tokenizer = backbone.tokenizer
    return read_dataset(Classification(), train, validation, tokenizer, max_tokens=8, seed=seed)


def labels(rows: LabelledRows) -> list[int]:
    return [int(target) for target in rows.targets]


def tokens(
    dataset: Dataset[TextExample[str]],
) -> tuple[list[tuple[int, ...]], list[tuple[int, ...]]]:
    train, held = dataset.train, dataset.validation
    return [tuple(r) for r in train.token_ids], [tuple(r) for r in held.token_ids]


def distinct_rows(count: int) -> list[Row]:
    return [{"text": str(index), "label": "odd" if index % 2 else "even"} for index in range(count)]


def test_labels_are_indices_into_the_sorted_names(
    training_backbone: Backbone, tmp_path: Path
) -> None:
    rows = [{"text": "x", "label": label} for label in ("c", "a", "b")]
    path = write_jsonl(tmp_path / "train.jsonl", rows)

    dataset = read(training_backbone, path, path)

    assert dataset.objective.labels == ("a", "b", "c")
    assert labels(dataset.train) == [2, 0, 1]
    assert not dataset.held_out


def test_long_rows_are_cut_and_counted(training_backbone: Backbone, tmp_path: Path) -> None:
    rows = [{"text": "good " * n, "label": "ab"[n % 2]} for n in (1, 6, 7, 30)]
    path = write_jsonl(tmp_path / "train.jsonl", rows)

    dataset = read(training_backbone, path, path)

    assert dataset.train.lengths == [3, 8, 8, 8]
    assert dataset.train.truncated == 2


def test_pairs_have_two_types(training_backbone: Backbone, tmp_path: Path) -> None:
    rows = [{"text": "good", "text_pair": "bad", "label": label} for label in "ab"]
    path = write_jsonl(tmp_path / "train.jsonl", rows)

    assert list(read(training_backbone, path, path).train.type_ids[0]) == [0, 0, 0, 1, 1]


def test_without_a_validation_file_a_tenth_is_held_out(
    training_backbone: Backbone, tmp_path: Path
) -> None:
    path = write_jsonl(tmp_path / "train.jsonl", distinct_rows(57))

    dataset = read(training_backbone, path)
    train, held = tokens(dataset)

    assert dataset.held_out
    assert (len(train), len(held)) == (52, 5)
    assert not set(train) & set(held)


def test_the_seed_decides_what_is_held_out(training_backbone: Backbone, tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "train.jsonl", distinct_rows(60))

    first, same, other = (tokens(read(training_backbone, path, seed=seed)) for seed in (1, 1, 2))

    assert first == same
    assert first != other


@pytest.mark.parametrize("seed", [1, 3, 5, 8])  # each draws one common row and one rare one
def test_a_label_whose_only_row_was_drawn_stays_in_training(
    training_backbone: Backbone, tmp_path: Path, seed: int
) -> None:
    rows: list[Row] = [{"text": "good", "label": "common"}] * 10
    rows += [{"text": "bad", "label": f"rare-{index}"} for index in range(10)]
    path = write_jsonl(tmp_path / "train.jsonl", rows)

    dataset = read(training_backbone, path, seed=seed)

    assert set(labels(dataset.train)) == set(range(11))
    assert labels(dataset.validation) == [0]


def test_labels_that_occur_once_each_cannot_be_held_out(
    training_backbone: Backbone, tmp_path: Path
) -> None:
    rows: list[Row] = [{"text": "good", "label": f"label-{index}"} for index in range(20)]
    path = write_jsonl(tmp_path / "train.jsonl", rows)

    with pytest.raises(DataError, match="has too few rows of each label to hold out a tenth"):
        read(training_backbone, path)


def test_a_short_file_needs_a_validation_file(training_backbone: Backbone, tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "train.jsonl", toy_rows(19))

    with pytest.raises(DataError, match="has 19 rows; to hold out a tenth, 20 are needed"):
        read(training_backbone, path)


def test_a_label_that_only_validation_has_names_its_file_and_line(
    training_backbone: Backbone, tmp_path: Path
) -> None:
    train = write_jsonl(tmp_path / "train.jsonl", toy_rows(20))
    odd: list[Row] = [*toy_rows(2), {"text": "x", "label": "odd"}]
    validation = write_jsonl(tmp_path / "validation.jsonl", odd)

    with pytest.raises(DataError) as refused:
        read(training_backbone, train, validation)

    assert str(refused.value) == f"{validation}, line 3: label 'odd' is in no training row"


def test_a_card_keeps_only_the_name_of_a_path(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "train.jsonl", toy_rows(2))

    unnamed = described(path, 2, name=None, source=None)
    named = described(path, 2, name="reviews", source="the paper")

    assert (unnamed.name, unnamed.rows) == ("train.jsonl", 2)
    assert (named.name, named.source) == ("reviews", "the paper")
    assert unnamed.sha256 is not None
    assert unnamed.sha256 == named.sha256
