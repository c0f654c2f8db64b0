"""Tokenizers of the other kinds that encoders have, small: bytes, and pieces with their spaces."""

from string import ascii_lowercase

from tokenizers import Tokenizer as LibraryTokenizer
from tokenizers import pre_tokenizers, processors
from tokenizers.models import BPE, Unigram

from multitap_adapters.tokenizer import Tokenizer

_MARKS = ".,!?'-"


def byte_tokenizer(*, prefix_space: bool = False) -> Tokenizer:
    """Return a byte-level tokenizer as RoBERTa has it: every byte a token, a few merges."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    pieces = ["<s>", "</s>", *alphabet, "ĠP", "ĠPa", "th", "the"]
    merges = [("Ġ", "P"), ("ĠP", "a"), ("t", "h"), ("th", "e")]
    tokenizer = LibraryTokenizer(BPE({piece: i for i, piece in enumerate(pieces)}, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix_space)
    tokenizer.post_processor = processors.RobertaProcessing(
        ("</s>", 1), ("<s>", 0), trim_offsets=False, add_prefix_space=prefix_space
    )
    return Tokenizer(tokenizer.to_str())


def piece_tokenizer() -> Tokenizer:
    """Return a tokenizer of pieces that begin with their space, as XLM-R has it."""
    pieces = ["<s>", "</s>", "<unk>", "▁", *ascii_lowercase, *_MARKS, "▁a", "▁the", "▁pa", "ri"]
    vocabulary = [(piece, -2.0 if len(piece) > 1 else -5.0) for piece in pieces]
    tokenizer = LibraryTokenizer(Unigram(vocabulary, unk_id=2))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", 0), ("</s>", 1)],
    )
    return Tokenizer(tokenizer.to_str())
