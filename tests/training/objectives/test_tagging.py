"""A label for each word: rows, windows, targets and scores."""

from pathlib import Path

import pytest
import torch

from labelled_files import Row, write_jsonl
from multitap_adapters.backbone import Backbone
from multitap_training import DataError, SettingsError
from multitap_training.objectives.tagging import Tagging, TaggingObjective, WordsExample
from multitap_training.source import read_examples

PATH = Path("rows.jsonl")
BIO = TaggingObjective(("B-x", "I-x", "O"))


def read(path: Path) -> list[WordsExample]:
    kind = Tagging()
    return read_examples(path, kind.fields, kind.parse)


def example(words: str, labels: str) -> WordsExample:
    return WordsExample(tuple(words.split()), tuple(labels.split()), 1)


def one_hot(labels: list[int]) -> torch.Tensor:
    return torch.nn.functional.one_hot(torch.tensor(labels), 3).float()


def test_a_row_is_words_with_a_label_each(tmp_path: Path) -> None:
    rows: list[Row] = [{"tokens": ["He", "left"], "labels": ["O", 3]}]

    assert read(write_jsonl(tmp_path / "rows.jsonl", rows)) == [
        WordsExample(("He", "left"), ("O", "3"), 1)
    ]


@pytest.mark.parametrize(
    ("tokens", "labels", "message"),
    [
        ("He left", ["O"], "tokens must be a list of texts, got str"),
        (["He"], "O", "labels must be a list of texts, got str"),
        ([], [], "tokens is an empty list"),
        (["He", "left"], ["O"], "has 2 tokens and 1 labels"),
        (["He", 5], ["O", "O"], "tokens must be a text, got int"),
        (["He", " "], ["O", "O"], "tokens holds an empty text"),
        (["He"], [""], "labels holds an empty text"),
        (["He"], [0.5], "labels must be a text, got float"),
        (["w" * 10_001], ["O"], "tokens has 10001 characters, expected at most 10000"),
    ],
)
def test_a_bad_row_names_its_line(
    tmp_path: Path, tokens: object, labels: object, message: str
) -> None:
    path = write_jsonl(tmp_path / "rows.jsonl", [{"tokens": tokens, "labels": labels}])

    with pytest.raises(DataError) as refused:
        read(path)

    assert str(refused.value) == f"{path}, line 1: {message}"


def test_one_label_only_is_nothing_to_learn() -> None:
    with pytest.raises(DataError, match="every row has the label 'O'; two are needed"):
        Tagging().objective(PATH, [example("he left", "O O")])


def test_a_word_has_its_label_at_its_first_token_only(training_backbone: Backbone) -> None:
    found = [example("the unfilmable film", "O B-x I-x")]

    rows = BIO.encode(PATH, found, training_backbone.tokenizer, 32)

    ((target_T,), (token_ids,)) = rows.targets, rows.token_ids
    assert [int(label) for label in target_T if label >= 0] == [2, 0, 1]
    assert (int(target_T[0]), int(target_T[-1])) == (-100, -100)
    assert len(token_ids) == len(target_T) > 5  # one word has several tokens


def test_every_word_of_a_long_text_is_labelled_in_one_window(training_backbone: Backbone) -> None:
    words = WordsExample(("film", "the") * 25, ("B-x", "O") * 25, 1)
    short = example("good film", "O B-x")

    rows = BIO.encode(PATH, [words, short], training_backbone.tokenizer, 16)

    assert max(rows.lengths) == 16
    assert rows.examples == [0] * (len(rows) - 1) + [1]
    labelled = [int(label) for target in rows.targets for label in target if label >= 0]
    assert labelled == [0, 2] * 25 + [2, 0]


def test_a_label_that_training_lacks_names_its_line(training_backbone: Backbone) -> None:
    with pytest.raises(DataError, match=r"rows\.jsonl, line 1: label 'odd' is in no training row"):
        BIO.encode(PATH, [example("he left", "O odd")], training_backbone.tokenizer, 16)


def test_a_length_without_room_for_a_word_is_refused(training_backbone: Backbone) -> None:
    with pytest.raises(SettingsError, match="max_tokens must be from 3 for words, got 2"):
        BIO.encode(PATH, [example("he left", "O O")], training_backbone.tokenizer, 2)


def test_the_loss_is_the_mean_over_first_tokens() -> None:
    logits_TL = torch.tensor([[9.0, 0.0, 0.0], [1.0, 2.0, 0.0], [0.0, 0.0, 1.0]])
    targets = [torch.tensor([-100, 1]), torch.tensor([0])]

    loss = BIO.loss(logits_TL, targets)

    probabilities = logits_TL.softmax(1)
    expected = -(probabilities[1, 1].log() + probabilities[2, 0].log()) / 2
    torch.testing.assert_close(loss, expected)
    assert BIO.loss(logits_TL[:1], [torch.tensor([-100])]) == 0.0


def test_entities_are_scored_whole_and_across_windows(training_backbone: Backbone) -> None:
    labels = ("O",) * 18 + ("B-x", *["I-x"] * 5) + ("O",) * 16
    words = WordsExample(("film",) * 40, labels, 1)
    rows = BIO.encode(PATH, [words], training_backbone.tokenizer, 16)
    right = [one_hot([max(int(label), 0) for label in target]) for target in rows.targets]
    nothing = [one_hot([2] * len(target)) for target in rows.targets]

    best, worst = BIO.scores(right, rows), BIO.scores(nothing, rows)

    assert [score.name for score in best[:4]] == ["f1", "precision", "recall", "accuracy"]
    assert [score.value for score in best[:4]] == [1.0] * 4
    assert [score.value for score in worst[:4]] == [0.0, 0.0, 0.0, pytest.approx(34 / 40)]


def test_an_entity_with_one_wrong_word_is_wrong(training_backbone: Backbone) -> None:
    found = [example("a good film was made", "O B-x I-x O B-x")]
    rows = BIO.encode(PATH, found, training_backbone.tokenizer, 32)
    (target_T,) = rows.targets
    places = [place for place, label in enumerate(target_T) if label >= 0]
    chosen = [2] * len(target_T)
    chosen[places[1]] = chosen[places[4]] = 0  # the first entity lacks its second word

    f1, precision, recall, *_ = BIO.scores([one_hot(chosen)], rows)

    assert [score.value for score in (f1, precision, recall)] == [0.5] * 3


def test_plain_labels_are_scored_by_word(training_backbone: Backbone) -> None:
    objective = TaggingObjective(("ADJ", "DET", "NOUN"))
    found = [example("the good film", "DET ADJ NOUN")]
    rows = objective.encode(PATH, found, training_backbone.tokenizer, 32)
    outputs = [one_hot([2] * len(target)) for target in rows.targets]

    accuracy, macro = objective.scores(outputs, rows)

    assert (accuracy.name, macro.name) == ("accuracy", "macro_f1")
    assert accuracy.value == pytest.approx(1 / 3)
