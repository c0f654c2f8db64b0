"""What a publish asks of the kernel, in which order, and what comes of it if the kernel fails.

These need `strace` and the right to attach it to a process; elsewhere they are skipped.
"""

from pathlib import Path

import pytest

from multitap_registry.folder import DATABASE_NAME
from publisher_process import PublisherProcess
from reliability.system_calls import (
    Call,
    can_attach,
    check_one_version,
    first_publish,
    trace,
)

JOURNAL = f"{DATABASE_NAME}-journal"
# Each call that can fail, by its name and its number within a publish.
OWN_FAULTS = [*(("fsync", number) for number in (1, 2, 3, 4)), ("/^rename", 1)]
SQLITE_FAULTS = [*(("fdatasync", number) for number in (1, 3, 4, 5)), ("/^unlink", 1)]
# The folder as the journal is made: SQLite syncs it, and does not look at the result.
IGNORED_FAULTS = [("fdatasync", 2)]


@pytest.fixture(autouse=True)
def needs_strace() -> None:
    """Skip where strace cannot be attached."""
    if not can_attach():
        pytest.skip("needs strace, and the right to attach it to a process")


def test_blob_and_its_name_are_durable_before_the_database_is_touched(
    publisher: PublisherProcess, folder: Path
) -> None:
    said, calls = trace(publisher, folder)

    before = first_publish(calls)
    before = before[: before.index(Call("pwrite", JOURNAL))]
    staged = before[0].path
    (blob,) = (call.path for call in before if call.name == "rename")
    prefix = str(Path(blob).parent)
    assert said == ["published 1", "published 1"]
    assert staged.startswith("staging/")
    assert before == [
        Call("write", staged),
        Call("mkdir", "blobs/sha256"),
        Call("fsync", "blobs"),
        Call("mkdir", prefix),
        Call("fsync", "blobs/sha256"),
        Call("fsync", staged),
        Call("rename", blob),
        Call("fsync", prefix),
    ]


def test_end_of_the_journal_is_durable_before_a_publish_is_acknowledged(
    publisher: PublisherProcess, folder: Path
) -> None:
    _, calls = trace(publisher, folder)

    assert first_publish(calls)[-3:] == [
        Call("fdatasync", DATABASE_NAME),
        Call("unlink", JOURNAL),
        Call("fdatasync", ""),
    ]


@pytest.mark.parametrize(("name", "number"), [*OWN_FAULTS, *SQLITE_FAULTS, *IGNORED_FAULTS])
def test_invariant_2_an_unacknowledged_publish_is_all_or_nothing_and_trying_again_gives_one_version(
    publisher: PublisherProcess, folder: Path, name: str, number: int
) -> None:
    said, _ = trace(publisher, folder, inject=f"{name}:signal=KILL:when={number}")

    assert said == []
    check_one_version(folder)


@pytest.mark.parametrize(("name", "number"), [*OWN_FAULTS, *SQLITE_FAULTS])
def test_invariant_8_an_input_output_error_fails_that_publish_only(
    publisher: PublisherProcess, folder: Path, name: str, number: int
) -> None:
    said, _ = trace(publisher, folder, inject=f"{name}:error=EIO:when={number}")

    assert said == ["refused StorageUnavailable", "published 1"]
    check_one_version(folder)


@pytest.mark.parametrize(("name", "number"), IGNORED_FAULTS)
def test_error_that_sqlite_ignores_leaves_a_whole_version(
    publisher: PublisherProcess, folder: Path, name: str, number: int
) -> None:
    said, _ = trace(publisher, folder, inject=f"{name}:error=EIO:when={number}")

    assert said == ["published 1", "published 1"]
    check_one_version(folder)


@pytest.mark.parametrize("name", ["write", "pwrite64"])
def test_full_disk_at_a_call_is_told_as_such(
    publisher: PublisherProcess, folder: Path, name: str
) -> None:
    said, _ = trace(publisher, folder, inject=f"{name}:error=ENOSPC:when=1")

    assert said == ["refused StorageFull", "published 1"]
    check_one_version(folder)
