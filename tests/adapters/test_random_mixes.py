"""Random mixes of everything: each row's answer equals its answer alone.

Backbones, methods with all of their options, stacks, heads, lengths and mixes are drawn from a
seed. 50 mixes run with the other tests; `MULTITAP_MIXES=1000` runs more.
"""

import os
import random

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from drawn_adapters import Draw
from mixed_batches import Part, run_alone, run_mix
from multitap_adapters.adapter import Adapter
from multitap_adapters.encoder import BareTaps
from multitap_adapters.file import AdapterFile
from multitap_adapters.loading import float_tensors
from random_adapters import random_adapter
from tiny_backbone import TinyConfig
from tiny_model import TinyModel, tiny_model

_MIXES = int(os.environ.get("MULTITAP_MIXES", "50"))
_CONFIGS = (
    TinyConfig(),
    TinyConfig(num_hidden_layers=1, hidden_size=48, num_attention_heads=3, hidden_act="gelu_new"),
    TinyConfig(num_hidden_layers=3, hidden_size=24, num_attention_heads=1, intermediate_size=24),
)


@pytest.fixture(scope="module")
def models() -> list[TinyModel]:
    """Return one model of every configuration."""
    return [tiny_model(config, seed) for seed, config in enumerate(_CONFIGS)]


def _adapter(model: TinyModel, file: AdapterFile) -> Adapter:
    return Adapter(file.spec, float_tensors(file), norm_eps=model.config.layer_norm_eps)


def _logits(adapter: Adapter, hidden: list[Tensor]) -> Tensor:
    with torch.inference_mode():
        return adapter.head(torch.cat(hidden), [len(row_TH) for row_TH in hidden])


@pytest.mark.parametrize("seed", range(_MIXES))
def test_every_row_of_a_random_mix_equals_its_solo_run(models: list[TinyModel], seed: int) -> None:
    choose = random.Random(seed)  # noqa: S311  (test data)
    model = choose.choice(models)
    draw = Draw(choose, model.config.num_layers)
    adapters = [
        _adapter(
            model,
            random_adapter(model.identity, index, modules=draw.modules(model), head=draw.head()),
        )
        for index in range(choose.randint(1, 8))
    ]
    parts: list[Part] = [
        (
            BareTaps() if choose.random() < 0.15 else choose.choice(adapters),
            [draw.row(model) for _ in range(choose.randint(1, 3))],
        )
        for _ in range(choose.randint(1, 10))
    ]

    mixed = run_mix(model.encoder, parts)

    for (taps, rows), hidden in zip(parts, mixed, strict=True):
        alone = [run_alone(model.encoder, taps, row) for row in rows]
        assert_close(hidden, alone, rtol=1e-5, atol=1e-5)
        if isinstance(taps, Adapter):
            solo = torch.cat([_logits(taps, [row_TH]) for row_TH in alone])
            assert_close(_logits(taps, hidden), solo, rtol=1e-5, atol=1e-5)
