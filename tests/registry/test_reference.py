"""The grammar of what clients may name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multitap_registry.errors import InvalidReference
from multitap_registry.reference import Reference, parse_alias, parse_digest, parse_task

ESCAPES = ["", ".", "..", "../x", "a/b", "a\\b", "a\x00", "a\n", "A", "é", "a b", "a%", "-a", "a-"]


def test_task_alone_means_its_live_version() -> None:
    assert Reference.parse("spam") == Reference("spam", "live")


def test_number_after_the_at_sign_is_a_version() -> None:
    assert Reference.parse("spam@7") == Reference("spam", 7)


def test_name_after_the_at_sign_is_an_alias() -> None:
    assert Reference.parse("spam@candidate") == Reference("spam", "candidate")


@pytest.mark.parametrize("text", ["spam@", "spam@0", "spam@07", "spam@-1", "spam@1.5", "spam@a@b"])
def test_target_outside_the_grammar_is_refused(text: str) -> None:
    with pytest.raises(InvalidReference):
        Reference.parse(text)


@pytest.mark.parametrize("text", [*ESCAPES, "a" * 64])
def test_task_name_outside_the_grammar_is_refused(text: str) -> None:
    with pytest.raises(InvalidReference) as caught:
        parse_task(text)

    assert caught.value.text == text


@pytest.mark.parametrize("text", [*ESCAPES[:-1], "7", "1a", "a" * 33])
def test_alias_outside_the_grammar_is_refused(text: str) -> None:
    with pytest.raises(InvalidReference):
        parse_alias(text)


@pytest.mark.parametrize(
    "text", ["", "a" * 64, "sha256:" + "A" * 64, "sha256:" + "a" * 63, "sha256:../" + "a" * 61]
)
def test_digest_outside_the_grammar_is_refused(text: str) -> None:
    with pytest.raises(InvalidReference):
        parse_digest(text)


def test_message_cuts_a_long_text() -> None:
    with pytest.raises(InvalidReference) as caught:
        parse_task("x" * 1_000_000)

    assert len(str(caught.value)) < 300


@given(
    st.from_regex(r"[a-z0-9]([a-z0-9._-]{0,20}[a-z0-9])?", fullmatch=True),
    st.integers(1, 10**17) | st.from_regex(r"[a-z][a-z0-9._-]{0,31}", fullmatch=True),
)
def test_reference_survives_being_written_and_parsed(task: str, target: int | str) -> None:
    reference = Reference(task, target)

    assert Reference.parse(str(reference)) == reference
