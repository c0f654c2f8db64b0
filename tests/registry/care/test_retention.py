"""Retention: the rule over one task's records, and the changes that it makes."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hand_clock import HandClock
from multitap_registry.care import RetentionRule, delete_expired, find_expired
from multitap_registry.contract import Registry, VersionRecord
from multitap_registry.errors import VersionInUse
from multitap_registry.memory import MemoryRegistry
from multitap_registry.planned import PlannedRegistry
from publishing import publish
from sample_adapters import sample_adapter, sample_spec

NOW = datetime(2026, 6, 1, tzinfo=UTC)
SPEC = sample_spec()


def record(
    version: int, *, days: int = 0, aliases: Sequence[str] = (), tags: Sequence[str] = ()
) -> VersionRecord:
    """Return a ready version that was made some days ago."""
    return VersionRecord(
        task="spam",
        version=version,
        digest=f"sha256:{version:064x}",
        size_bytes=1,
        spec=SPEC,
        state="ready",
        aliases=tuple(aliases),
        created_at=NOW - timedelta(days=days),
        created_by="ann",
        tags=tuple(tags),
    )


def expired(rule: RetentionRule, records: Sequence[VersionRecord]) -> list[int]:
    """Return the numbers of what goes."""
    return [each.version for each in rule.expired(records, NOW)]


TEN = [record(number, days=10 * (10 - number)) for number in range(1, 11)]


def test_newest_versions_stay_and_the_others_go() -> None:
    assert expired(RetentionRule(keep=7), TEN) == [3, 2, 1]


def test_versions_that_are_older_go() -> None:
    assert expired(RetentionRule(older_than=timedelta(days=70)), TEN) == [2, 1]


@pytest.mark.parametrize(("keep", "days", "going"), [(7, 85, [1]), (9, 15, [1]), (20, 1, [])])
def test_with_both_only_what_both_let_go_goes(keep: int, days: int, going: list[int]) -> None:
    rule = RetentionRule(keep=keep, older_than=timedelta(days=days))

    assert expired(rule, TEN) == going


def test_aliased_version_stays_and_counts_as_one_of_the_newest() -> None:
    records = [
        replace(each, aliases=("live",)) if each.version in {2, 10} else each for each in TEN
    ]

    assert expired(RetentionRule(keep=8), records) == [1]


def test_tagged_version_stays_where_its_tag_is_spared() -> None:
    records = [record(1, tags=["golden", "x"]), record(2, tags=["x"]), record(3)]

    assert expired(RetentionRule(keep=1, spared_tags=frozenset({"golden"})), records) == [2]
    assert expired(RetentionRule(keep=1), records) == [2, 1]


@pytest.mark.parametrize("keep", [0, -1])
def test_rule_that_keeps_nothing_is_refused(keep: int) -> None:
    with pytest.raises(ValueError, match=f"at least 1 version of a task stays, got {keep}"):
        RetentionRule(keep=keep)


def test_rule_without_number_and_age_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a number or an age"):
        RetentionRule()


records_of_a_task = st.lists(
    st.builds(
        record,
        st.integers(1, 60),
        days=st.integers(0, 90),
        aliases=st.sets(st.sampled_from(["live", "next"])).map(sorted),
        tags=st.sets(st.sampled_from(["golden", "x"])).map(sorted),
    ),
    max_size=15,
    unique_by=lambda each: each.version,
)


@given(
    records_of_a_task,
    st.integers(1, 16) | st.none(),
    st.integers(0, 90) | st.none(),
    st.sampled_from([frozenset[str](), frozenset({"golden"})]),
)
def test_no_aliased_spared_young_or_newest_version_ever_goes(
    records: list[VersionRecord], keep: int | None, days: int | None, tags: frozenset[str]
) -> None:
    if keep is None and days is None:
        keep = 3
    age = None if days is None else timedelta(days=days)
    rule = RetentionRule(keep, age, tags)

    going = rule.expired(records, NOW)

    newest = sorted((each.version for each in records), reverse=True)[: keep or 0]
    for each in records:
        stays = (
            each.aliases
            or each.version in newest
            or tags.intersection(each.tags)
            or (age is not None and each.created_at >= NOW - age)
        )
        assert (each in going) is not bool(stays)


def filled(registry: Registry) -> PlannedRegistry:
    """Return a registry with versions 1 to 5 of `spam`, live at 1, and 1 to 2 of `ham`."""
    for seed in range(5):
        publish(registry, "spam", sample_adapter(seed))
    for seed in range(2):
        publish(registry, "ham", sample_adapter(seed))
    assert isinstance(registry, PlannedRegistry)
    return registry


def test_every_tasks_old_versions_become_tombstones_in_one_change_each(registry: Registry) -> None:
    planned, rule = filled(registry), RetentionRule(keep=2)
    last = registry.last_event()
    found = find_expired(planned, rule, NOW)

    deleted = list(delete_expired(planned, rule, NOW, by="gc"))

    assert sorted((each.task, each.version) for each in found) == [("spam", 2), ("spam", 3)]
    assert [(each.task, each.version, each.state) for each in deleted] == [
        ("spam", 2, "deleted"),
        ("spam", 3, "deleted"),
    ]
    assert [each.version for each in registry.versions("spam", limit=9).records] == [5, 4, 1]
    assert registry.task("ham").versions == 2
    events = registry.events(after=last, limit=9)
    assert [(each.type, each.version, each.by) for each in events] == [
        ("version.deleted", 2, "gc"),
        ("version.deleted", 3, "gc"),
    ]
    (*_, line) = registry.audit(after=0, limit=99)
    assert line.entry.reason == "retention: beyond the newest 2"
    assert find_expired(planned, rule, NOW) == []


def test_reason_says_the_whole_rule() -> None:
    rule = RetentionRule(keep=3, older_than=timedelta(hours=36))

    assert str(rule) == "retention: beyond the newest 3 and older than 1.5 days"


def test_where_nothing_goes_nothing_is_written(registry: Registry) -> None:
    planned = filled(registry)
    last = registry.last_event()

    assert list(delete_expired(planned, RetentionRule(keep=9), NOW, by="gc")) == []
    assert registry.last_event() == last


def test_rule_looks_anew_at_what_was_changed_since() -> None:
    registry = MemoryRegistry(clock=HandClock())
    filled(registry)
    publish(registry, "ham", sample_adapter(2))
    going = delete_expired(registry, RetentionRule(keep=1), NOW, by="gc")

    assert next(going).task == "ham"
    registry.point("spam", "next", 3, by="ann")

    assert [each.version for each in going if each.task == "spam"] == [2, 4]


def test_chosen_version_with_an_alias_is_refused_and_none_is_deleted(registry: Registry) -> None:
    planned = filled(registry)

    with pytest.raises(VersionInUse, match="version 1 of task 'spam' is in use by 'live'"):
        planned.delete_chosen("spam", lambda _: [1, 2], by="gc")

    assert registry.task("spam").versions == 5
