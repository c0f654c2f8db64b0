"""What every registry promises of aliases."""

import pytest

from multitap_registry.contract import Registry
from multitap_registry.errors import (
    AliasConflict,
    InvalidReference,
    TaskNotFound,
    VersionNotFound,
)
from multitap_registry.reference import Reference
from publishing import publish
from sample_adapters import sample_adapter


@pytest.fixture(autouse=True)
def two_versions(registry: Registry) -> None:
    """Publish two versions of `spam`, the first of them live."""
    publish(registry, "spam", sample_adapter(1))
    publish(registry, "spam", sample_adapter(2))


def test_alias_points_where_it_was_pointed(registry: Registry) -> None:
    record = registry.point("spam", "live", 2, by="somebody")

    assert (record.version, record.aliases) == (2, ("live",))
    assert registry.resolve(Reference("spam")) == record
    assert registry.task("spam").aliases == {"live": 2}


def test_new_alias_is_made_by_pointing_it(registry: Registry) -> None:
    registry.point("spam", "candidate", 2, by="somebody")

    assert registry.task("spam").aliases == {"live": 1, "candidate": 2}


def test_version_that_an_alias_left_no_longer_names_it(registry: Registry) -> None:
    registry.point("spam", "live", 2, by="somebody")

    assert registry.version("spam", 1).aliases == ()


def test_aliases_of_a_version_are_in_order(registry: Registry) -> None:
    for alias in ("zulu", "alpha"):
        registry.point("spam", alias, 1, by="somebody")

    assert registry.version("spam", 1).aliases == ("alpha", "live", "zulu")


def test_move_changes_when_the_task_was_updated(registry: Registry) -> None:
    before = registry.task("spam").updated_at

    registry.point("spam", "live", 2, by="somebody")

    assert registry.task("spam").updated_at > before


def test_pointing_where_it_is_already_changes_nothing(registry: Registry) -> None:
    before = registry.task("spam")

    record = registry.point("spam", "live", 1, by="somebody", expected=1)

    assert record.version == 1
    assert registry.task("spam") == before


def test_move_from_where_it_was_expected_succeeds(registry: Registry) -> None:
    assert registry.point("spam", "live", 2, by="somebody", expected=1).version == 2


def test_move_from_elsewhere_is_a_conflict_and_does_not_happen(registry: Registry) -> None:
    with pytest.raises(AliasConflict) as caught:
        registry.point("spam", "live", 2, by="somebody", expected=2)

    assert (caught.value.expected, caught.value.actual) == (2, 1)
    assert registry.task("spam").live == 1


def test_expecting_no_alias_makes_a_new_one(registry: Registry) -> None:
    registry.point("spam", "candidate", 2, by="somebody", expected=None)

    assert registry.task("spam").aliases["candidate"] == 2


def test_expecting_no_alias_conflicts_with_one(registry: Registry) -> None:
    with pytest.raises(AliasConflict) as caught:
        registry.point("spam", "live", 2, by="somebody", expected=None)

    assert (caught.value.expected, caught.value.actual) == (None, 1)


def test_expecting_a_version_of_a_missing_alias_is_a_conflict(registry: Registry) -> None:
    with pytest.raises(AliasConflict) as caught:
        registry.point("spam", "candidate", 2, by="somebody", expected=1)

    assert (caught.value.expected, caught.value.actual) == (1, None)


def test_alias_of_an_unknown_task_cannot_be_pointed(registry: Registry) -> None:
    with pytest.raises(TaskNotFound):
        registry.point("ham", "live", 1, by="somebody")


@pytest.mark.parametrize("version", [0, -1, 3, 10**30])
def test_alias_cannot_point_at_a_version_that_is_not_there(
    registry: Registry, version: int
) -> None:
    with pytest.raises(VersionNotFound):
        registry.point("spam", "live", version, by="somebody")

    assert registry.task("spam").live == 1


@pytest.mark.parametrize("alias", ["", "7", "Live", "../live", "live@1", "a" * 33])
def test_alias_outside_the_grammar_is_refused(registry: Registry, alias: str) -> None:
    with pytest.raises(InvalidReference):
        registry.point("spam", alias, 1, by="somebody")


def test_aliases_of_a_record_cannot_be_changed_by_its_holder(registry: Registry) -> None:
    aliases = registry.task("spam").aliases

    with pytest.raises(TypeError):
        aliases["live"] = 2  # type: ignore[index]  # pyright: ignore[reportIndexIssue]


def test_record_of_the_past_does_not_change(registry: Registry) -> None:
    task, version = registry.task("spam"), registry.version("spam", 1)

    registry.point("spam", "live", 2, by="somebody")

    assert (task.aliases, version.aliases) == ({"live": 1}, ("live",))
