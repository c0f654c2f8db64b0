"""Tagging over HTTP: words, entities, offsets, windows, and bad input."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from every_kind import TAGS, tagging_head
from kind_service import MAX_TOKENS, KindService, kind_service
from multitap_adapters.backbone import Backbone
from multitap_adapters.file import parse_adapter
from multitap_adapters.loading import float_tensors
from multitap_server.config import ServerConfig
from problem_reading import read_code, read_faults
from publishing import publish
from random_adapters import random_adapter_bytes, random_spec
from reference_tagger import reference_entities

TEXT = "John's cafe\u0301 in the U.S.\r\nis  good,\t\u00dcber 👍🏽 fine!"
LONG = "the film was very good and the people in it were fine. " * 12


async def entities(service: KindService, value: object, **parameters: object) -> list[Any]:
    found: list[Any] = (await service.predict("tagging", value, **parameters))["entities"]
    return found


async def test_every_word_has_its_label_with_the_aggregation_token(service: KindService) -> None:
    found = await entities(service, TEXT, aggregation="token")

    expected = "John|'s|cafe\u0301|in|the|U.S.|is|good|,|\u00dcber|👍🏽|fine|!".split("|")  # noqa: SIM905  clearer
    assert [each["text"] for each in found] == expected
    assert [TEXT[each["start"] : each["end"]] for each in found] == expected
    assert {each["label"] for each in found} <= set(TAGS)
    assert all(1 / len(TAGS) <= each["score"] <= 1 for each in found)


async def test_entities_are_the_joined_words_with_the_mean_of_their_scores(
    service: KindService,
) -> None:
    words = await entities(service, LONG, aggregation="token")
    found = await entities(service, LONG)

    assert len(found) < len([word for word in words if word["label"] != "O"])
    for entity in found:
        inside = [w for w in words if entity["start"] <= w["start"] < entity["end"]]
        scores = [w["score"] for w in inside]
        assert entity["score"] == pytest.approx(sum(scores) / len(scores), rel=1e-12)
        assert {w["label"][2:] for w in inside} == {entity["label"]}
        assert entity["text"] == LONG[entity["start"] : entity["end"]]
    assert all(a["end"] <= b["start"] for a, b in pairwise(found))


async def test_places_of_tokens_are_their_indices(service: KindService) -> None:
    tokens = ["John", "saw", "New York", "\u0301", "yesterday"]
    words = await entities(service, {"tokens": tokens}, aggregation="token")
    found = await entities(service, {"tokens": tokens})

    # The lone accent is nothing to this tokenizer, and keeps its index.
    assert [(w["start"], w["end"], w["text"]) for w in words] == [
        (i, i + 1, tokens[i]) for i in (0, 1, 2, 4)
    ]
    for entity in found:
        assert entity["text"] == " ".join(tokens[entity["start"] : entity["end"]])


async def test_a_text_is_tagged_as_its_words_are(service: KindService) -> None:
    words = await entities(service, TEXT, aggregation="token")
    again = await entities(
        service, {"tokens": [word["text"] for word in words]}, aggregation="token"
    )

    assert [(w["label"], w["score"]) for w in again] == [(w["label"], w["score"]) for w in words]


async def test_a_long_text_has_an_answer_for_every_word(service: KindService) -> None:
    answer = await service.answer("tagging", LONG, aggregation="token")

    [prediction] = answer["predictions"]
    assert len(prediction["entities"]) == 12 * 13
    assert answer["usage"]["tokens"] > len(LONG.split()) * MAX_TOKENS / (MAX_TOKENS - 2)


@pytest.mark.parametrize("text", ["", " ", "\r\n\t", "\u200b", "\u0301"])
async def test_a_text_without_words_has_no_entities(service: KindService, text: str) -> None:
    assert await entities(service, text) == []
    assert await entities(service, text, aggregation="token") == []


@pytest.mark.parametrize(
    ("tokens", "place"),
    [
        (["a", "", "b"], "inputs.tokens.1"),
        ([" "], "inputs.tokens.0"),
        (["\t\n"], "inputs.tokens.0"),
    ],
)
async def test_a_token_without_a_visible_character_is_named(
    service: KindService, tokens: list[str], place: str
) -> None:
    response = await service.post("/predict/tagging", {"inputs": {"tokens": tokens}})

    assert read_code(response) == (422, "invalid_request")
    assert read_faults(response) == [(place, "a token needs a character that is no space")]


async def test_no_tokens_and_wrong_tokens_are_named(service: KindService) -> None:
    inputs: list[object] = [{"tokens": []}, {"tokens": ["a", 3]}, {"tokens": "a b"}]
    response = await service.post("/predict/tagging", {"inputs": inputs})

    assert [at for at, _ in read_faults(response)] == [
        "inputs.0.tokens",
        "inputs.1.tokens.1",
        "inputs.2.tokens",
    ]


async def test_a_lone_surrogate_is_no_text(service: KindService) -> None:
    response = await service.client.post(
        "/predict/tagging",
        content=b'{"inputs": {"tokens": ["a", "\\ud800"]}}',
        headers={"content-type": "application/json"},
    )

    assert read_code(response) == (400, "malformed_json")


async def test_more_entities_than_an_answer_may_hold_are_too_large(
    tiny_backbone: Backbone,
) -> None:
    async with kind_service(tiny_backbone, ServerConfig(scores_per_call=20)) as service:
        body: dict[str, object] = {"inputs": "film " * 20, "parameters": {"aggregation": "token"}}
        fine = await service.post("/predict/tagging", body)
        body["inputs"] = ["film " * 10, "film " * 11]
        large = await service.post("/predict/tagging", body)

    assert fine.status_code == 200
    assert read_code(large) == (413, "too_large")


async def test_more_windows_than_a_call_may_have_rows_are_too_large(
    tiny_backbone: Backbone,
) -> None:
    async with kind_service(tiny_backbone, ServerConfig(rows_per_call=4)) as service:
        fine = await service.post("/predict/tagging", {"inputs": "film " * 60})
        large = await service.post("/predict/tagging", {"inputs": ["film " * 60, "film"]})

    assert fine.status_code == 200
    assert read_code(large) == (413, "too_large")
    assert "counting each window" in large.json()["detail"]


async def test_more_outputs_than_fit_into_memory_are_too_large(service: KindService) -> None:
    service.publish("vast", tagging_head([f"l{index}" for index in range(8_000)]), max_tokens=64)
    fine = await service.post("/predict/vast", {"inputs": "film " * 50})
    large = await service.post("/predict/vast", {"inputs": "film " * 9_000})

    assert fine.status_code == 200
    assert read_code(large) == (413, "too_large")
    assert "tokens times labels" in large.json()["detail"]


async def test_labels_that_are_parts_of_speech_stay_apart(service: KindService) -> None:
    service.publish("speech", tagging_head(["NOUN"]))
    found = (await service.predict("speech", "good old film"))["entities"]

    assert [(each["text"], each["label"]) for each in found] == [
        ("good", "NOUN"),
        ("old", "NOUN"),
        ("film", "NOUN"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "the good film was very fine and people in it who one",
        "awful freecash transfer winmoney time",
        "xylophone film bookfilm the quick and very slow",
    ],
)
async def test_entities_are_those_of_transformers(
    service: KindService, tiny_backbone: Backbone, tiny_folder: Path, text: str
) -> None:
    """On words without punctuation, where `transformers` splits as we do."""
    head = tagging_head()
    spec = random_spec(tiny_backbone.identity, head=head, max_tokens=48)
    content = random_adapter_bytes(spec, 5)
    tensors = float_tensors(parse_adapter(content))
    expected = reference_entities(tiny_folder, TAGS, tensors, text)
    publish(service.registry, "bare", content)

    found = (await service.predict("bare", text))["entities"]

    assert [(e["label"], e["start"], e["end"]) for e in found] == [
        (label, start, end) for label, _, start, end in expected
    ]
    assert [e["score"] for e in found] == pytest.approx([e[1] for e in expected], abs=1e-5)
    assert len(found) > 1
