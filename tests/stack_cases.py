"""Stacks of adapters: what tests/adapters/stacks/generate.py gave to the `adapters` library.

Each case is a list of adapters, bottom first; each adapter is the modules that one folder of that
library holds. The weights are random_adapter's, so that only the library's answers are kept.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from multitap_adapters.file import AdapterFile
from multitap_adapters.spec import Bottleneck, Ia3, Invertible, Lora, Module
from multitap_adapters.tokenizer import TokenizedRow
from random_adapters import random_adapter
from tiny_backbone import TinyConfig
from tiny_model import TinyModel, tiny_model

CONFIG = TinyConfig(hidden_size=16, intermediate_size=24, vocab_size=50, max_position_embeddings=12)
SEED = 7


@dataclass(frozen=True)
class StackCase:
    """Adapters, bottom first, and the places in them of the modules that the library leaves out."""

    adapters: Sequence[Sequence[Module]]
    ignored: frozenset[int] = frozenset()

    def modules(self) -> list[Module]:
        """Return every module, those of the bottom adapter first."""
        return [module for adapter in self.adapters for module in adapter]

    def file(self, model: TinyModel) -> AdapterFile:
        """Return all modules with random weights, one on the other, as the generator reads them."""
        return random_adapter(model.identity, SEED, modules=self.modules())


def model() -> TinyModel:
    """Return the backbone of all cases."""
    return tiny_model(CONFIG, seed=SEED)


def rows() -> list[TokenizedRow]:
    """Return the rows of all cases."""
    generator = torch.Generator().manual_seed(SEED)
    lengths = (6, 1)
    ids = [torch.randint(0, CONFIG.vocab_size, (n,), generator=generator) for n in lengths]
    return [TokenizedRow([int(i) for i in row], [0] * len(row), len(row)) for row in ids]


_NICE = Invertible(size=4, activation="relu")
_PFEIFFER = Bottleneck(size=3, sites=("ffn",), activation="relu", norm_before=True)
_HOULSBY = Bottleneck(size=4, activation="silu")
_ATTENTION = Bottleneck(size=2, sites=("attention",), activation="tanh")
_PLUS = Bottleneck(
    size=4,
    sites=("ffn",),
    activation="gelu",
    norm_before=True,
    norm_after=False,
    residual="input",
    scaling="channel",
)
_PARALLEL = Bottleneck(
    size=5, sites=("ffn",), activation="relu", arrangement="parallel", scaling=4.0
)
_NORMS = Bottleneck(
    size=4, activation="relu", new_norm_before=True, new_norm_after=True, scaling="learned"
)
_NORMS_LAST = Bottleneck(
    size=4,
    activation="relu",
    new_norm_after=True,
    residual_before_new_norm=True,
    norm_before=True,
    residual="sum",
)

STACKS: Mapping[str, StackCase] = {
    "pfeiffer_on_language": StackCase([[_NICE, _PFEIFFER], [_PFEIFFER]]),
    "houlsby_on_language": StackCase([[_NICE, _PFEIFFER], [_HOULSBY]]),
    "pfeiffer_on_houlsby": StackCase([[_HOULSBY], [_PFEIFFER]]),
    "attention_on_pfeiffer": StackCase([[_PFEIFFER], [_ATTENTION]]),
    "houlsby_on_attention": StackCase([[_ATTENTION], [_HOULSBY]]),
    "plus_on_pfeiffer": StackCase([[_PFEIFFER], [_PLUS]]),
    "pfeiffer_on_plus": StackCase([[_PLUS], [_PFEIFFER]]),
    "parallel_on_houlsby": StackCase([[_HOULSBY], [_PARALLEL]]),
    "houlsby_on_parallel": StackCase([[_PARALLEL], [_HOULSBY]]),
    "parallel_on_parallel": StackCase([[_PARALLEL], [_PARALLEL]]),
    "norms_on_pfeiffer": StackCase([[_PFEIFFER], [_NORMS]]),
    "pfeiffer_on_norms": StackCase([[_NORMS], [_PFEIFFER]]),
    "norms_on_norms": StackCase([[_NORMS_LAST], [_NORMS]]),
    "three": StackCase([[_NICE, _PFEIFFER], [_HOULSBY], [_NORMS_LAST]]),
    "layers_left_out": StackCase(
        [
            [_PFEIFFER.model_copy(update={"leave_out": (0,)})],
            [_HOULSBY.model_copy(update={"leave_out": (1,)})],
        ]
    ),
    "two_invertibles": StackCase([[_NICE, _PFEIFFER], [_NICE, _HOULSBY]], frozenset({2})),
    "invertible_of_the_second": StackCase([[_PFEIFFER], [_NICE, _HOULSBY]], frozenset({1})),
    "lora_on_lora": StackCase(
        [
            [Lora(projections=("query", "value"), r=2, alpha=3.0)],
            [Lora(projections=("query", "key"), r=4, alpha=4.0)],
        ]
    ),
    "three_loras": StackCase(
        [
            [Lora(projections=("query",), r=2, alpha=4.0)],
            [Lora(projections=("query", "value"), r=3, alpha=6.0)],
            [Lora(projections=("query", "value"), r=4, alpha=8.0)],
        ]
    ),
    "ia3_on_ia3": StackCase(
        [[Ia3(outputs=("key", "value", "ffn_up"))], [Ia3(outputs=("value", "ffn_up"))]]
    ),
    "lora_on_language": StackCase(
        [[_NICE, _PFEIFFER], [Lora(projections=("query", "ffn_up"), r=2, alpha=2.0)]]
    ),
}
