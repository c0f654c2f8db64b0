"""What every registry promises of events and of audit lines."""

import pytest

from multitap_registry.contract import GENESIS, Registry, line_hash
from multitap_registry.errors import AliasConflict
from publishing import publish
from sample_adapters import sample_adapter


def everything_that_can_happen(registry: Registry) -> None:
    """Make one change of each kind."""
    publish(registry, "spam", sample_adapter(1), by="ann")
    publish(registry, "spam", sample_adapter(2), by="bob", alias="candidate")
    registry.tag("spam", 2, by="cat", add=["good"])
    registry.point("spam", "live", 2, by="cat", reason="better", request_id="r-7")
    registry.rollback("spam", "live", by="dan")
    registry.delete_alias("spam", "candidate", by="dan")
    registry.delete_version("spam", 2, by="eve")
    registry.reject("spam", by="mallory", reason="NaN in head.0.weight", digest=DIGEST)
    registry.delete_task("spam", by="eve", force=True)


DIGEST = "sha256:" + "d" * 64
HAPPENED = [
    ("version.published", 1, None),
    ("alias.moved", 1, "live"),
    ("version.published", 2, None),
    ("alias.moved", 2, "candidate"),
    ("version.tagged", 2, None),
    ("alias.moved", 2, "live"),
    ("alias.moved", 1, "live"),
    ("alias.deleted", None, "candidate"),
    ("version.deleted", 2, None),
    ("alias.deleted", None, "live"),
    ("version.deleted", 1, None),
    ("task.deleted", None, None),
]


def test_every_change_is_an_event_in_order(registry: Registry) -> None:
    everything_that_can_happen(registry)

    events = registry.events(after=0, limit=100)

    assert [(e.type, e.version, e.alias) for e in events] == HAPPENED
    assert {e.task for e in events} == {"spam"}
    assert [e.by for e in events][:3] == ["ann", "ann", "bob"]


def test_events_are_numbered_from_1_without_gaps(registry: Registry) -> None:
    everything_that_can_happen(registry)

    seqs = [e.seq for e in registry.events(after=0, limit=100)]

    assert seqs == list(range(1, len(HAPPENED) + 1))
    assert registry.last_event() == len(HAPPENED)


def test_events_are_read_on_from_where_one_stopped(registry: Registry) -> None:
    everything_that_can_happen(registry)

    assert [e.seq for e in registry.events(after=3, limit=2)] == [4, 5]
    assert not registry.events(after=len(HAPPENED), limit=100)


def test_empty_registry_has_no_event(registry: Registry) -> None:
    assert registry.last_event() == 0
    assert not registry.events(after=0, limit=10)


def test_what_changes_nothing_is_no_event(registry: Registry) -> None:
    publish(registry, "spam", sample_adapter(1))
    before = registry.last_event()

    publish(registry, "spam", sample_adapter(1))
    registry.point("spam", "live", 1, by="ann")
    with pytest.raises(AliasConflict):
        registry.point("spam", "live", 1, by="ann", expected=7)

    assert registry.last_event() == before


def test_listener_hears_of_a_change_that_reads_show_already(registry: Registry) -> None:
    heard: list[tuple[int, int]] = []
    registry.subscribe(lambda seq: heard.append((seq, registry.task("spam").versions)))

    publish(registry, "spam", sample_adapter(1))
    publish(registry, "spam", sample_adapter(2))
    publish(registry, "spam", sample_adapter(2))

    assert heard == [(2, 1), (3, 2)]


def test_listener_that_left_hears_nothing(registry: Registry) -> None:
    heard: list[int] = []
    leave = registry.subscribe(heard.append)

    leave()
    publish(registry, "spam", sample_adapter(1))

    assert heard == []


def test_every_change_and_every_rejection_is_an_audit_line(registry: Registry) -> None:
    everything_that_can_happen(registry)

    lines = registry.audit(after=0, limit=100)

    actions = [(line.entry.action, line.entry.version, line.entry.alias) for line in lines]
    rejection = actions.pop(9)
    assert actions == HAPPENED
    assert rejection == ("upload.rejected", None, None)
    assert [line.seq for line in lines] == list(range(1, len(HAPPENED) + 2))


def test_audit_line_says_who_why_from_what_to_what_and_in_which_request(
    registry: Registry,
) -> None:
    everything_that_can_happen(registry)
    old, new = (
        e.new_digest
        for e in (line.entry for line in registry.audit(after=0, limit=100))
        if e.action == "version.published"
    )

    entry = registry.audit(after=5, limit=1)[0].entry

    assert (entry.by, entry.reason, entry.request_id) == ("cat", "better", "r-7")
    assert (entry.old_digest, entry.new_digest) == (old, new)
    assert entry.outcome == "done"


def test_rejected_upload_takes_no_number_and_leaves_one_line_with_the_reason(
    registry: Registry,
) -> None:
    registry.reject(
        "spam", by="mallory", reason="NaN in head.0.weight", digest=DIGEST, request_id="r-1"
    )

    (line,) = registry.audit(after=0, limit=10)
    entry = line.entry
    assert (entry.action, entry.outcome, entry.by) == ("upload.rejected", "rejected", "mallory")
    assert (entry.reason, entry.new_digest) == ("NaN in head.0.weight", DIGEST)
    assert registry.last_event() == 0
    assert publish(registry, "spam", sample_adapter(1)).record.version == 1


def test_audit_lines_are_a_chain_of_hashes(registry: Registry) -> None:
    everything_that_can_happen(registry)

    lines = registry.audit(after=0, limit=100)

    assert [line.previous for line in lines] == [GENESIS, *(line.hash for line in lines[:-1])]
    assert all(line.hash == line_hash(line.seq, line.entry, line.previous) for line in lines)


def test_audit_is_read_on_from_where_one_stopped(registry: Registry) -> None:
    everything_that_can_happen(registry)

    assert [line.seq for line in registry.audit(after=3, limit=2)] == [4, 5]
