"""Where the words of a text are, whatever the tokenizer: a word is what a tagged corpus would list.

Taggers learn from texts that people have split, and only a word's first token gets a label. So the
words must not depend on the tokenizer, which would split "don't" into three. The rules:

* a word is a run of letters, digits and their marks; an apostrophe, hyphen, point, `&` or `@`
  between two of them joins, and between digits also a comma, colon or slash: don't, well-known,
  U.S, AT&T, 3.14, 10:30;
* abbreviations of single letters keep their last point: U.S., e.g.;
* `@` and `#` belong to the name behind them; a web address is one word;
* the possessive 's is a word of its own, as in the English corpora: Obama|'s;
* every ideograph and hiragana letter is a word, since their scripts do not mark words;
* any other visible character is a word, or several of the same one in a row: "...", "!!";
* spaces and invisible characters belong to no word.

Marks, joiners and skin tones stay with the character that they change.
"""

import re
import unicodedata
from collections.abc import Iterator
from itertools import groupby
from typing import Final

Span = tuple[int, int]

# The classes of characters, one letter each: a text's classes have the text's own offsets.
_LETTER, _DIGIT, _IDEOGRAPH, _MARK, _JOINER, _FLAG, _SYMBOL, _BLANK = "ldcmzfs "
_ATTACHED: Final = (_MARK, _JOINER)
_OWN_CLASS: Final = (
    {character: character for character in "'-.&@#,:/"}
    | {"_": _LETTER, "\u2019": "'", "\u2010": "-", "\u2011": "-"}
    | dict.fromkeys("\u200c\u200d\u00ad", _JOINER)
)
_RANGES: Final = {
    (0x3005, 0x3007): _IDEOGRAPH,
    (0x3041, 0x3096): _IDEOGRAPH,
    (0x3400, 0x4DBF): _IDEOGRAPH,
    (0x4E00, 0x9FFF): _IDEOGRAPH,
    (0xF900, 0xFAFF): _IDEOGRAPH,
    (0x20000, 0x323AF): _IDEOGRAPH,
    (0x1F1E6, 0x1F1FF): _FLAG,
    (0x1F3FB, 0x1F3FF): _MARK,  # skin tones
}
# By Unicode's general category, or its first letter.
_CATEGORIES: Final = {
    "Nd": _DIGIT,
    "L": _LETTER,
    "N": _LETTER,
    "M": _MARK,
    "P": _SYMBOL,
    "S": _SYMBOL,
}

_ADDRESS: Final = re.compile(r"(?<!\w)(?:https?://|www\.)\S*[\w/]")
_WORDS: Final = re.compile(
    r"""
      (?:l[mz]*\.){2,}(?![ld])
    | [@#]?[ld][mz]*(?:(?:['.\-&@]|(?<=d)[,:/](?=d))?[ld][mz]*)*
    | c[mz]*
    | f{1,2}
    | (?P<run>['.\-&@#,:/s]+)(?![mz])
    | ['.\-&@#,:/s][mz]+(?:(?<=z)['.\-&@#,:/s][mz]*)*
    """,
    re.VERBOSE,
)


def split_words(text: str) -> list[Span]:
    """Return the words' spans in code points, in order, none of them empty, none overlapping."""
    return list(_spans(text))


def end_with_marks(text: str, end: int) -> int:
    """Return where the character before `end` ends, with the marks and joiners behind it."""
    while end < len(text) and not text[end].isascii() and _class_of(text[end]) in _ATTACHED:
        end += 1
    return end


def _spans(text: str) -> Iterator[Span]:
    # An address is one word, as a run of letters of its length would be.
    plain = _ADDRESS.sub(lambda found: "w" * len(found[0]), text)
    for found in _WORDS.finditer(plain.translate(_Classes(_ASCII))):
        start, end = found.span()
        if found["run"] is not None:
            for _, same in groupby(text[start:end]):
                length = len(list(same))
                yield start, start + length
                start += length
        elif end - start > 2 and text[end - 1] in "sS" and text[end - 2] in "'\u2019":  # noqa: PLR2004  's
            yield start, end - 2
            yield end - 2, end
        else:
            yield start, end


class _Classes(dict[int, str]):
    """The class of every character, found out when it is first asked for."""

    def __missing__(self, code: int) -> str:
        found = self[code] = _class_of(chr(code))
        return found


def _class_of(character: str) -> str:
    own = _OWN_CLASS.get(character)
    if own is not None:
        return own
    code = ord(character)
    for (first, last), found in _RANGES.items():
        if first <= code <= last:
            return found
    category = unicodedata.category(character)
    return _CATEGORIES.get(category) or _CATEGORIES.get(category[0], _BLANK)


_ASCII: Final = {code: _class_of(chr(code)) for code in range(128)}
