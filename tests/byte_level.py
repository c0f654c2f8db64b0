"""A byte-level BPE tokenizer with RoBERTa's special tokens, trained on a few words."""

from tokenizers import Tokenizer
from tokenizers.decoders import ByteLevel as ByteLevelDecoder
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel
from tokenizers.processors import RobertaProcessing
from tokenizers.trainers import BpeTrainer

SPECIAL = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
"""The special tokens, with the ids 0 to 4."""

_TEXT = "the a of and film book time people very was with good bad fine awful is it yes no who what"


def byte_level_tokenizer() -> Tokenizer:
    """Return a tokenizer of 320 pieces that can spell any text."""
    tokenizer = Tokenizer(BPE(unk_token="<unk>"))  # noqa: S106  a piece
    tokenizer.pre_tokenizer = ByteLevel(add_prefix_space=False)
    tokenizer.decoder = ByteLevelDecoder()
    trainer = BpeTrainer(
        vocab_size=320,
        special_tokens=list(SPECIAL),
        initial_alphabet=ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([_TEXT] * 3, trainer)
    tokenizer.post_processor = RobertaProcessing(("</s>", 2), ("<s>", 0))
    return tokenizer
