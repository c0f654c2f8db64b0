"""Rows of many adapters in one pass: each equals its solo run, whatever the mix."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.testing import assert_close

from mixed_batches import run_alone, run_mix
from multitap_adapters.adapter import Adapter
from multitap_adapters.backbone import Backbone
from multitap_adapters.encoder import BareTaps, Norm, Place, Taps
from multitap_adapters.loading import load_adapter
from multitap_adapters.mixing import MixedTaps, Segment, mix
from multitap_adapters.projection import ProjectionTap
from multitap_adapters.spec import (
    Bottleneck,
    Ia3,
    Invertible,
    LayerNorms,
    Lora,
    Module,
    Projection,
    Site,
)
from multitap_adapters.tokenizer import TokenizedRow
from random_adapters import houlsby, random_adapter

_MAX_TOKENS = 64  # the tiny backbone's positions
_MODULES: tuple[tuple[Module, ...], ...] = (
    (),
    houlsby(1, own_norms=False),
    houlsby(8),
    houlsby(33),
    (LayerNorms(),),
    (LayerNorms(sites=("attention",)), Bottleneck(size=5, sites=("ffn",), norm_before=True)),
    (Bottleneck(size=(2, 16), arrangement="parallel", scaling="channel", activation="silu"),),
    (Bottleneck(size=4, leave_out=(0,), new_norm_after=True, norm_after=False),),
    (Lora(projections=("query", "value"), r=4, alpha=4.0),),
    (Lora(projections=("ffn_up", "ffn_down", "key"), r=2, alpha=2.0, bias=True, leave_out=(1,)),),
    (Ia3(outputs=("key", "value"), inputs=("ffn_down",)),),
    (Ia3(outputs=("ffn_up",), inputs=("query",)),),
    (Invertible(size=6), Bottleneck(size=4, sites=("ffn",), norm_before=True), *houlsby(3)),
)


@pytest.fixture(scope="module")
def adapters(tiny_backbone: Backbone) -> list[Adapter]:
    """Return one random adapter of every shape, each with its own number of labels."""
    return [
        load_adapter(
            random_adapter(
                tiny_backbone.identity,
                seed,
                modules=modules,
                labels=tuple(f"label {label}" for label in range(2 + seed)),
            ),
            tiny_backbone,
        )
        for seed, modules in enumerate(_MODULES)
    ]


@st.composite
def _row(draw: st.DrawFn) -> TokenizedRow:
    length = draw(st.one_of(st.integers(1, 12), st.integers(1, _MAX_TOKENS)))
    seed, first = draw(st.integers(0, 2**32)), draw(st.integers(0, length))
    ids = torch.randint(0, 121, (length,), generator=torch.Generator().manual_seed(seed))
    return TokenizedRow([int(i) for i in ids], [0] * first + [1] * (length - first), length)


_batches = st.lists(
    st.tuples(st.integers(0, len(_MODULES) - 1), st.lists(_row(), min_size=1, max_size=4)),
    min_size=1,
    max_size=8,
)


def _logits(adapter: Adapter, hidden: list[Tensor]) -> Tensor:
    with torch.inference_mode():
        return adapter.head(torch.cat(hidden), [len(row_TH) for row_TH in hidden])


@settings(max_examples=40)
@given(batch=_batches)
def test_a_row_s_answer_in_any_mix_equals_its_answer_alone(
    tiny_backbone: Backbone, adapters: list[Adapter], batch: list[tuple[int, list[TokenizedRow]]]
) -> None:
    encoder = tiny_backbone.encoder

    mixed = run_mix(encoder, [(adapters[index], rows) for index, rows in batch])

    for (index, rows), hidden in zip(batch, mixed, strict=True):
        adapter = adapters[index]
        alone = [run_alone(encoder, adapter, row) for row in rows]
        assert_close(hidden, alone, rtol=1e-5, atol=1e-5)
        solo = torch.cat([_logits(adapter, [row_TH]) for row_TH in alone])
        assert_close(_logits(adapter, hidden), solo, rtol=1e-5, atol=1e-5)


def test_thirty_two_tasks_in_one_pass_equal_their_solo_runs(tiny_backbone: Backbone) -> None:
    tasks = [
        load_adapter(
            random_adapter(tiny_backbone.identity, seed, modules=houlsby(1 + seed)), tiny_backbone
        )
        for seed in range(32)
    ]
    texts = ["the film was " + "very " * (seed % 7) + "good" for seed in range(32)]
    rows = tiny_backbone.tokenizer.tokenize(texts, max_tokens=_MAX_TOKENS)

    mixed = run_mix(tiny_backbone.encoder, [(t, [r]) for t, r in zip(tasks, rows, strict=True)])

    for task, row, (hidden_TH,) in zip(tasks, rows, mixed, strict=True):
        assert_close(hidden_TH, run_alone(tiny_backbone.encoder, task, row), rtol=1e-5, atol=1e-5)


def test_rows_without_an_adapter_equal_the_bare_backbone(
    tiny_backbone: Backbone, adapters: list[Adapter]
) -> None:
    texts = ["the film", "was very good", "a b c"]
    rows = tiny_backbone.tokenizer.tokenize(texts, max_tokens=16)
    parts: list[tuple[Taps, list[TokenizedRow]]] = [
        (adapters[2], rows[:1]),
        (BareTaps(), rows[1:2]),
        (adapters[4], rows[2:]),
    ]

    mixed = run_mix(tiny_backbone.encoder, parts)

    bare_TH = run_alone(tiny_backbone.encoder, BareTaps(), rows[1])
    assert_close(mixed[1][0], bare_TH, rtol=1e-5, atol=1e-5)


class _Plus(BareTaps):
    """Taps that add a number, so that it shows which tokens they saw."""

    def __init__(self, number: float) -> None:
        self._number = number

    def embed(self, x_TH: Tensor, norm: Norm) -> Tensor:  # noqa: ARG002  (Taps)
        return x_TH + self._number

    def merge(self, layer: int, site: Site, x_TH: Tensor, h_TH: Tensor, norm: Norm) -> Tensor:  # noqa: ARG002
        return x_TH + h_TH + self._number

    def changes(self, place: Place) -> bool:  # noqa: ARG002  (Taps)
        return True


_NORM = Norm(torch.ones(1), torch.zeros(1), 1e-12)


def _embed(taps: Taps, x_TH: Tensor) -> Tensor:
    return taps.embed(x_TH, _NORM)


def _merge(taps: Taps, x_TH: Tensor) -> Tensor:
    return taps.merge(0, "ffn", x_TH, torch.zeros_like(x_TH), _NORM)


@pytest.mark.parametrize("run", [_embed, _merge])
def test_every_segment_goes_through_its_own_taps(run: Callable[[Taps, Tensor], Tensor]) -> None:
    taps = mix([Segment(_Plus(10), 2), Segment(_Plus(20), 1), Segment(_Plus(30), 1)], filler=2)

    output_TH = run(taps, torch.zeros(6, 1))

    assert torch.equal(output_TH.flatten(), torch.tensor([10.0, 10, 20, 30, 30, 30]))


@pytest.mark.parametrize("run", [_embed, _merge])
def test_segments_beside_one_that_changes_a_place_stay_the_backbones(
    run: Callable[[Taps, Tensor], Tensor],
) -> None:
    taps = mix([Segment(BareTaps(), 2), Segment(_Plus(20), 1), Segment(BareTaps(), 1)])
    x_TH = torch.rand(4, 1)

    output_TH = run(taps, x_TH)

    expected_TH = torch.cat([_NORM(x_TH[:2]), x_TH[2:3] + 20, _NORM(x_TH[3:])])
    assert torch.equal(output_TH, expected_TH)


class _Untouchable(BareTaps):
    """Taps that change nothing, and must not be asked to."""

    def embed(self, x_TH: Tensor, norm: Norm) -> Tensor:
        raise AssertionError(x_TH, norm)

    def merge(self, layer: int, site: Site, x_TH: Tensor, h_TH: Tensor, norm: Norm) -> Tensor:
        raise AssertionError(layer, site, x_TH, h_TH, norm)


@pytest.mark.parametrize("run", [_embed, _merge])
def test_a_place_that_nobody_changes_is_computed_once_for_all(
    run: Callable[[Taps, Tensor], Tensor],
) -> None:
    taps = mix([Segment(_Untouchable(), 2), Segment(_Untouchable(), 2)])
    x_TH = torch.rand(4, 1)

    assert torch.equal(run(taps, x_TH), _NORM(x_TH))


class _ProjectionPlus(BareTaps):
    """Taps that add a number to a projection's output and double its input."""

    def __init__(self, number: float, projection: Projection) -> None:
        self._number = number
        self._projection = projection

    def projection(self, layer: int, projection: Projection) -> ProjectionTap | None:  # noqa: ARG002  (Taps)
        return self if projection == self._projection else None

    def scale_input(self, x_TI: Tensor) -> Tensor:
        return 2 * x_TI

    def adapt(self, x_TI: Tensor, y_TO: Tensor, bias_O: Tensor) -> None:
        y_TO += self._number * x_TI + bias_O


def test_a_projection_changes_for_the_segments_that_change_it() -> None:
    taps = mix(
        [
            Segment(_ProjectionPlus(10, "key"), 2),
            Segment(BareTaps(), 1),
            Segment(_ProjectionPlus(20, "query"), 1),
            Segment(_ProjectionPlus(30, "key"), 1),
        ],
        filler=1,
    )
    x_TI, y_TO = torch.ones(6, 1), torch.zeros(6, 1)

    change = taps.projection(0, "key")
    assert change is not None
    scaled_TI = change.scale_input(x_TI)
    change.adapt(x_TI, y_TO, torch.ones(1))

    assert torch.equal(scaled_TI.flatten(), torch.tensor([2.0, 2, 1, 1, 2, 2]))
    assert torch.equal(x_TI, torch.ones(6, 1))
    assert torch.equal(y_TO.flatten(), torch.tensor([11.0, 11, 0, 0, 31, 31]))


def test_a_projection_that_no_segment_changes_is_the_backbones(
    adapters: list[Adapter],
) -> None:
    taps = mix([Segment(_ProjectionPlus(1, "key"), 2), Segment(adapters[2], 2)])

    assert taps.projection(0, "query") is None


def test_one_segment_is_not_mixed() -> None:
    taps = _Plus(1)

    assert mix([Segment(taps, 3)], filler=1) is taps


def test_segments_that_do_not_cover_the_tokens_are_an_error() -> None:
    taps = MixedTaps([Segment(_Plus(1), 2), Segment(_Plus(2), 2)])

    with pytest.raises(RuntimeError, match="split_with_sizes"):
        taps.embed(torch.zeros(5, 1), _NORM)
