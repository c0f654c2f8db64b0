"""What every registry promises of deleting versions, aliases and tasks."""

import pytest

from multitap_registry.contract import Registry
from multitap_registry.errors import (
    AliasConflict,
    AliasNotFound,
    RegistryError,
    TaskNotFound,
    VersionInUse,
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


def test_deleted_version_is_a_tombstone_and_not_found(registry: Registry) -> None:
    record = registry.delete_version("spam", 2, by="bob")

    assert (record.version, record.state) == (2, "deleted")
    with pytest.raises(VersionNotFound):
        registry.version("spam", 2)
    with pytest.raises(VersionNotFound):
        registry.resolve(Reference("spam", 2))
    with pytest.raises(VersionNotFound):
        registry.point("spam", "live", 2, by="bob")
    assert registry.task("spam").versions == 1


def test_deleted_version_cannot_be_deleted_again(registry: Registry) -> None:
    registry.delete_version("spam", 2, by="bob")

    with pytest.raises(VersionNotFound):
        registry.delete_version("spam", 2, by="bob")


def test_version_that_an_alias_points_at_is_in_use(registry: Registry) -> None:
    registry.point("spam", "candidate", 1, by="bob")

    with pytest.raises(VersionInUse) as caught:
        registry.delete_version("spam", 1, by="bob")

    assert (caught.value.version, caught.value.aliases) == (1, ("candidate", "live"))
    assert registry.version("spam", 1).state == "ready"


def test_number_of_a_deleted_version_is_never_used_again(registry: Registry) -> None:
    registry.delete_version("spam", 2, by="bob")

    again = publish(registry, "spam", sample_adapter(2))

    assert (again.created, again.record.version) == (True, 3)


def test_deleted_alias_is_gone_and_its_version_stays(registry: Registry) -> None:
    registry.delete_alias("spam", "live", by="bob")

    assert registry.task("spam").aliases == {}
    assert registry.version("spam", 1).aliases == ()
    with pytest.raises(AliasNotFound):
        registry.resolve(Reference("spam"))
    with pytest.raises(AliasNotFound):
        registry.delete_alias("spam", "live", by="bob")


def test_alias_elsewhere_than_expected_is_not_deleted(registry: Registry) -> None:
    with pytest.raises(AliasConflict):
        registry.delete_alias("spam", "live", by="bob", expected=2)

    assert registry.task("spam").live == 1


def test_task_with_aliases_is_deleted_only_by_force(registry: Registry) -> None:
    with pytest.raises(VersionInUse) as caught:
        registry.delete_task("spam", by="bob")
    assert (caught.value.version, caught.value.aliases) == (None, ("live",))
    assert registry.task("spam").versions == 2

    registry.delete_task("spam", by="bob", force=True)

    assert not registry.tasks(limit=9).records


def test_task_without_aliases_is_deleted_without_force(registry: Registry) -> None:
    registry.delete_alias("spam", "live", by="bob")

    registry.delete_task("spam", by="bob")

    with pytest.raises(TaskNotFound):
        registry.task("spam")


def test_task_that_was_deleted_is_not_found_by_any_call(registry: Registry) -> None:
    registry.delete_task("spam", by="bob", force=True)

    for call in (
        lambda: registry.task("spam"),
        lambda: registry.resolve(Reference("spam")),
        lambda: registry.versions("spam", limit=9),
        lambda: registry.history("spam", "live"),
        lambda: registry.point("spam", "live", 1, by="bob"),
        lambda: registry.rollback("spam", "live", by="bob"),
        lambda: registry.delete_alias("spam", "live", by="bob"),
        lambda: registry.delete_version("spam", 1, by="bob"),
        lambda: registry.delete_task("spam", by="bob", force=True),
        lambda: registry.tag("spam", 1, by="bob", add=["x"]),
    ):
        with pytest.raises(TaskNotFound):
            call()


def test_numbers_of_a_deleted_task_go_on(registry: Registry) -> None:
    registry.delete_task("spam", by="bob", force=True)

    record = publish(registry, "spam", sample_adapter(1)).record

    assert (record.version, record.aliases) == (3, ("live",))
    assert [(m.origin, m.target) for m in registry.history("spam", "live")] == [
        (None, 1),
        (1, None),
        (None, 3),
    ]


@pytest.mark.parametrize("version", [0, -1, 3, 10**30])
def test_deleting_what_is_not_there_is_refused(registry: Registry, version: int) -> None:
    with pytest.raises(VersionNotFound):
        registry.delete_version("spam", version, by="bob")
    with pytest.raises(TaskNotFound):
        registry.delete_version("ham", 1, by="bob")


def test_refused_deletions_leave_no_event(registry: Registry) -> None:
    before = registry.last_event()
    for call in (
        lambda: registry.delete_version("spam", 1, by="bob"),
        lambda: registry.delete_task("spam", by="bob"),
        lambda: registry.delete_alias("spam", "candidate", by="bob"),
    ):
        with pytest.raises(RegistryError):
            call()

    assert registry.last_event() == before
