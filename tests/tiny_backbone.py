"""Folders of tiny random backbones, laid out as `transformers` saves a BertModel.

Written without `transformers`, whose import takes seconds; tests/adapters/test_encoder.py shows
that it loads the same folders, every tensor of them.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing
from torch import Tensor

from safetensors_files import save_tensors

DEVIATION = 0.2

_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
_WORDS = (
    "the a of and to in is was it that for on with as not no yes good bad film book time people "
    "very fine awful what who where when how many one two win free cash card lost transfer money"
)
_CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
_MARKS = ".,!?'"


def tiny_vocabulary() -> dict[str, int]:
    """Return the tiny tokenizer's pieces: words, every letter and digit, their continuations."""
    continuations = [f"##{character}" for character in _CHARACTERS]
    pieces = (*_SPECIAL, *_WORDS.split(), *_CHARACTERS, *_MARKS, *continuations)
    return {piece: index for index, piece in enumerate(dict.fromkeys(pieces))}


def tiny_tokenizer() -> Tokenizer:
    """Return a WordPiece tokenizer with BERT's template, which can spell any plain word."""
    vocabulary = tiny_vocabulary()
    tokenizer = Tokenizer(WordPiece(vocabulary, unk_token="[UNK]"))  # noqa: S106  a piece
    tokenizer.normalizer = BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS]:0 $A:0 [SEP]:0",
        pair="[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1",
        special_tokens=[(name, vocabulary[name]) for name in ("[CLS]", "[SEP]")],
    )
    return tokenizer


@dataclass(frozen=True, slots=True)
class TinyConfig:
    """The fields of a tiny backbone's config.json, under the names of `transformers`."""

    model_type: str = "bert"
    hidden_size: int = 32
    num_hidden_layers: int = 2
    num_attention_heads: int = 4
    intermediate_size: int = 64
    max_position_embeddings: int = 64
    type_vocab_size: int = 2
    vocab_size: int = len(tiny_vocabulary())
    hidden_act: str = "gelu"
    layer_norm_eps: float = 1e-12


def tiny_weights(config: TinyConfig, seed: int = 0) -> dict[str, Tensor]:
    """Return a whole BertModel's random tensors, the unused pooler included.

    Biases and layer norms are drawn as widely as the rest, so that a forgotten one shows.
    """
    generator = torch.Generator().manual_seed(seed)
    return {
        name: torch.normal(
            1.0 if name.endswith("LayerNorm.weight") else 0.0,
            DEVIATION,
            shape,
            generator=generator,
        )
        for name, shape in _shapes(config)
    }


def tiny_backbone_folder(
    path: Path, *, seed: int = 0, config: TinyConfig | None = None, prefix: str = ""
) -> Path:
    """Write config.json, tokenizer.json and model.safetensors into a new folder, and return it.

    The same arguments give the same digests; another seed gives other weights. `prefix` stands
    before the tensors' names.
    """
    config = config or TinyConfig()
    path.mkdir(parents=True)
    (path / "config.json").write_text(json.dumps(asdict(config)), encoding="utf-8")
    (path / "tokenizer.json").write_text(tiny_tokenizer().to_str(), encoding="utf-8")
    weights = tiny_weights(config, seed)
    save_tensors(path / "model.safetensors", {prefix + n: t for n, t in weights.items()})
    return path


def _shapes(config: TinyConfig) -> Iterator[tuple[str, tuple[int, ...]]]:
    hidden, inner = config.hidden_size, config.intermediate_size
    yield "embeddings.word_embeddings.weight", (config.vocab_size, hidden)
    yield "embeddings.position_embeddings.weight", (config.max_position_embeddings, hidden)
    yield "embeddings.token_type_embeddings.weight", (config.type_vocab_size, hidden)
    yield from _norm("embeddings", hidden)
    for index in range(config.num_hidden_layers):
        layer = f"encoder.layer.{index}"
        for part in ("query", "key", "value"):
            yield from _linear(f"{layer}.attention.self.{part}", hidden, hidden)
        yield from _linear(f"{layer}.attention.output.dense", hidden, hidden)
        yield from _norm(f"{layer}.attention.output", hidden)
        yield from _linear(f"{layer}.intermediate.dense", hidden, inner)
        yield from _linear(f"{layer}.output.dense", inner, hidden)
        yield from _norm(f"{layer}.output", hidden)
    yield from _linear("pooler.dense", hidden, hidden)


def _linear(name: str, inputs: int, outputs: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield f"{name}.weight", (outputs, inputs)
    yield f"{name}.bias", (outputs,)


def _norm(name: str, size: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield f"{name}.LayerNorm.weight", (size,)
    yield f"{name}.LayerNorm.bias", (size,)
