"""What every registry promises of tags."""

import pytest

from multitap_registry.contract import Registry, TaskFilter
from multitap_registry.errors import InvalidReference, TooManyTags, VersionNotFound
from publishing import publish
from sample_adapters import sample_adapter


@pytest.fixture(autouse=True)
def two_versions(registry: Registry) -> None:
    """Publish two versions of `spam`, the first of them live."""
    publish(registry, "spam", sample_adapter(1))
    publish(registry, "spam", sample_adapter(2))


def test_tags_are_added_and_taken_away_in_order(registry: Registry) -> None:
    registry.tag("spam", 1, by="ann", add=["zulu", "alpha"])
    record = registry.tag("spam", 1, by="ann", add=["team:nlp"], remove=["zulu", "never-there"])

    assert record.tags == ("alpha", "team:nlp")
    assert registry.version("spam", 1).tags == record.tags
    assert registry.version("spam", 2).tags == ()


def test_tagging_as_it_is_changes_nothing(registry: Registry) -> None:
    registry.tag("spam", 1, by="ann", add=["a"])
    before = registry.task("spam"), registry.last_event()

    registry.tag("spam", 1, by="ann", add=["a"], remove=["b"])

    assert (registry.task("spam"), registry.last_event()) == before


def test_versions_are_listed_by_tag(registry: Registry) -> None:
    registry.tag("spam", 1, by="ann", add=["good"])

    assert [v.version for v in registry.versions("spam", limit=9, tag="good").records] == [1]
    assert not registry.versions("spam", limit=9, tag="goo").records


def test_tasks_are_found_by_the_tag_of_any_ready_version(registry: Registry) -> None:
    publish(registry, "ham", sample_adapter(3))
    registry.tag("spam", 2, by="ann", add=["good"])
    assert [t.task for t in registry.tasks(limit=9, where=TaskFilter(tag="good")).records] == [
        "spam"
    ]

    registry.delete_version("spam", 2, by="ann")

    assert not registry.tasks(limit=9, where=TaskFilter(tag="good")).records


@pytest.mark.parametrize("tag", ["", " ", "-a", "a b", "é", "a" * 65, "a\n"])
def test_tag_outside_the_grammar_is_refused(registry: Registry, tag: str) -> None:
    with pytest.raises(InvalidReference):
        registry.tag("spam", 1, by="ann", add=[tag])
    with pytest.raises(InvalidReference):
        registry.tag("spam", 1, by="ann", remove=[tag])


def test_more_than_thirty_two_tags_are_refused(registry: Registry) -> None:
    registry.tag("spam", 1, by="ann", add=[f"t{n}" for n in range(32)])

    with pytest.raises(TooManyTags) as caught:
        registry.tag("spam", 1, by="ann", add=["one-more"])

    assert (caught.value.count, caught.value.limit) == (33, 32)
    assert len(registry.version("spam", 1).tags) == 32


def test_deleted_version_cannot_be_tagged(registry: Registry) -> None:
    registry.delete_version("spam", 2, by="ann")

    with pytest.raises(VersionNotFound):
        registry.tag("spam", 2, by="ann", add=["a"])
