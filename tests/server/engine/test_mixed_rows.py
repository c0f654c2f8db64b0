"""The central promise: a row's outputs in any mix are those of the row alone (1e-5)."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine_parts import Blobs, row, soon
from multitap_adapters.adapter import Adapter
from multitap_adapters.backbone import Backbone
from multitap_adapters.file import AdapterFile, parse_adapter
from multitap_adapters.loading import load_adapter
from multitap_adapters.spec import Bottleneck, Head, HeadLayer, LayerNorms, Module
from multitap_server.engine.contract import EncodedRow, Output
from multitap_server.engine.mixed_engine import MixedEngine
from multitap_server.engine.opening import running
from multitap_server.engine.runner import RunnableRow, Runner
from multitap_server.engine.settings import EngineSettings
from random_adapters import houlsby, random_adapter_bytes, random_spec

METHODS: tuple[tuple[Module, ...], ...] = (
    (),
    (LayerNorms(),),
    (LayerNorms(embeddings=False, sites=("ffn",), leave_out=(1,)),),
    *(houlsby(size, own_norms=False) for size in (1, 3, 16)),
    *(houlsby(size) for size in (2, 8, 33, 64)),
    (Bottleneck(size=(5, 9)), LayerNorms(sites=("attention",))),
    (Bottleneck(size=7, activation="relu", leave_out=(0,)),),
)


@dataclass(frozen=True)
class Tasks:
    """Adapter files of many kinds on one backbone, and every row's outputs alone."""

    backbone: Backbone
    blobs: Blobs
    files: Sequence[AdapterFile]

    @cached_property
    def adapters(self) -> list[Adapter]:
        """Every task's adapter, loaded once."""
        return [load_adapter(file, self.backbone) for file in self.files]

    def alone(self, task: int, text: EncodedRow) -> Output:
        """Return what a row gives when nothing else runs."""
        return Runner(self.backbone).run([RunnableRow(self.adapters[task], text)])[0]


def tasks_on(backbone: Backbone, count: int, *, deviation: float) -> Tasks:
    """Make tasks of every method in turn; heads have 2 to 12 labels and pool in both ways."""
    blobs, files = Blobs(), list[AdapterFile]()
    for seed in range(count):
        labels = tuple(f"label-{index}" for index in range(2 + seed % 11))
        head = Head(
            kind="classification",
            labels=labels,
            input="cls" if seed % 3 == 0 else "mean",
            layers=(
                *([HeadLayer(out=6, activation="tanh")] if seed % 4 == 1 else []),
                HeadLayer(out=len(labels), bias=seed % 5 != 0),
            ),
        )
        modules = tuple(m for m in METHODS[seed % len(METHODS)] if _fits(m, backbone))
        spec = random_spec(backbone.identity, modules=modules, head=head, max_tokens=64)
        content = random_adapter_bytes(spec, seed, deviation=deviation)
        files.append(parse_adapter(content))
        blobs.add(files[-1], content)
    return Tasks(backbone, blobs, files)


def _fits(module: Module, backbone: Backbone) -> bool:
    if isinstance(module, Bottleneck) and not isinstance(module.size, int):
        return len(module.size) == backbone.config.num_layers
    return True


async def assert_rows_stay_the_same(
    tasks: Tasks, mix: Sequence[tuple[int, Sequence[int]]], engine_settings: EngineSettings
) -> None:
    """Submit all at once, and compare every row with its solo run."""
    submissions = [
        (task, [row(length, 97 * place + 7 * length + i) for i, length in enumerate(lengths)])
        for place, (task, lengths) in enumerate(mix)
    ]
    async with running(MixedEngine(tasks.backbone, tasks.blobs.read, engine_settings)) as engine:
        outputs = await soon(
            asyncio.gather(*(engine.submit(tasks.files[t].digest, r) for t, r in submissions))
        )
    for (task, texts), found in zip(submissions, outputs, strict=True):
        assert len(found) == len(texts)
        for text, output in zip(texts, found, strict=True):
            np.testing.assert_allclose(output, tasks.alone(task, text), rtol=1e-5, atol=1e-5)


@pytest.fixture(scope="module")
def tiny_tasks(tiny_backbone: Backbone) -> Tasks:
    return tasks_on(tiny_backbone, 2 * len(METHODS), deviation=0.2)


Mixes = st.lists(
    st.tuples(
        st.integers(0, 2 * len(METHODS) - 1),
        st.lists(st.integers(2, 64), min_size=1, max_size=6),
    ),
    min_size=1,
    max_size=24,
)


@settings(max_examples=20, deadline=None)
@given(
    mix=Mixes,
    batch_tokens=st.sampled_from([1, 70, 300, 4_096]),
    adapter_bytes=st.sampled_from([0, 40_000, 2**30]),
)
def test_every_row_of_a_random_mix_equals_its_solo_run(
    tiny_tasks: Tasks, mix: list[tuple[int, list[int]]], batch_tokens: int, adapter_bytes: int
) -> None:
    engine_settings = EngineSettings(batch_tokens=batch_tokens, adapter_bytes=adapter_bytes)

    asyncio.run(assert_rows_stay_the_same(tiny_tasks, mix, engine_settings))


async def test_rows_of_32_tasks_on_the_embedded_backbone_equal_their_solo_runs(
    embedded_backbone: Backbone,
) -> None:
    tasks = tasks_on(embedded_backbone, 32, deviation=0.02)
    lengths = np.random.default_rng(0).integers(3, 30, 64)
    mix = [(i % 32, [int(length)]) for i, length in enumerate(lengths)]

    await assert_rows_stay_the_same(tasks, mix, EngineSettings())
