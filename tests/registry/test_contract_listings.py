"""What every registry promises of its lists and their pages."""

from collections.abc import Sequence

import pytest

from multitap_adapters.spec import AdapterSpec, Head, HeadLayer
from multitap_registry.contract import EVERYTHING, Registry, TaskFilter, TaskRecord
from multitap_registry.errors import InvalidReference, TaskNotFound
from publishing import publish
from sample_adapters import SAMPLE_BACKBONE, random_file, sample_adapter


def names(records: Sequence[TaskRecord]) -> list[str]:
    """Return the names of the tasks, in order."""
    return [record.task for record in records]


def every_page(registry: Registry, limit: int, where: TaskFilter = EVERYTHING) -> list[list[str]]:
    """Return the names on every page."""
    pages: list[list[str]] = []
    after = None
    while True:
        page = registry.tasks(limit=limit, after=after, where=where)
        pages.append(names(page.records))
        after = page.next
        if after is None:
            return pages


def publish_all(registry: Registry, *tasks: str) -> None:
    """Publish one version of each task."""
    for task in tasks:
        publish(registry, task, sample_adapter())


def test_empty_registry_has_one_empty_page(registry: Registry) -> None:
    assert every_page(registry, 10) == [[]]


def test_tasks_are_listed_by_name(registry: Registry) -> None:
    publish_all(registry, "b", "a", "a-1", "a.1", "a_1", "10", "9")

    assert every_page(registry, 10) == [["10", "9", "a", "a-1", "a.1", "a_1", "b"]]


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        (1, [["a"], ["b"], ["c"], ["d"]]),
        (2, [["a", "b"], ["c", "d"]]),
        (3, [["a", "b", "c"], ["d"]]),
        (4, [["a", "b", "c", "d"]]),
    ],
)
def test_pages_hold_every_task_once(
    registry: Registry, limit: int, expected: list[list[str]]
) -> None:
    publish_all(registry, "d", "b", "a", "c")

    assert every_page(registry, limit) == expected


def test_task_that_comes_between_two_pages_moves_none_of_the_others(registry: Registry) -> None:
    publish_all(registry, "a", "c", "e")
    first = registry.tasks(limit=2)
    publish_all(registry, "b", "d")

    assert names(registry.tasks(limit=2, after=first.next).records) == ["d", "e"]


def test_cursor_that_names_no_task_lists_what_follows_it(registry: Registry) -> None:
    publish_all(registry, "a", "c")

    assert names(registry.tasks(limit=9, after="b\x00%'").records) == ["c"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["a.b", "a_b", "axb"]),
        ("a", ["a.b", "a_b", "axb"]),
        ("_", ["a_b"]),
        (".", ["a.b"]),
        ("a_b", ["a_b"]),
        ("xb", ["axb"]),
        ("%", []),
        ("a%b", []),
        ("\\_", []),
        ("'", []),
        ("é", []),
        ("A", []),
    ],
)
def test_query_is_a_plain_part_of_the_name(
    registry: Registry, query: str, expected: list[str]
) -> None:
    publish_all(registry, "a.b", "a_b", "axb")

    assert names(registry.tasks(limit=9, where=TaskFilter(query=query)).records) == expected


def test_query_and_pages_go_together(registry: Registry) -> None:
    publish_all(registry, "en-a", "de-b", "en-c", "de-d", "en-e")

    assert every_page(registry, 2, TaskFilter(query="en-")) == [["en-a", "en-c"], ["en-e"]]


def test_kind_keeps_the_tasks_whose_live_head_is_of_it(registry: Registry) -> None:
    publish_all(registry, "a", "c")
    head = Head(kind="regression", input="cls", layers=(HeadLayer(out=1),))
    regression = AdapterSpec(backbone=SAMPLE_BACKBONE, max_tokens=32, head=head)
    publish(registry, "b", random_file(regression))

    assert every_page(registry, 1, TaskFilter(kind="classification")) == [["a"], ["c"]]
    assert every_page(registry, 1, TaskFilter(kind="regression")) == [["b"]]
    assert every_page(registry, 1, TaskFilter(kind="no such kind")) == [[]]


def test_versions_are_listed_newest_first_in_pages(registry: Registry) -> None:
    for seed in range(5):
        publish(registry, "spam", sample_adapter(seed))

    first = registry.versions("spam", limit=2)
    second = registry.versions("spam", limit=2, after=first.next)
    third = registry.versions("spam", limit=2, after=second.next)

    assert [[r.version for r in page.records] for page in (first, second, third)] == [
        [5, 4],
        [3, 2],
        [1],
    ]
    assert third.next is None


def test_full_last_page_of_versions_has_no_cursor(registry: Registry) -> None:
    for seed in range(2):
        publish(registry, "spam", sample_adapter(seed))

    assert registry.versions("spam", limit=2).next is None


@pytest.mark.parametrize("cursor", ["", "x", "-1", "1.5", "٣", "9" * 19])
def test_cursor_of_versions_that_is_no_number_is_refused(registry: Registry, cursor: str) -> None:
    publish_all(registry, "spam")

    with pytest.raises(InvalidReference):
        registry.versions("spam", limit=1, after=cursor)


def test_versions_of_an_unknown_task_are_not_found(registry: Registry) -> None:
    with pytest.raises(TaskNotFound):
        registry.versions("spam", limit=1)


@pytest.mark.parametrize("limit", [0, -1])
def test_limit_below_one_is_refused(registry: Registry, limit: int) -> None:
    publish_all(registry, "spam")

    with pytest.raises(ValueError, match="limit"):
        registry.tasks(limit=limit)
    with pytest.raises(ValueError, match="limit"):
        registry.versions("spam", limit=limit)
