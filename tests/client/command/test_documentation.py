"""docs/command.md names every verb and every option, and none that there is not."""

import re
from pathlib import Path

import pytest
from typer.main import get_command

from multitap.command.app import build_app

PAGE = (Path(__file__).parents[3] / "docs" / "command.md").read_text()
SECTIONS = dict(
    re.findall(r"^## multitap ([\w-]+)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
)


def options_of(verb: str) -> set[str]:
    """Return the options that a verb takes, help left out."""
    group = get_command(build_app())
    command = getattr(group, "commands")[verb]  # noqa: B009 (typer's type has no name for it)
    return {name for each in command.params for name in each.opts if name.startswith("-")} - {
        "--help",
        "-h",
    }


def verbs() -> list[str]:
    """Return every verb."""
    return list(getattr(get_command(build_app()), "commands"))  # noqa: B009


def test_every_verb_has_a_section_and_a_line_in_the_list() -> None:
    assert set(SECTIONS) == set(verbs())
    for verb in verbs():
        assert f"[`{verb}`](#multitap-{verb})" in PAGE


@pytest.mark.parametrize("verb", verbs())
def test_every_option_is_in_its_verbs_table_and_no_other_is(verb: str) -> None:
    rows = re.findall(r"^\| (`-.*?) \|", SECTIONS[verb], re.MULTILINE)

    assert {name for row in rows for name in re.findall(r"`(.*?)`", row)} == options_of(verb)
