"""Question answering over HTTP: parameters, windows, and bad input."""

import pytest

from every_kind import question_head
from kind_service import KindService, kind_service
from multitap_adapters.backbone import Backbone
from multitap_server.config import ServerConfig
from problem_reading import read_code, read_faults

CONTEXT = (
    "John was in the film. It was made in Paris,\r\nand it\tis a caf\u00e9 e\u0301 👍🏽 story."
)
ASKED = {"question": "who was it?", "context": CONTEXT}


async def test_an_answer_is_a_part_of_the_context(service: KindService) -> None:
    found = await service.predict("question-answering", ASKED)

    assert found.keys() == {"answer", "score", "start", "end"}
    assert found["answer"] == CONTEXT[found["start"] : found["end"]]
    assert 0 < found["score"] <= 1


async def test_top_k_gives_answers_best_first(service: KindService) -> None:
    found = await service.predict("question-answering", ASKED, top_k=5)

    scores = [each["score"] for each in found["answers"]]
    assert len(scores) == 5
    assert scores == sorted(scores, reverse=True)
    assert found["answers"][0] == {k: found[k] for k in ("answer", "score", "start", "end")}


async def test_max_answer_tokens_bounds_every_answer(service: KindService) -> None:
    one = {"question": "who?", "context": "a b c d e f"}
    found = await service.predict("question-answering", one, top_k=100, max_answer_tokens=2)

    assert {len(each["answer"].split()) for each in found["answers"]} == {0, 1, 2}
    assert len(found["answers"]) == 6 + 5 + 1
    total = sum(each["score"] for each in found["answers"])
    assert total == pytest.approx(1)


@pytest.mark.parametrize("context", ["", " ", "\r\n\t"])
async def test_an_empty_context_has_no_answer(service: KindService, context: str) -> None:
    found = await service.predict("question-answering", {"question": "who?", "context": context})

    assert found == {"answer": "", "score": 1.0, "start": 0, "end": 0}


async def test_an_empty_question_is_asked_as_it_is(service: KindService) -> None:
    found = await service.predict("question-answering", {"question": "", "context": CONTEXT})

    assert found["answer"] == CONTEXT[found["start"] : found["end"]]


async def test_a_question_that_fills_a_row_is_cut_and_counted_or_refused(
    service: KindService,
) -> None:
    asked = {"question": "who " * 50, "context": CONTEXT}
    answer = await service.answer("question-answering", asked)
    response = await service.post(
        "/predict/question-answering", {"inputs": asked, "parameters": {"truncate": False}}
    )

    assert answer["usage"]["truncated"] == 1
    assert read_faults(response) == [
        ("inputs", "the question alone fills more than half of 24 tokens")
    ]


async def test_a_context_of_100000_characters_is_searched_to_its_end(
    tiny_backbone: Backbone,
) -> None:
    context = ("the film was very good " * 4_400)[: 100_000 - 50]
    async with kind_service(tiny_backbone) as service:
        service.publish("wide", question_head(), max_tokens=64, seed=9)
        answer = await service.answer("wide", {"question": "who?", "context": context}, top_k=20)

    [found] = answer["predictions"]
    assert (answer["usage"]["rows"], answer["usage"]["truncated"]) == (1, 0)
    assert answer["usage"]["tokens"] > 20_000
    for each in found["answers"]:
        assert each["answer"] == context[each["start"] : each["end"]]


async def test_a_context_with_more_windows_than_a_call_may_have_rows_is_too_large(
    tiny_backbone: Backbone,
) -> None:
    async with kind_service(tiny_backbone, ServerConfig(rows_per_call=3)) as service:
        asked = {"question": "who?", "context": "film " * 200}
        response = await service.post("/predict/question-answering", {"inputs": asked})

    assert read_code(response) == (413, "too_large")


@pytest.mark.parametrize(
    ("value", "places"),
    [
        ({"question": "who?"}, ["inputs.context"]),
        ({"context": "he"}, ["inputs.question"]),
        ({"question": 3, "context": None}, ["inputs.question", "inputs.context"]),
        ({"question": "who?", "context": "he", "text": "x"}, ["inputs.text"]),
    ],
)
async def test_a_question_without_its_parts_is_named(
    service: KindService, value: object, places: list[str]
) -> None:
    response = await service.post("/predict/question-answering", {"inputs": value})

    assert read_code(response) == (422, "invalid_request")
    assert [at for at, _ in read_faults(response)] == places


async def test_more_answers_than_an_answer_may_hold_are_too_large(
    tiny_backbone: Backbone,
) -> None:
    async with kind_service(tiny_backbone, ServerConfig(scores_per_call=9)) as service:
        body = {"inputs": [ASKED, ASKED], "parameters": {"top_k": 5}}
        response = await service.post("/predict/question-answering", body)

    assert read_code(response) == (413, "too_large")
