"""Folders of tiny random backbones of every family, laid out as `transformers` saves its models.

Written without `transformers`, whose import takes seconds; tests/adapters/test_encoder.py and
test_families.py show that it loads the same folders, every tensor of them.
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
_FIELDS = {
    "hidden_size": "dim",
    "num_hidden_layers": "n_layers",
    "num_attention_heads": "n_heads",
    "intermediate_size": "hidden_dim",
    "hidden_act": "activation",
}  # of DistilBERT
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
    """The settings of a tiny backbone, most under their names in a BERT's config.json."""

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
    pad_token_id: int = 0
    embedding_size: int | None = None

    def document(self) -> dict[str, object]:
        """Return config.json as the family has it."""
        fields: dict[str, object] = asdict(self)
        if self.model_type != "electra":
            del fields["embedding_size"]
        elif self.embedding_size is None:
            fields["embedding_size"] = self.hidden_size
        if self.model_type != "distilbert":
            return fields
        del fields["type_vocab_size"], fields["layer_norm_eps"]
        return {_FIELDS.get(name, name): value for name, value in fields.items()}


FAMILY_CONFIGS = {
    "bert": TinyConfig(),
    "roberta": TinyConfig(
        "roberta",
        max_position_embeddings=66,
        type_vocab_size=1,
        layer_norm_eps=1e-5,
        pad_token_id=1,
    ),
    "xlm-roberta": TinyConfig(
        "xlm-roberta", max_position_embeddings=66, type_vocab_size=1, pad_token_id=1
    ),
    "camembert": TinyConfig(
        "camembert", max_position_embeddings=66, type_vocab_size=1, pad_token_id=1
    ),
    "electra": TinyConfig("electra", embedding_size=16),
    "distilbert": TinyConfig("distilbert"),
}
"""One backbone of every family, each with positions for 64 tokens."""


def tiny_weights(config: TinyConfig, seed: int = 0) -> dict[str, Tensor]:
    """Return a whole base model's random tensors, the unused pooler included.

    Biases and layer norms are drawn as widely as the rest, so that a forgotten one shows.
    """
    generator = torch.Generator().manual_seed(seed)
    return {
        name: torch.normal(
            1.0 if name.lower().endswith(("layernorm.weight", "layer_norm.weight")) else 0.0,
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
    (path / "config.json").write_text(json.dumps(config.document()), encoding="utf-8")
    (path / "tokenizer.json").write_text(tiny_tokenizer().to_str(), encoding="utf-8")
    weights = tiny_weights(config, seed)
    save_tensors(path / "model.safetensors", {prefix + n: t for n, t in weights.items()})
    return path


def _shapes(config: TinyConfig) -> Iterator[tuple[str, tuple[int, ...]]]:
    hidden, distilled = config.hidden_size, config.model_type == "distilbert"
    size = config.embedding_size or hidden
    yield "embeddings.word_embeddings.weight", (config.vocab_size, size)
    yield "embeddings.position_embeddings.weight", (config.max_position_embeddings, size)
    if not distilled:
        yield "embeddings.token_type_embeddings.weight", (config.type_vocab_size, size)
    yield from _norm("embeddings.LayerNorm", size)
    if size != hidden:
        yield from _linear("embeddings_project", size, hidden)
    for index in range(config.num_hidden_layers):
        yield from (_distilled_layer if distilled else _layer)(config, index)
    if config.model_type not in ("distilbert", "electra"):
        yield from _linear("pooler.dense", hidden, hidden)


def _layer(config: TinyConfig, index: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    hidden, inner, layer = config.hidden_size, config.intermediate_size, f"encoder.layer.{index}"
    for part in ("query", "key", "value"):
        yield from _linear(f"{layer}.attention.self.{part}", hidden, hidden)
    yield from _linear(f"{layer}.attention.output.dense", hidden, hidden)
    yield from _norm(f"{layer}.attention.output.LayerNorm", hidden)
    yield from _linear(f"{layer}.intermediate.dense", hidden, inner)
    yield from _linear(f"{layer}.output.dense", inner, hidden)
    yield from _norm(f"{layer}.output.LayerNorm", hidden)


def _distilled_layer(config: TinyConfig, index: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    hidden, inner, layer = (
        config.hidden_size,
        config.intermediate_size,
        f"transformer.layer.{index}",
    )
    for part in ("q_lin", "k_lin", "v_lin", "out_lin"):
        yield from _linear(f"{layer}.attention.{part}", hidden, hidden)
    yield from _norm(f"{layer}.sa_layer_norm", hidden)
    yield from _linear(f"{layer}.ffn.lin1", hidden, inner)
    yield from _linear(f"{layer}.ffn.lin2", inner, hidden)
    yield from _norm(f"{layer}.output_layer_norm", hidden)


def _linear(name: str, inputs: int, outputs: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield f"{name}.weight", (outputs, inputs)
    yield f"{name}.bias", (outputs,)


def _norm(name: str, size: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield f"{name}.weight", (size,)
    yield f"{name}.bias", (size,)
