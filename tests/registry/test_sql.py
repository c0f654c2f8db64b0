"""The registry on SQL, beyond the contract: history, tombstones, foreign uploads."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from multitap_registry.errors import (
    AliasConflict,
    StorageUnavailable,
    TaskNotFound,
    VersionNotFound,
)
from multitap_registry.folder import DATABASE_NAME, open_registry
from multitap_registry.memory import MemoryRegistry
from multitap_registry.reference import Reference
from multitap_registry.sql import SqlRegistry
from publishing import publish
from sample_adapters import sample_adapter


def history(folder: Path) -> list[tuple[object, ...]]:
    """Return every move of every alias, in order."""
    with closing(sqlite3.connect(folder / DATABASE_NAME)) as connection:
        return connection.execute(
            "SELECT task, alias, move, by, from_version, to_version, reason"
            " FROM alias_history ORDER BY task, alias, move"
        ).fetchall()


def test_every_move_of_an_alias_is_in_its_history(folder: Path, stored: SqlRegistry) -> None:
    publish(stored, "spam", sample_adapter(1), by="ann")
    publish(stored, "spam", sample_adapter(2), by="bob", alias="live")
    stored.point("spam", "live", 1, by="cat", reason="worse on é")
    stored.point("spam", "candidate", 2, by="dan")

    assert history(folder) == [
        ("spam", "candidate", 1, "dan", None, 2, None),
        ("spam", "live", 1, "ann", None, 1, None),
        ("spam", "live", 2, "bob", 1, 2, None),
        ("spam", "live", 3, "cat", 2, 1, "worse on é"),
    ]


def test_what_did_not_move_is_not_in_the_history(folder: Path, stored: SqlRegistry) -> None:
    publish(stored, "spam", sample_adapter())
    publish(stored, "spam", sample_adapter(), alias="live")
    stored.point("spam", "live", 1, by="somebody", reason="again")
    with pytest.raises(AliasConflict):
        stored.point("spam", "live", 1, by="somebody", expected=2)

    assert len(history(folder)) == 1


def test_tombstone_is_hidden_and_its_number_is_not_used_again(
    folder: Path,
) -> None:
    with open_registry(folder) as registry:
        for seed in (1, 2, 3):
            publish(registry, "spam", sample_adapter(seed))
    with closing(sqlite3.connect(folder / DATABASE_NAME)) as connection:
        connection.execute("UPDATE versions SET state = 'deleted' WHERE version = 3")
        connection.commit()

    with open_registry(folder) as registry:
        assert [r.version for r in registry.versions("spam", limit=9).records] == [2, 1]
        assert registry.task("spam").versions == 2
        with pytest.raises(VersionNotFound):
            registry.resolve(Reference("spam", 3))
        with pytest.raises(VersionNotFound):
            registry.point("spam", "live", 3, by="somebody")
        again = publish(registry, "spam", sample_adapter(3))
    assert (again.created, again.record.version) == (True, 4)


def test_task_without_a_ready_version_is_hidden_and_its_numbers_go_on(folder: Path) -> None:
    with open_registry(folder) as registry:
        publish(registry, "spam", sample_adapter())
    with closing(sqlite3.connect(folder / DATABASE_NAME)) as connection:
        connection.execute("DELETE FROM aliases")
        connection.execute("UPDATE versions SET state = 'deleted'")
        connection.commit()

    with open_registry(folder) as registry:
        assert not registry.tasks(limit=9).records
        for lookup in (
            lambda: registry.task("spam"),
            lambda: registry.version("spam", 1),
            lambda: registry.resolve(Reference("spam")),
            lambda: registry.point("spam", "live", 1, by="somebody"),
        ):
            with pytest.raises(TaskNotFound):
                lookup()
        record = publish(registry, "spam", sample_adapter()).record
    assert (record.version, record.aliases) == (2, ("live",))
    assert [row[2:6] for row in history(folder)] == [
        (1, "anonymous", None, 1),
        (2, "anonymous", None, 2),
    ]


def test_stored_specification_that_cannot_be_read_is_named(folder: Path) -> None:
    with open_registry(folder) as registry:
        publish(registry, "spam", sample_adapter())
    with closing(sqlite3.connect(folder / DATABASE_NAME)) as connection:
        connection.execute("UPDATE versions SET spec = '{\"format\": 99}'")
        connection.commit()

    with (
        pytest.raises(StorageUnavailable, match="version 1 of task 'spam'"),
        open_registry(folder),
    ):
        pass


def test_upload_of_another_kind_of_registry_is_refused(stored: SqlRegistry) -> None:
    with MemoryRegistry().begin_upload() as upload:
        upload.write(sample_adapter())

        with pytest.raises(TypeError, match="upload"):
            stored.publish("spam", upload, by="anonymous")


def test_publish_leaves_nothing_in_staging(folder: Path, stored: SqlRegistry) -> None:
    publish(stored, "spam", sample_adapter())

    assert list((folder / "staging").iterdir()) == []
