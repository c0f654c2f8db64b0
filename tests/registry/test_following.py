"""Registries that share a database: each shows what another changes, also after an outage."""

import threading
from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest

from multitap_registry.clock import utc_now
from multitap_registry.errors import AliasConflict, StorageUnavailable, TaskNotFound
from multitap_registry.folder import open_registry
from multitap_registry.following import Follower
from multitap_registry.reference import Reference
from multitap_registry.sql import SqlRegistry
from postgres_server import PostgresServer
from publishing import publish
from sample_adapters import sample_adapter

PATIENCE_S = 30.0
# Where a test looks by itself.
NEVER_S = 3_600.0


@pytest.fixture
def ours(tmp_path: Path, database_url: str) -> Generator[SqlRegistry, None, None]:
    """Return the registry of one server."""
    with open_registry(tmp_path / "ours", database=database_url) as registry:
        yield registry


@pytest.fixture
def theirs(tmp_path: Path, database_url: str) -> Generator[SqlRegistry, None, None]:
    """Return the registry of another server with the same database."""
    with open_registry(tmp_path / "theirs", database=database_url) as registry:
        yield registry


@contextmanager
def stopped(postgres: PostgresServer) -> Generator[None, None, None]:
    """Stop the database for a while, at once."""
    postgres.stop()
    try:
        yield
    finally:
        postgres.start()


def test_registry_that_opens_later_shows_everything(
    ours: SqlRegistry, tmp_path: Path, database_url: str
) -> None:
    publish(ours, "spam", sample_adapter(1))
    ours.tag("spam", 1, by="ann", add=["good"])

    with open_registry(tmp_path / "later", database=database_url) as later:
        assert later.version("spam", 1) == ours.version("spam", 1)
        assert later.task("spam") == ours.task("spam")
        assert later.last_event() == ours.last_event()


def test_look_shows_every_kind_of_change(ours: SqlRegistry, theirs: SqlRegistry) -> None:
    for seed in (1, 2, 3):
        publish(ours, "spam", sample_adapter(seed))
    publish(ours, "ham", sample_adapter(1))
    theirs.catch_up()
    ours.point("spam", "live", 2, by="ann")
    ours.delete_version("spam", 1, by="ann")
    ours.tag("spam", 3, by="ann", add=["good"])
    ours.delete_task("ham", by="ann", force=True)

    theirs.catch_up()

    assert theirs.task("spam") == ours.task("spam")
    assert theirs.versions("spam", limit=9) == ours.versions("spam", limit=9)
    assert theirs.last_event() == ours.last_event()
    with pytest.raises(TaskNotFound):
        theirs.task("ham")


def test_look_shows_changes_of_very_many_tasks(ours: SqlRegistry, theirs: SqlRegistry) -> None:
    for number in range(51):
        publish(ours, f"task-{number}", sample_adapter(1))

    theirs.catch_up()

    assert theirs.tasks(limit=100) == ours.tasks(limit=100)


def test_listener_hears_of_what_another_changed(ours: SqlRegistry, theirs: SqlRegistry) -> None:
    heard: list[int] = []
    theirs.subscribe(heard.append)
    publish(ours, "spam", sample_adapter(1))

    theirs.catch_up()
    theirs.catch_up()

    assert heard == [ours.last_event()]


def test_events_are_those_that_reads_show(ours: SqlRegistry, theirs: SqlRegistry) -> None:
    publish(ours, "spam", sample_adapter(1))

    assert not theirs.events(after=0, limit=9)
    theirs.catch_up()
    assert theirs.events(after=0, limit=9) == ours.events(after=0, limit=9)


def test_change_is_decided_on_what_others_did_before(
    ours: SqlRegistry, theirs: SqlRegistry
) -> None:
    publish(ours, "spam", sample_adapter(1))
    publish(ours, "spam", sample_adapter(2))
    ours.point("spam", "live", 2, by="ann")

    with pytest.raises(AliasConflict):
        theirs.point("spam", "live", 1, by="bob", expected=1)
    assert theirs.rollback("spam", "live", by="bob").version == 1
    assert publish(theirs, "spam", sample_adapter(3)).record.version == 3
    assert not publish(ours, "spam", sample_adapter(3)).created


def test_follower_shows_a_moved_alias_without_being_asked(
    ours: SqlRegistry, theirs: SqlRegistry
) -> None:
    for seed in (1, 2):
        publish(ours, "spam", sample_adapter(seed))
    target = ours.last_event() + 1
    moved = threading.Event()
    theirs.subscribe(lambda seq: moved.set() if seq == target else None)

    with theirs.follow(interval_s=0.01):
        ours.point("spam", "live", 2, by="ann")
        assert moved.wait(PATIENCE_S)

    assert theirs.resolve(Reference("spam")).version == 2


def test_follower_ends_with_its_block(ours: SqlRegistry) -> None:
    before = threading.active_count()

    with ours.follow():
        assert threading.active_count() == before + 1

    assert threading.active_count() == before


def test_memory_is_served_while_the_database_is_away(
    theirs: SqlRegistry, postgres: PostgresServer
) -> None:
    publish(theirs, "spam", sample_adapter(1))

    with theirs.follow(interval_s=NEVER_S) as follower, stopped(postgres):
        follower.look()

        assert theirs.resolve(Reference("spam")).version == 1
        assert theirs.read_blob(theirs.version("spam", 1).digest) == sample_adapter(1)
        for attempt in (
            lambda: theirs.point("spam", "candidate", 1, by="bob"),
            lambda: theirs.events(after=0, limit=1),
            theirs.check,
        ):
            with pytest.raises(StorageUnavailable):
                attempt()


def test_lag_is_told_from_the_last_look_that_succeeded(
    theirs: SqlRegistry, postgres: PostgresServer
) -> None:
    with theirs.follow(interval_s=NEVER_S) as follower:
        started = utc_now()
        lags = [theirs.lagging_since]
        follower.look()
        with stopped(postgres):
            for _ in range(2):
                follower.look()
                lags.append(theirs.lagging_since)
            assert isinstance(follower.failure, StorageUnavailable)

    assert lags[0] is None
    assert lags[1] is not None
    assert lags[1] == lags[2]
    assert started <= lags[1] < utc_now()


def test_what_was_missed_is_shown_once_the_database_is_back(
    ours: SqlRegistry, theirs: SqlRegistry, postgres: PostgresServer
) -> None:
    publish(ours, "spam", sample_adapter(1))
    with theirs.follow(interval_s=NEVER_S) as follower:
        with stopped(postgres):
            follower.look()
        ours.point("spam", "candidate", 1, by="ann")

        follower.look()

        assert theirs.lagging_since is None
        assert theirs.resolve(Reference("spam", "candidate")).version == 1


def test_acknowledged_change_survives_a_crash_of_the_database(
    ours: SqlRegistry, theirs: SqlRegistry, postgres: PostgresServer
) -> None:
    publish(ours, "spam", sample_adapter(1))
    with stopped(postgres):
        pass

    theirs.catch_up()

    assert theirs.version("spam", 1) == ours.version("spam", 1)


def test_change_that_an_outage_cuts_is_not_seen_and_can_be_made_again(
    tmp_path: Path, database_url: str, theirs: SqlRegistry, postgres: PostgresServer
) -> None:
    outages = [postgres.stop]

    def clock() -> datetime:
        # Asked for the time of a change within its transaction.
        if armed and outages:
            outages.pop()()
        return utc_now()

    armed = False
    with open_registry(tmp_path / "cut", database=database_url, clock=clock) as cut:
        publish(cut, "spam", sample_adapter(1))
        armed = True
        with pytest.raises(StorageUnavailable):
            publish(cut, "spam", sample_adapter(2))
        assert cut.task("spam").versions == 1
        postgres.start()

        assert publish(cut, "spam", sample_adapter(2)).record.version == 2
        theirs.catch_up()
        assert theirs.events(after=0, limit=99) == cut.events(after=0, limit=99)
        assert cut.last_event() == 3


def test_fault_of_ours_in_a_look_is_told_and_does_not_end_the_following() -> None:
    calls: list[int] = []

    def look() -> None:
        calls.append(1)
        if len(calls) == 1:
            raise KeyError("a fault")

    follower = Follower(look, interval_s=NEVER_S, clock=utc_now)
    failures: list[Exception | None] = []
    for _ in range(2):
        follower.look()
        failures.append(follower.failure)

    assert isinstance(failures[0], KeyError)
    assert failures[1] is None
