"""Every kind of task over HTTP: mixed with all others, and in both forms of a call."""

from typing import Any

import pytest

from kind_service import KindService, kind_service
from multitap.predictions import PREDICTIONS
from multitap.wire import PredictAnswer, RowsPredictAnswer
from multitap_adapters.backbone import Backbone
from near_json import assert_same_json

LONG = "the film was very good and the people in it were fine. " * 6
TEXTS = ("a good film", LONG, {"text": "was it bad", "text_pair": "it was"})
INPUTS: dict[str, tuple[object, ...]] = {
    "classification": TEXTS,
    "multilabel": TEXTS,
    "regression": TEXTS,
    "embedding": TEXTS,
    "tagging": ("John saw Paris", LONG, {"text": "so"}, {"tokens": ["New York", "is", "fine"]}),
    "question-answering": (
        {"question": "who?", "context": "John was in the film."},
        {"question": "what was good?", "context": LONG},
    ),
}
EVERYTHING = [{"task": task, "input": value} for task, values in INPUTS.items() for value in values]


@pytest.mark.parametrize("batch_tokens", [1, 4_096])
async def test_every_input_in_one_mixed_call_equals_its_solo_answer(
    tiny_backbone: Backbone, batch_tokens: int
) -> None:
    async with kind_service(tiny_backbone, batch_tokens=batch_tokens) as service:
        alone = [await service.predict(row["task"], row["input"]) for row in EVERYTHING]  # type: ignore[arg-type]  # a name

        response = await service.post("/predict", {"rows": EVERYTHING})

    results: list[dict[str, Any]] = response.json()["results"]
    assert [each["task"] for each in results] == [row["task"] for row in EVERYTHING]
    for result, expected in zip(results, alone, strict=True):
        assert_same_json(result["prediction"], expected)


async def test_every_answer_is_read_as_the_type_of_its_kind(service: KindService) -> None:
    for task, values in INPUTS.items():
        response = await service.post(f"/predict/{task}", {"inputs": list(values)})
        answer = PredictAnswer.model_validate_json(response.content)

        assert answer.kind == task.replace("-", "_")
        assert {type(each) for each in answer.predictions} == {PREDICTIONS[answer.kind]}
        assert answer.model_dump(mode="json", exclude_none=True) == response.json()


async def test_rows_are_read_as_the_types_of_their_kinds(service: KindService) -> None:
    response = await service.post("/predict", {"rows": EVERYTHING})
    results = RowsPredictAnswer.model_validate_json(response.content).results

    assert [type(getattr(each, "prediction")) for each in results] == [  # noqa: B009  of a union
        PREDICTIONS[str(row["task"]).replace("-", "_")] for row in EVERYTHING
    ]


async def test_an_input_that_does_not_fit_one_task_is_that_task_s_problem(
    service: KindService,
) -> None:
    tasks = list(INPUTS)
    body = {"tasks": tasks, "inputs": ["a text", {"tokens": ["a", "b"]}]}
    results = (await service.post("/predict", body)).json()["results"]

    assert [tasks[i] for i, each in enumerate(results) if "problem" not in each] == ["tagging"]
    faults = {
        task: each["problem"]["errors"]
        for task, each in zip(tasks, results, strict=True)
        if "problem" in each
    }
    assert faults["regression"] == [
        {
            "at": "inputs.1",
            "message": "a regression task takes a text or a pair of texts, got a list of tokens",
        }
    ]
    assert [fault["at"] for fault in faults["question-answering"]] == ["inputs.0", "inputs.1"]


async def test_a_row_that_does_not_fit_its_task_is_that_row_s_problem(
    service: KindService,
) -> None:
    rows = [
        {"task": "question-answering", "input": "only a text"},
        {"task": "tagging", "input": {"text": "one", "text_pair": "two"}},
        {"task": "embedding", "input": {"question": "who?", "context": "he"}},
        {"task": "tagging", "input": "fine"},
    ]
    results = (await service.post("/predict", {"rows": rows})).json()["results"]

    assert [each["problem"]["errors"][0] for each in results[:3]] == [
        {
            "at": "rows.0.input",
            "message": "a question_answering task takes a question with its context, got a text",
        },
        {
            "at": "rows.1.input",
            "message": "a tagging task takes a text or a list of tokens, got a pair of texts",
        },
        {
            "at": "rows.2.input",
            "message": "an embedding task takes a text or a pair of texts, got a question",
        },
    ]
    assert results[3]["kind"] == "tagging"


@pytest.mark.parametrize(
    ("task", "foreign"),
    [
        ("multilabel", {"aggregation": "token"}),
        ("regression", {"top_k": 2}),
        ("tagging", {"top_k": 2}),
        ("tagging", {"threshold": 0.5}),
        ("question-answering", {"normalize": True}),
        ("embedding", {"max_answer_tokens": 3}),
    ],
)
async def test_a_parameter_of_another_kind_is_refused(
    service: KindService, task: str, foreign: dict[str, object]
) -> None:
    body = {"inputs": INPUTS[task][0], "parameters": foreign}
    response = await service.post(f"/predict/{task}", body)

    assert response.status_code == 422
    [fault] = response.json()["errors"]
    assert fault["at"] == f"parameters.{next(iter(foreign))}"


@pytest.mark.parametrize("task", ["classification", "multilabel", "regression", "embedding"])
async def test_long_texts_of_heads_that_pool_are_cut_and_counted(
    service: KindService, task: str
) -> None:
    assert (await service.answer(task, [LONG, "short"]))["usage"]["truncated"] == 1

    response = await service.post(
        f"/predict/{task}", {"inputs": LONG, "parameters": {"truncate": False}}
    )
    assert response.status_code == 422


@pytest.mark.parametrize("task", ["tagging", "question-answering"])
async def test_windows_cut_nothing_and_are_counted_in_tokens(
    service: KindService, task: str
) -> None:
    short, long = INPUTS[task][:2]
    one = (await service.answer(task, short))["usage"]
    many = (await service.answer(task, long, truncate=False))["usage"]

    assert (one["rows"], many["rows"]) == (1, 1)
    assert (one["truncated"], many["truncated"]) == (0, 0)
    assert one["tokens"] < 24
    assert many["tokens"] > 80
