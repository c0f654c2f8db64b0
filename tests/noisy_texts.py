"""Texts with what real ones are full of: emoji, combining marks, tabs, line ends, odd spaces."""

import random

NOISE = (
    *("👍🏽", "👩\u200d👩\u200d👧", "😂😂", "❤️", "🇩🇪"),
    *("e\u0301", "n\u0303o", "\u0301", "\u200b", "\ufeff", "\u0130", "\u00df", "\ufb01", "\u00bd"),
    *("\t", "\r\n", "\n\n", "  ", "\u00a0", "\u3000"),
    *("東京", "…", "don't", "U.S."),
)


def with_noise(text: str, seed: int, *, pieces: int = 6) -> str:
    """Return the text with pieces of noise at random places, inside of words too."""
    chance = random.Random(seed)  # noqa: S311  no secret
    for _ in range(pieces):
        place = chance.randint(0, len(text))
        text = text[:place] + chance.choice(NOISE) + text[place:]
    return text
