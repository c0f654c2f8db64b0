"""The part of a context that answers a question: rows, windows, targets and scores."""

from pathlib import Path

import pytest
import torch

from labelled_files import write_jsonl
from multitap_adapters.backbone import Backbone
from multitap_training import DataError, SettingsError
from multitap_training.objectives.question_answering import (
    QuestionAnswering,
    QuestionAnsweringObjective,
    QuestionExample,
)
from multitap_training.source import read_examples

PATH = Path("rows.jsonl")
OBJECTIVE = QuestionAnsweringObjective()
CONTEXT = "the film was made by good people in the time of the book"


def read(path: Path) -> list[QuestionExample]:
    kind = QuestionAnswering()
    return read_examples(path, kind.fields, kind.parse)


def row(answers: object, context: str = CONTEXT) -> dict[str, object]:
    return {"question": "who made the film", "context": context, "answers": answers}


def example(*answers: str, context: str = CONTEXT) -> QuestionExample:
    found = tuple((context.index(answer), answer) for answer in answers)
    return QuestionExample("who made the film", context, found, 1)


def test_squads_rows_are_read(tmp_path: Path) -> None:
    answers = {"text": ["good people", "people"], "answer_start": [21, 26]}
    silent: dict[str, list[str]] = {"text": [], "answer_start": []}

    found = read(write_jsonl(tmp_path / "rows.jsonl", [row(answers), row(silent)]))

    assert [e.answers for e in found] == [((21, "good people"), (26, "people")), ()]


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ("good people", "answers must be an object, got str"),
        ({"text": ["film"]}, "answers must have the lists text and answer_start"),
        ({"text": ["film"], "answer_start": []}, "answers has 1 texts and 0 starts"),
        ({"text": [5], "answer_start": [0]}, "answers must be a text, got int"),
        ({"text": ["film"], "answer_start": [True]}, "answer_start must be a whole number"),
        ({"text": ["film"], "answer_start": [-8]}, "answer_start must be a whole number"),
        ({"text": ["film"], "answer_start": [5]}, "the answer 'film' does not stand at 5 of"),
        ({"text": [""], "answer_start": [5]}, "the answer '' does not stand at 5 of"),
        (None, "has no answers"),
    ],
)
def test_a_bad_row_names_its_line(tmp_path: Path, answers: object, message: str) -> None:
    path = write_jsonl(tmp_path / "rows.jsonl", [row(answers)])

    with pytest.raises(DataError) as refused:
        read(path)

    assert str(refused.value).startswith(f"{path}, line 1: {message}")


def test_questions_without_any_answer_are_nothing_to_learn() -> None:
    with pytest.raises(DataError, match="no question has an answer; one is needed"):
        QuestionAnswering().objective(PATH, [example()])


def test_a_target_points_at_the_answers_first_and_last_token(training_backbone: Backbone) -> None:
    tokenizer = training_backbone.tokenizer

    rows = OBJECTIVE.encode(PATH, [example("good people"), example()], tokenizer, 64)

    answered_T2, silent_T2 = rows.targets
    first, last = (int(place) for place in answered_T2.argmax(0))
    (words,) = tokenizer.tokenize(["good people"], max_tokens=64)
    assert list(rows.token_ids[0][first : last + 1]) == list(words.token_ids[1:-1])
    assert answered_T2.sum() == silent_T2.sum() == 2
    assert torch.equal(silent_T2[0], torch.ones(2))


def test_windows_without_the_answer_point_at_their_first_token(training_backbone: Backbone) -> None:
    long = example("good people", context=f"{CONTEXT} {'and the book ' * 30}")

    rows = OBJECTIVE.encode(PATH, [long], training_backbone.tokenizer, 32)

    silent = [bool(target_T2[0].sum() == 2) for target_T2 in rows.targets]
    assert len(rows) > 3
    assert rows.examples == [0] * len(rows)
    assert silent.count(False) in (1, 2)
    assert silent[-1]


def test_a_length_without_room_for_a_window_is_refused(training_backbone: Backbone) -> None:
    with pytest.raises(SettingsError, match="max_tokens must be from 5 for questions, got 4"):
        OBJECTIVE.encode(PATH, [example()], training_backbone.tokenizer, 4)


def test_the_loss_is_the_mean_over_rows_and_ends() -> None:
    logits_T2 = torch.tensor([[1.0, 0.0], [0.0, 2.0], [0.5, 0.5], [3.0, 1.0], [0.0, -1.0]])
    targets = [torch.zeros(3, 2), torch.zeros(2, 2)]
    targets[0][1, 0] = targets[0][2, 1] = 1
    targets[1][0] = 1

    loss = OBJECTIVE.loss(logits_T2, targets)

    first, second = logits_T2[:3].log_softmax(0), logits_T2[3:].log_softmax(0)
    expected = -(first[1, 0] + first[2, 1] + second[0, 0] + second[0, 1]) / 4
    torch.testing.assert_close(loss, expected)


def test_answers_are_searched_in_all_windows_and_scored_by_their_words(
    training_backbone: Backbone,
) -> None:
    long = f"{'and the book ' * 20}{CONTEXT} {'and the time ' * 20}"
    questions = [example("good people", context=long), example(), example("book")]
    rows = OBJECTIVE.encode(PATH, questions, training_backbone.tokenizer, 40)
    right = [target_T2 * 20 for target_T2 in rows.targets]
    silent = [torch.zeros_like(target_T2) for target_T2 in rows.targets]
    for logits_T2 in silent:
        logits_T2[0] = 20

    f1, exact = OBJECTIVE.scores(right, rows)

    assert [(s.name, s.value) for s in (f1, exact)] == [("f1", 1.0), ("exact_match", 1.0)]
    assert [s.value for s in OBJECTIVE.scores(silent, rows)] == pytest.approx([1 / 3] * 2)
