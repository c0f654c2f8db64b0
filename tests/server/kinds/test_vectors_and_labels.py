"""Multilabel, regression and embedding over HTTP, against the head's own output."""

import numpy as np
import pytest
import torch

from every_kind import HEADS
from kind_service import MAX_TOKENS, KindService, kind_service
from multitap_adapters.backbone import Backbone
from multitap_adapters.file import parse_adapter
from multitap_adapters.loading import load_adapter
from multitap_adapters.spec import HeadKind
from multitap_registry.contract import TaskFilter
from multitap_server.config import ServerConfig
from multitap_server.engine.contract import EncodedRow
from multitap_server.engine.runner import RunnableRow, Runner
from problem_reading import read_code

TEXT = "the film was very good"


def head_output(service: KindService, kind: HeadKind) -> np.ndarray:
    """Return what the task's head gives for the text, run by itself."""
    record = service.registry.tasks(limit=1, where=TaskFilter(kind=kind)).records[0]
    file = parse_adapter(service.registry.read_blob(record.newest.digest))
    adapter = load_adapter(file, service.backbone)
    [row] = service.backbone.tokenizer.tokenize([TEXT], max_tokens=MAX_TOKENS)
    encoded = EncodedRow(row.token_ids, row.type_ids, truncated=False)
    return Runner(service.backbone).run([RunnableRow(adapter, encoded)])[0].astype(np.float64)


async def test_multilabel_scores_are_the_sigmoids_of_the_head_s_output(
    service: KindService,
) -> None:
    logits = head_output(service, "multilabel")
    found = await service.predict("multilabel", TEXT, threshold=0)

    expected = dict(zip(HEADS["multilabel"].labels, 1 / (1 + np.exp(-logits)), strict=True))
    assert {each["label"]: each["score"] for each in found["labels"]} == pytest.approx(
        expected, abs=1e-6
    )


async def test_a_regression_s_value_is_the_head_s_output(service: KindService) -> None:
    found = await service.predict("regression", TEXT)

    assert found == {"value": pytest.approx(head_output(service, "regression")[0], abs=1e-5)}


async def test_an_embedding_is_the_mean_of_the_hidden_states_scaled_as_asked(
    service: KindService,
) -> None:
    mean_E = head_output(service, "embedding")
    own = (await service.predict("embedding", TEXT))["embedding"]
    plain = (await service.predict("embedding", TEXT, normalize=False))["embedding"]

    scaled_E = torch.nn.functional.normalize(torch.tensor(mean_E), dim=0).numpy()
    np.testing.assert_allclose(plain, mean_E, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(own, scaled_E, rtol=1e-5, atol=1e-6)
    assert sum(value * value for value in own) == pytest.approx(1, abs=1e-12)


async def test_more_values_than_an_answer_may_hold_are_too_large(tiny_backbone: Backbone) -> None:
    async with kind_service(tiny_backbone, ServerConfig(scores_per_call=64)) as service:
        fine = await service.post("/predict/embedding", {"inputs": [TEXT] * 2})
        large = await service.post("/predict/embedding", {"inputs": [TEXT] * 3})

    assert fine.status_code == 200
    assert read_code(large) == (413, "too_large")


async def test_the_labels_of_a_whole_call_share_one_bound(tiny_backbone: Backbone) -> None:
    async with kind_service(tiny_backbone, ServerConfig(scores_per_call=7)) as service:
        rows = [{"task": "multilabel", "input": TEXT}] * 3
        body = {"rows": rows, "parameters": {"threshold": 0}}
        results = (await service.post("/predict", body)).json()["results"]

    assert ["problem" in each for each in results] == [False, False, True]
    assert results[2]["problem"]["code"] == "too_large"
