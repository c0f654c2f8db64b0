"""One forward pass over any mix: outputs in the order of the rows, equal to a row's alone."""

import numpy as np
import pytest

from engine_parts import row, rows
from multitap_adapters.adapter import Adapter
from multitap_adapters.backbone import Backbone, read_backbone
from multitap_adapters.loading import load_adapter
from multitap_adapters.spec import Head, HeadLayer, Module
from multitap_server.engine.runner import RunnableRow, Runner
from random_adapters import houlsby, random_adapter
from tiny_backbone import TinyConfig, tiny_backbone_folder


@pytest.fixture
def runner(tiny_backbone: Backbone) -> Runner:
    return Runner(tiny_backbone)


def adapter_of(
    backbone: Backbone,
    seed: int,
    *,
    modules: tuple[Module, ...] = (),
    labels: int = 2,
    head: Head | None = None,
) -> Adapter:
    names = [f"label-{index}" for index in range(labels)]
    file = random_adapter(backbone.identity, seed, modules=modules, labels=names, head=head)
    return load_adapter(file, backbone)


def assert_same(found: np.ndarray, expected: np.ndarray) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_outputs_come_in_the_order_of_the_rows_whatever_is_grouped(
    runner: Runner, tiny_backbone: Backbone
) -> None:
    two = adapter_of(tiny_backbone, 1, labels=2)
    five = adapter_of(tiny_backbone, 2, labels=5)
    mixed = [RunnableRow(a, row(n, n)) for a, n in ((two, 9), (five, 3), (two, 4), (five, 7))]

    outputs = runner.run(mixed)

    assert [output.shape for output in outputs] == [(2,), (5,), (2,), (5,)]
    for one, output in zip(mixed, outputs, strict=True):
        assert_same(output, runner.run([one])[0])


def test_outputs_are_float32_and_finite(runner: Runner, tiny_backbone: Backbone) -> None:
    (output,) = runner.run([RunnableRow(adapter_of(tiny_backbone, 1), row(5))])

    assert output.dtype == np.float32
    assert np.isfinite(output).all()


def test_rows_differ_by_their_adapter_not_only_by_their_text(
    runner: Runner, tiny_backbone: Backbone
) -> None:
    text = row(6)
    adapters = [adapter_of(tiny_backbone, seed, modules=houlsby(4)) for seed in (1, 2)]

    first, second = runner.run([RunnableRow(adapter, text) for adapter in adapters])

    assert np.abs(first - second).max() > 1e-2


def test_type_ids_reach_the_encoder(runner: Runner, tiny_backbone: Backbone) -> None:
    adapter = adapter_of(tiny_backbone, 1)
    plain = row(6)
    typed = type(plain)(plain.token_ids, [0, 0, 0, 1, 1, 1], truncated=False)

    first, second = runner.run([RunnableRow(adapter, plain), RunnableRow(adapter, typed)])

    assert np.abs(first - second).max() > 1e-3


@pytest.mark.parametrize("pooling", ["cls", "mean"])
def test_a_stack_of_head_layers_runs_row_by_row(
    runner: Runner, tiny_backbone: Backbone, pooling: str
) -> None:
    layers = (HeadLayer(out=7, activation="tanh"), HeadLayer(out=3, bias=False))
    head = Head(kind="classification", labels=("a", "b", "c"), input=pooling, layers=layers)  # type: ignore[arg-type]  # parametrized
    adapter = adapter_of(tiny_backbone, 3, modules=houlsby(2), head=head)
    mixed = [RunnableRow(adapter, one) for one in rows([5, 1, 12])]

    outputs = runner.run(mixed)

    for one, output in zip(mixed, outputs, strict=True):
        assert_same(output, runner.run([one])[0])


def test_a_row_may_be_as_long_as_the_backbone_has_positions(
    runner: Runner, tiny_backbone: Backbone
) -> None:
    positions = tiny_backbone.config.max_tokens
    adapter = adapter_of(tiny_backbone, 1)
    long, short = (RunnableRow(adapter, row(n)) for n in (positions, 2))

    outputs = runner.run([long, short])

    assert_same(outputs[0], runner.run([long])[0])


def test_a_token_id_beyond_the_vocabulary_is_an_error(
    runner: Runner, tiny_backbone: Backbone
) -> None:
    unknown = row(4, vocabulary=60)
    unknown = type(unknown)([0, 10**6], [0, 0], truncated=False)

    with pytest.raises(IndexError):
        runner.run([RunnableRow(adapter_of(tiny_backbone, 1), unknown)])


def test_warming_up_fits_backbones_with_few_positions(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tiny_backbone_folder(
        tmp_path_factory.mktemp("short") / "backbone", config=TinyConfig(max_position_embeddings=5)
    )

    Runner(read_backbone(folder)).warm_up()
