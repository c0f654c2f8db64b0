"""Offsets are code points of the text as it was sent, whatever the tokenizer makes of it."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from multitap_adapters.embedded import embedded_folder
from multitap_adapters.tokenizer import Tokenizer
from noisy_texts import NOISE, with_noise
from offset_checks import count_parts
from other_tokenizers import byte_tokenizer, piece_tokenizer
from tiny_backbone import tiny_tokenizer

TOKENIZERS: dict[str, Callable[[], Tokenizer]] = {
    "tiny": lambda: Tokenizer(tiny_tokenizer().to_str()),
    "embedded": lambda: Tokenizer.read(embedded_folder()),
    "bytes": byte_tokenizer,
    "pieces": piece_tokenizer,
}
PLAIN = "The quick brown fox, O'Brien's, jumped over 3.14 lazy dogs in New-York (U.S.)."
Texts = st.lists(
    st.one_of(st.sampled_from([*NOISE, "Paris", "word", " ", ".", "'s"]), st.text(max_size=3)),
    max_size=20,
).map("".join)


@pytest.fixture(scope="module", params=TOKENIZERS)
def tokenizer(request: pytest.FixtureRequest) -> Tokenizer:
    return TOKENIZERS[str(request.param)]()


@settings(max_examples=50)
@given(text=Texts, seed=st.integers(0, 50))
def test_entities_and_answers_are_where_they_say(
    tokenizer: Tokenizer, text: str, seed: int
) -> None:
    count_parts(tokenizer, text, seed)


@pytest.mark.parametrize("seed", range(20))
def test_noise_in_a_sentence_moves_no_offset(tokenizer: Tokenizer, seed: int) -> None:
    assert count_parts(tokenizer, with_noise(PLAIN, seed), seed) > 10
