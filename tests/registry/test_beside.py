"""A registry that is opened beside its server, for care."""

import hashlib
import os
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from multitap_registry.blobs.folder import BlobFolder
from multitap_registry.errors import RegistryNotFound, UnsupportedSchema
from multitap_registry.folder import DATABASE_NAME, open_beside, open_registry
from multitap_registry.head import lock_head
from multitap_registry.migrating import downgrade_schema
from multitap_registry.sql import SqlRegistry
from multitap_registry.sqlite import sqlite_database
from publishing import publish
from sample_adapters import sample_adapter
from session_uploads import publish_session, send

FAR_AHEAD = datetime(2100, 1, 1, tzinfo=UTC)


def test_each_shows_what_the_other_changed(stored: SqlRegistry, folder: Path) -> None:
    publish(stored, "spam", sample_adapter(1))

    with open_beside(folder) as beside:
        publish(beside, "spam", sample_adapter(2))
        stored.catch_up()
        assert stored.task("spam").versions == 2
        publish(stored, "spam", sample_adapter(3))
        beside.catch_up()
        assert beside.task("spam") == stored.task("spam")


def test_change_counts_what_the_other_changed_also_without_a_look(
    stored: SqlRegistry, folder: Path
) -> None:
    with open_beside(folder) as beside:
        publish(beside, "spam", sample_adapter(1))

        assert publish(stored, "spam", sample_adapter(2)).record.version == 2


def test_folder_without_a_registry_is_named_and_stays_empty(folder: Path) -> None:
    folder.mkdir()

    with pytest.raises(RegistryNotFound, match="registry"), open_beside(folder):
        pass

    assert list(folder.iterdir()) == []


def test_registry_of_an_earlier_release_is_left_as_it_is(folder: Path) -> None:
    with open_registry(folder):
        pass
    tables = sqlite_database(folder / DATABASE_NAME)
    with tables.transaction() as connection:
        downgrade_schema(connection, to=1, at=FAR_AHEAD)
    tables.close()

    with pytest.raises(UnsupportedSchema, match="schema 1"), open_beside(folder):
        pass


def test_publish_stores_again_what_was_collected_before_its_row(
    stored: SqlRegistry, folder: Path
) -> None:
    collector = BlobFolder(folder / "blobs")
    tables = sqlite_database(folder / DATABASE_NAME)
    digest = f"sha256:{hashlib.sha256(sample_adapter()).hexdigest()}"
    with ThreadPoolExecutor() as threads:
        with tables.transaction() as connection:
            lock_head(connection)
            published = threads.submit(publish, stored, "spam", sample_adapter())
            while not collector.remove(digest, stored_before=FAR_AHEAD):
                time.sleep(0.001)
        record = published.result().record
    tables.close()

    assert stored.read_blob(record.digest) == sample_adapter()


def test_uploads_in_parts_are_left_to_the_server(folder: Path) -> None:
    with open_registry(folder) as server:
        whole = send(server.sessions, sample_adapter())
        begun = folder / "sessions" / f"{'a' * 48}.part"
        begun.touch()
        long_ago = datetime(2020, 1, 1, tzinfo=UTC).timestamp()
        for path in (folder / "sessions").iterdir():
            os.utime(path, (long_ago, long_ago))

        with open_beside(folder) as beside:
            assert publish_session(beside, "spam", send(beside.sessions, sample_adapter(2))).created

        assert begun.exists()
        assert publish_session(server, "spam", whole).record.version == 2
