"""What a check of a registry finds, and what it leaves alone."""

import sqlite3
from collections.abc import Callable, Generator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from multitap_registry.blobs import BlobFolder
from multitap_registry.blobs.addresses import blob_address
from multitap_registry.blobs.objects import ObjectBlobs
from multitap_registry.care import Report, quarantine, verify
from multitap_registry.folder import DATABASE_NAME, RegistryParts, open_parts, open_registry
from opened_twice import Pair
from publishing import publish
from sample_adapters import sample_adapter

# Statements, in which LIVE is an alias's condition; and the kind of each finding, its place, and a
# part of what it says was found.
DAMAGED_ROWS = [
    ("UPDATE audit SET by = 'eve' WHERE seq = 3", [("audit_line", "line 3", "sha256:")]),
    ("DELETE FROM audit WHERE seq = 5", [("audit_line", "line 6", "none")]),
    (
        "UPDATE audit SET previous = 'sha256:1111' WHERE seq = 2",
        [("audit_line", "line 2", "1111"), ("audit_line", "line 2", "sha256:")],
    ),
    ("UPDATE audit SET at = 'noon' WHERE seq = 4", [("audit_line", "line 4", "noon")]),
    (
        "DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit)",
        [("audit_end", "audit log", "")],
    ),
    (
        "UPDATE versions SET spec = '{}' WHERE task = 'spam' AND version = 3",
        [("version_spec", "spam@3", "Field required")],
    ),
    ("DELETE FROM audit", [("audit_end", "audit log", "line 0")]),
    (
        "UPDATE meta SET audit_hash = 'sha256:2222'",
        [("audit_end", "audit log", "sha256:")],
    ),
    (
        "UPDATE meta SET audit_seq = audit_seq - 1",
        [("audit_end", "audit log", "sha256:"), ("audit_end", "audit log", "20")],
    ),
    (
        "DELETE FROM events WHERE seq IN (2, 5, 6)",
        [("event_gap", "events", "no 2"), ("event_gap", "events", "no 5 to 6")],
    ),
    (
        "DELETE FROM events WHERE seq = (SELECT max(seq) FROM events)",
        [("event_gap", "events", "no 19")],
    ),
    ("UPDATE meta SET last_event = last_event - 1", [("event_end", "events", "19")]),
    (
        "DELETE FROM versions WHERE task = 'spam' AND version = 2",
        [("version_gap", "spam", "no 2")],
    ),
    (
        "UPDATE tasks SET next_version = 9 WHERE name = 'spam'",
        [("version_gap", "spam", "no 5 to 8")],
    ),
    ("UPDATE tasks SET next_version = 4 WHERE name = 'spam'", [("version_gap", "spam", "4")]),
    (
        "UPDATE versions SET state = 'deleted' WHERE task = 'spam' AND version = 1",
        [("alias_target", "spam@live", "spam@1, deleted")],
    ),
    (
        "UPDATE versions SET digest = (SELECT digest FROM versions WHERE task = 'spam' AND "
        "version = 2), state = 'deleted' WHERE task = 'spam' AND version = 3",
        [("version_digest", "spam@3", "sha256:")],
    ),
    ("DELETE FROM aliases WHERE LIVE", [("alias_history", "spam@live", "to version 1")]),
    (
        "UPDATE aliases SET version = 3 WHERE LIVE",
        [("alias_history", "spam@live", "to version 1")],
    ),
    (
        "UPDATE aliases SET version = 77 WHERE LIVE",
        [("alias_target", "spam@live", "spam@77, missing"), ("alias_history", "spam@live", "")],
    ),
    (
        "DELETE FROM alias_history WHERE LIVE",
        [("alias_history", "spam@live", "no move")],
    ),
    (
        "DELETE FROM alias_history WHERE LIVE AND move = 2",
        [("alias_history", "spam@live", "no 2")],
    ),
    (
        "DELETE FROM alias_history WHERE LIVE AND move = 3",
        [("alias_history", "spam@live", "to version 3")],
    ),
    (
        "UPDATE alias_history SET from_version = 4 WHERE LIVE AND move = 3",
        [("alias_history", "spam@live", "from version 4")],
    ),
    (
        "UPDATE versions SET size_bytes = 5 WHERE task = 'spam' AND version = 3",
        [("blob_size", "spam@3", "bytes")],
    ),
]


def check(parts: RegistryParts) -> Report:
    """Check a registry."""
    return verify(parts.database, parts.blobs, lambda _done, _total: None)


def check_pair(pair: Pair) -> Report:
    """Check a registry beside its server."""
    return check(RegistryParts(pair.beside.database, pair.beside.blobs))


def change_rows(folder: Path, statement: str) -> None:
    """Change rows behind the registry's back."""
    statement = statement.replace("LIVE", "task = 'spam' AND alias = 'live'")
    with closing(sqlite3.connect(folder / DATABASE_NAME)) as connection, connection:
        assert connection.execute(statement).rowcount


def path_of(folder: Path, task: str, version: int) -> Path:
    """Return where a version's file is."""
    question = "SELECT digest FROM versions WHERE task = ? AND version = ?"
    with closing(sqlite3.connect(folder / DATABASE_NAME)) as connection:
        (digest,) = connection.execute(question, (task, version)).fetchone()
    return folder / "blobs" / blob_address(digest)


def test_registry_that_went_through_every_change_is_whole(parts: RegistryParts) -> None:
    report = check(parts)

    assert report.findings == ()
    extent = report.extent
    assert (extent.tasks, extent.versions, extent.aliases, extent.blobs) == (2, 4, 3, 3)
    assert (extent.events, extent.audit_lines) == (19, 20)
    assert extent.blob_bytes == 3 * len(sample_adapter())


def test_new_registry_is_whole(tmp_path: Path) -> None:
    with open_registry(tmp_path) as registry:
        report = verify(registry.database, registry.blobs, lambda _done, _total: None)

    assert (report.findings, report.orphans) == ((), ())


def test_files_of_deleted_versions_are_orphans_and_no_fault(
    parts: RegistryParts, lived: Path
) -> None:
    report = check(parts)

    assert [blob.digest for blob in report.orphans] == [f"sha256:{path_of(lived, 'spam', 2).name}"]


@pytest.mark.parametrize(("statement", "expected"), DAMAGED_ROWS)
def test_damaged_rows_are_named(
    parts: RegistryParts, lived: Path, statement: str, expected: list[tuple[str, str, str]]
) -> None:
    change_rows(lived, statement)

    findings = check(parts).findings

    assert [(finding.what, finding.where) for finding in findings] == [
        (what, where) for what, where, _ in expected
    ]
    for finding, (_, _, found) in zip(findings, expected, strict=True):
        assert found in finding.found
        assert "\n" not in str(finding)


UNREADABLE_VALUES = [
    ("versions", "created_at", "'x'"),
    ("versions", "created_at", "'2026-02-31 00:00:00.000000'"),
    ("versions", "created_at", "'0000-01-01 00:00:00.000000'"),
    ("versions", "size_bytes", "'much'"),
    ("versions", "digest", "x'ff'"),
    ("tasks", "updated_at", "5"),
    ("events", "at", "'noon'"),
    ("events", "seq", "'x'"),
    ("audit", "seq", "x'ff'"),
    ("audit", "at", "5"),
    ("audit", "reason", "x'ff'"),
    ("aliases", "alias", "x'ff'"),
    ("tags", "tag", "x'ff'"),
    ("alias_history", "rollback", "7"),
    ("meta", "last_event", "'x'"),
]


@pytest.mark.parametrize(("table", "column", "value"), UNREADABLE_VALUES)
def test_value_that_no_server_can_read_is_named(
    parts: RegistryParts, lived: Path, table: str, column: str, value: str
) -> None:
    last = f"(SELECT max(rowid) FROM {table})"  # noqa: S608 (of this file)
    change_rows(lived, f'UPDATE {table} SET "{column}" = {value} WHERE rowid = {last}')  # noqa: S608 (of this file)

    (finding,) = check(parts).findings

    assert finding.what == "row_value"
    assert finding.where == f"column {column!r} of table {table!r}"
    assert "another in row" in finding.found


@pytest.mark.parametrize(
    "time",
    ["0001-01-01 00:00:00.000000", "9999-12-31 23:59:59.999999", "2024-02-29 23:59:59.999999"],
)
def test_any_time_that_there_is_can_be_stored(parts: RegistryParts, lived: Path, time: str) -> None:
    change_rows(lived, f"UPDATE versions SET created_at = '{time}'")  # noqa: S608 (of this file)

    assert check(parts).is_whole


def truncate(path: Path) -> None:
    """Cut a file off."""
    path.write_bytes(path.read_bytes()[:-1])


def turn_bit(path: Path) -> None:
    """Change one bit of a file's last byte."""
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


def empty(path: Path) -> None:
    """Leave an empty file."""
    path.write_bytes(b"")


@pytest.mark.parametrize("damage", [truncate, turn_bit, empty])
def test_damaged_file_is_named_with_every_version_that_needs_it(
    parts: RegistryParts, lived: Path, damage: Callable[[Path], None]
) -> None:
    path = path_of(lived, "spam", 1)
    damage(path)

    report = check(parts)

    (finding,) = report.findings
    assert (finding.what, finding.where) == ("blob_damaged", "ham@2, spam@1")
    assert finding.expected == f"sha256:{path.name}"
    assert finding.found.startswith("sha256:")
    assert report.damaged == (f"sha256:{path.name}",)


def test_missing_file_is_named(parts: RegistryParts, lived: Path) -> None:
    path = path_of(lived, "spam", 4)
    path.unlink()

    report = check(parts)

    (finding,) = report.findings
    assert (finding.what, finding.where) == ("blob_missing", "spam@4")
    assert finding.digest == f"sha256:{path.name}"
    assert report.damaged == ()


def test_file_that_cannot_be_read_is_named_and_the_others_are_checked(
    parts: RegistryParts, lived: Path
) -> None:
    unreadable, damaged = path_of(lived, "spam", 1), path_of(lived, "spam", 4)
    unreadable.unlink()
    unreadable.mkdir()
    truncate(damaged)

    found = {(finding.what, finding.where) for finding in check(parts).findings}

    assert found == {("blob_unreadable", "ham@2, spam@1"), ("blob_damaged", "spam@4")}


class Collected(BlobFolder):
    """A folder whose file is removed, with its version, just as it is about to be read."""

    def __init__(self, folder: Path, remove: Callable[[], object]) -> None:
        super().__init__(folder)
        self._remove = remove

    def read_chunks(
        self, digest: str, *, first: int = 0, last: int | None = None
    ) -> Generator[bytes, None, None]:
        """Remove first."""
        self._remove()
        return super().read_chunks(digest, first=first, last=last)


def test_what_was_deleted_and_collected_meanwhile_is_no_fault(lived: Path) -> None:
    with open_registry(lived) as registry:
        path = path_of(lived, "spam", 3)

        def remove() -> None:
            if path.exists():
                registry.delete_version("spam", 3, by="ann")
                path.unlink()

        report = verify(
            registry.database, Collected(lived / "blobs", remove), lambda _done, _total: None
        )

    assert not path.exists()
    assert report.findings == ()


def test_server_can_commit_while_files_are_read(lived: Path) -> None:
    with open_registry(lived) as registry, open_parts(lived) as parts:
        report = verify(
            parts.database,
            parts.blobs,
            lambda done, _total: publish(registry, f"new-{done}", sample_adapter(9)),
        )
        published = registry.tasks(limit=9).records

    assert report.findings == ()
    assert len(published) == 2 + report.extent.blobs


def test_progress_ends_at_the_bytes_of_all_files(parts: RegistryParts) -> None:
    seen: list[tuple[int, int]] = []

    report = verify(parts.database, parts.blobs, lambda done, total: seen.append((done, total)))

    assert seen[-1] == (report.extent.blob_bytes, report.extent.blob_bytes)


def test_repair_moves_damaged_files_aside_and_the_same_upload_brings_them_back(
    parts: RegistryParts, lived: Path
) -> None:
    path = path_of(lived, "spam", 1)
    truncate(path)

    (moved,) = quarantine(parts.database, parts.blobs, check(parts).damaged)

    assert moved.name is not None
    assert (lived / "blobs" / moved.name).read_bytes() == sample_adapter(0)[:-1]
    assert [finding.what for finding in check(parts).findings] == ["blob_missing"]
    with open_registry(lived) as registry:
        assert not publish(registry, "spam", sample_adapter(0)).created
    assert check(parts).findings == ()


def test_repair_leaves_what_is_whole_or_missing_by_then(parts: RegistryParts, lived: Path) -> None:
    whole, missing = path_of(lived, "spam", 1), path_of(lived, "spam", 4)
    missing.unlink()

    moved = quarantine(
        parts.database, parts.blobs, [f"sha256:{path.name}" for path in (whole, missing)]
    )

    assert [each.name for each in moved] == [None, None]
    assert whole.exists()


def test_registry_with_a_shared_database_and_store_is_checked_and_repaired(
    shared_store: Pair,
) -> None:
    server, beside = shared_store.server, shared_store.beside
    publish(server, "ham", sample_adapter(1))
    record = publish(server, "spam", sample_adapter(0)).record
    assert check_pair(shared_store).findings == ()
    assert isinstance(beside.blobs, ObjectBlobs)
    beside.blobs.remove(record.digest, stored_before=datetime(2100, 1, 1, tzinfo=UTC))

    (finding,) = check_pair(shared_store).findings

    assert (finding.what, finding.where) == ("blob_missing", "spam@1")
    assert not publish(server, "spam", sample_adapter(0)).created
    assert check_pair(shared_store).findings == ()
