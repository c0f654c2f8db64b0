"""Texts as a terminal shows them."""

import pytest

from multitap.command.wording import one_line, short_digest, shorten, shorten_list, size


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain é 🙂", "plain é 🙂"),
        ("a\n\tb  c", "a b c"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("\u202eevil", "\\u202eevil"),
        ("\ud800", "\\ud800"),
    ],
)
def test_a_text_is_one_printable_line(text: str, shown: str) -> None:
    assert one_line(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"), [("abcde", "abcde"), ("abcdef", "abcd…"), ("a b c d", "a b …"), ("", "")]
)
def test_a_long_text_is_cut(text: str, shown: str) -> None:
    assert shorten(text, 5) == shown


@pytest.mark.parametrize(
    ("items", "shown"),
    [
        (["no", "yes"], "no, yes"),
        (["aaaa", "bbbb", "cccc"], "aaaa, bbbb, … (3 in all)"),
        (["a-very-long-label", "b"], "a-very-lo…, … (2 in all)"),
        ([], ""),
    ],
)
def test_a_long_list_says_how_many_there_are(items: list[str], shown: str) -> None:
    assert shorten_list(items, 10) == shown


@pytest.mark.parametrize(
    ("size_bytes", "shown"),
    [
        (0, "0 bytes"),
        (1023, "1023 bytes"),
        (1024, "1.0 KiB"),
        (700_000, "683.6 KiB"),
        (2**28, "256.0 MiB"),
    ],
)
def test_sizes_have_a_fitting_unit(size_bytes: int, shown: str) -> None:
    assert size(size_bytes) == shown


def test_a_digest_is_cut_to_its_first_digits() -> None:
    assert short_digest("sha256:0123456789abcdef") == "0123456789ab"
