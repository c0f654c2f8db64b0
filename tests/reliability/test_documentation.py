"""The table of invariants names the tests that prove them, all of them, and no others."""

import re

import pytest

_NAME = re.compile(r"\btest_\w+")
_DEFINED = re.compile(r"^(?:async )?def (test_\w+)", re.MULTILINE)


@pytest.fixture(scope="module")
def defined(pytestconfig: pytest.Config) -> set[str]:
    """Return the names of all tests."""
    files = (pytestconfig.rootpath / "tests").rglob("test_*.py")
    return {name for file in files for name in _DEFINED.findall(file.read_text(encoding="utf-8"))}


def test_every_invariant_test_is_in_the_table_and_every_name_there_is_a_test(
    pytestconfig: pytest.Config, defined: set[str]
) -> None:
    page = (pytestconfig.rootpath / "docs" / "reliability.md").read_text(encoding="utf-8")
    files = set(re.findall(r"(test_\w+)\.py", page))
    named = set(_NAME.findall(page)) - files

    assert named <= defined
    assert {name for name in defined if name.startswith("test_invariant_")} <= named
