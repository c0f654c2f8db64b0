"""Backups brought back: the same rows and bytes, or nothing."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from blob_places import SetVariables
from multitap_registry.copies.backup import back_up
from multitap_registry.copies.errors import FaultyCopy, RegistryNotEmpty
from multitap_registry.copies.restore import restore
from multitap_registry.errors import RegistryLocked, RegistryNotFound, UnsupportedSchema
from multitap_registry.folder import DATABASE_NAME, open_registry
from multitap_registry.migrating import downgrade_schema
from multitap_registry.sql import SqlRegistry
from multitap_registry.sqlite import sqlite_database
from object_servers import BUCKET, ObjectServer
from publishing import publish
from registry.copies.filled_registries import Tables, fill, tables_in, tables_of
from sample_adapters import sample_adapter


@pytest.fixture
def backup(stored: SqlRegistry, tmp_path: Path) -> Path:
    """Return a backup of a registry with a history of every sort."""
    fill(stored)
    return back_up(stored.database, stored.blobs, tmp_path / "backup").folder


@pytest.fixture
def rows(stored: SqlRegistry, backup: Path) -> Tables:  # noqa: ARG001 (fills it)
    """Return what was backed up."""
    return tables_of(stored.database)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """Return where a registry may be restored."""
    return tmp_path / "restored"


def blob_path(folder: Path, digest: str) -> Path:
    name = digest.removeprefix("sha256:")
    return folder / "blobs" / "sha256" / name[:2] / name


def everything_in(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_restored_registry_has_every_row_and_goes_on(
    backup: Path, rows: Tables, target: Path, stored: SqlRegistry
) -> None:
    before = everything_in(backup)

    done = restore(backup, target)

    assert tables_in(target) == rows
    assert (done.last_event, done.blobs) == (stored.last_event(), 3)
    assert everything_in(backup) == before
    with open_registry(target) as restored:
        assert restored.tasks(limit=9) == stored.tasks(limit=9)
        assert restored.history("spam", "candidate") == stored.history("spam", "candidate")
        assert publish(restored, "gone", sample_adapter(5)).record.version == 2
        for task in ("spam", "ham"):
            for record in restored.versions(task, limit=9).records:
                assert len(restored.read_blob(record.digest)) == record.size_bytes
    assert not any((target / "staging").iterdir())


def test_restores_to_a_shared_database_and_back_are_the_same(
    backup: Path, rows: Tables, target: Path, database_url: str, tmp_path: Path
) -> None:
    restore(backup, target, database=database_url)

    with open_registry(target, database=database_url) as shared:
        assert tables_of(shared.database) == rows
        again = back_up(shared.database, shared.blobs, tmp_path / "again").folder
    assert tables_in(again) == rows
    restore(again, tmp_path / "back")
    assert tables_in(tmp_path / "back") == rows


def test_servers_of_a_shared_database_show_what_was_restored(
    backup: Path, target: Path, database_url: str, tmp_path: Path
) -> None:
    with open_registry(tmp_path / "other", database=database_url) as other:
        restore(backup, target, database=database_url)
        other.catch_up()

        assert [task.task for task in other.tasks(limit=9).records] == ["ham", "spam"]


def test_registry_with_a_task_is_left_as_it_is(backup: Path, target: Path) -> None:
    with open_registry(target) as registry:
        publish(registry, "mine", sample_adapter(1))
    before = tables_in(target)

    with pytest.raises(RegistryNotEmpty, match="has task 'mine', expected an empty one"):
        restore(backup, target)

    assert tables_in(target) == before


def test_registry_whose_only_line_is_a_refused_upload_is_left_as_it_is(
    backup: Path, target: Path
) -> None:
    with open_registry(target) as registry:
        registry.reject("mine", by="ann", reason="NaN")

    with pytest.raises(RegistryNotEmpty, match="1 audit lines"):
        restore(backup, target)


def test_registry_that_a_server_has_open_is_left_as_it_is(backup: Path, target: Path) -> None:
    with open_registry(target) as registry:
        with pytest.raises(RegistryLocked):
            restore(backup, target)
        assert registry.last_event() == 0


def test_folder_without_a_backup_is_named(target: Path, tmp_path: Path) -> None:
    with pytest.raises(RegistryNotFound, match="nothing"):
        restore(tmp_path / "nothing", target)

    assert not target.exists()


def test_every_fault_of_a_backup_is_named_and_nothing_is_restored(
    backup: Path, target: Path
) -> None:
    missing, damaged = sorted(path for path in (backup / "blobs").rglob("*") if path.is_file())[:2]
    missing.unlink()
    damaged.write_bytes(b"x")
    tables = sqlite_database(backup / DATABASE_NAME)
    with tables.transaction() as connection:
        connection.exec_driver_sql("DELETE FROM events WHERE seq = 3")
        connection.exec_driver_sql("DELETE FROM audit WHERE seq = 3")
        connection.exec_driver_sql("UPDATE aliases SET version = 2 WHERE task = 'spam'")
    tables.close()

    with pytest.raises(FaultyCopy) as caught:
        restore(backup, target)

    found = {fault.split(":")[0] for fault in caught.value.faults}
    assert found >= {"alias_target", "audit_line", "event_gap", "blob_missing", "blob_damaged"}
    with open_registry(target) as registry:
        assert registry.last_event() == 0
        assert not any((target / "staging").iterdir())


def test_backup_on_a_disk_that_cannot_be_written_is_restored(
    backup: Path, rows: Tables, target: Path
) -> None:
    for path in [*backup.rglob("*"), backup]:
        path.chmod(0o500 if path.is_dir() else 0o400)

    restore(backup, target)

    assert tables_in(target) == rows


def test_backup_of_an_earlier_schema_is_brought_up_to_date(
    backup: Path, target: Path, stored: SqlRegistry
) -> None:
    tables = sqlite_database(backup / DATABASE_NAME)
    with tables.transaction() as connection:
        # Schema 1 deleted nothing, so it has nothing to say of a deleted version.
        for table in ("aliases", "alias_history", "tags", "versions", "tasks"):
            column = "name" if table == "tasks" else "task"
            connection.exec_driver_sql(f"DELETE FROM {table} WHERE {column} != 'ham'")  # noqa: S608
        downgrade_schema(connection, to=1, at=datetime(2026, 1, 1, tzinfo=UTC))
    tables.close()
    before = (backup / DATABASE_NAME).read_bytes()

    restore(backup, target)

    assert (backup / DATABASE_NAME).read_bytes() == before
    with open_registry(target) as registry:
        assert registry.task("ham") == stored.task("ham")


def test_backup_of_a_later_release_is_refused(backup: Path, target: Path) -> None:
    tables = sqlite_database(backup / DATABASE_NAME)
    with tables.transaction() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '99'")
    tables.close()

    with pytest.raises(UnsupportedSchema, match="schema 99"):
        restore(backup, target)


def test_interrupted_restore_can_be_run_again(backup: Path, rows: Tables, target: Path) -> None:
    def interrupt(done: int, total: int) -> None:
        if done > total // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        restore(backup, target, progress=interrupt)
    assert any((target / "blobs").rglob("*"))
    with open_registry(target) as registry:
        assert registry.last_event() == 0

    restore(backup, target)

    assert tables_in(target) == rows


def test_registry_moves_to_postgresql_and_an_object_store_and_back(
    backup: Path,
    rows: Tables,
    target: Path,
    database_url: str,
    moto: ObjectServer,
    aws: SetVariables,
    prefix: str,
    tmp_path: Path,
) -> None:
    aws(moto.environment)
    blobs = f"s3://{BUCKET}/{prefix}"

    restore(backup, target, database=database_url, blobs=blobs)

    assert not (target / DATABASE_NAME).exists()
    with open_registry(target, database=database_url, blobs=blobs) as registry:
        assert registry.read_blob(registry.version("spam", 4).digest) == sample_adapter(3)
        again = back_up(registry.database, registry.blobs, tmp_path / "again").folder
    restore(again, tmp_path / "back")
    assert tables_in(tmp_path / "back") == rows
    with open_registry(tmp_path / "back") as registry:
        assert registry.read_blob(registry.version("spam", 4).digest) == sample_adapter(3)


@pytest.mark.parametrize("change", ["SET created_at = 'noon'", "SET size_bytes = 'much'"])
def test_backup_with_a_value_that_cannot_be_read_is_refused(
    backup: Path, target: Path, change: str
) -> None:
    with closing(sqlite3.connect(backup / DATABASE_NAME)) as connection, connection:
        connection.execute(f"UPDATE versions {change} WHERE task = 'ham'")

    with pytest.raises(FaultyCopy) as caught:
        restore(backup, target)

    assert [fault.partition(":")[0] for fault in caught.value.faults] == ["row_value"]
