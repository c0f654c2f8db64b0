"""Upload sessions on disk: private, kept over a restart, and gone without a trace."""

from pathlib import Path

import pytest

from hand_clock import HandClock
from multitap_registry.errors import StorageUnavailable, UploadNotFound
from multitap_registry.folder import open_registry
from multitap_registry.sql import SqlRegistry
from sample_adapters import sample_adapter
from session_uploads import LIMITS, MAX_UPLOAD_BYTES, add, begin, publish_session, send

CONTENT = sample_adapter()
HALF = len(CONTENT) // 2


@pytest.fixture
def files(folder: Path) -> Path:
    """Return where the sessions' files are."""
    return folder / "sessions"


def names(files: Path) -> set[str]:
    """Return the names of all files of sessions."""
    return {path.name for path in files.iterdir()}


def test_files_are_for_their_owner_only(stored: SqlRegistry, files: Path) -> None:
    session_id = begin(stored.sessions, CONTENT)

    assert names(files) == {f"{session_id}.part", f"{session_id}.json"}
    assert {path.stat().st_mode & 0o777 for path in files.iterdir()} == {0o600}


def test_nothing_is_left_of_what_was_published(stored: SqlRegistry, files: Path) -> None:
    publish_session(stored, "spam", send(stored.sessions, CONTENT))

    assert names(files) == set()


def test_a_client_that_vanishes_leaves_nothing_after_the_grace_period(
    stored: SqlRegistry, files: Path, clock: HandClock
) -> None:
    begin(stored.sessions, CONTENT)
    clock.move(hours=1)

    stored.sessions.sweep()

    assert names(files) == set()


def test_a_session_goes_on_after_a_restart(folder: Path, files: Path, clock: HandClock) -> None:
    with open_registry(folder, sessions=LIMITS, clock=clock) as registry:
        session_id = begin(registry.sessions, CONTENT, digest="sha256:" + "0" * 64)
        before = registry.sessions.get(session_id)
    clock.move(minutes=30)

    with open_registry(folder, sessions=LIMITS, clock=clock) as registry:
        assert registry.sessions.get(session_id) == before
    assert len(names(files)) == 2


def test_what_arrived_over_a_restart_is_one_version(folder: Path, clock: HandClock) -> None:
    with open_registry(folder, clock=clock) as registry:
        session_id = begin(registry.sessions, CONTENT)
    with open_registry(folder, clock=clock) as registry:
        add(registry.sessions, session_id, CONTENT[HALF:])
        record = publish_session(registry, "spam", session_id).record

        assert registry.read_blob(record.digest) == CONTENT


def test_what_expired_while_nobody_served_is_removed_at_the_start(
    folder: Path, files: Path, clock: HandClock
) -> None:
    with open_registry(folder, sessions=LIMITS, clock=clock) as registry:
        session_id = begin(registry.sessions, CONTENT)
    clock.move(hours=1)

    with open_registry(folder, sessions=LIMITS, clock=clock) as registry:
        assert names(files) == set()
        with pytest.raises(UploadNotFound):
            registry.sessions.get(session_id)


@pytest.mark.parametrize("suffix", [".part", ".json"])
def test_half_a_session_is_left_from_a_kill_and_removed(
    folder: Path, files: Path, clock: HandClock, suffix: str
) -> None:
    with open_registry(folder, clock=clock) as registry:
        session_id = begin(registry.sessions, CONTENT)
    (files / f"{session_id}{suffix}").unlink()

    with open_registry(folder, clock=clock):
        assert names(files) == set()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"id": "x"}', "\x00", "\x80"])
def test_an_announcement_that_cannot_be_read_is_removed_with_its_bytes(
    folder: Path, files: Path, clock: HandClock, text: str
) -> None:
    with open_registry(folder, clock=clock) as registry:
        session_id = begin(registry.sessions, CONTENT)
    (files / f"{session_id}.json").write_bytes(text.encode("latin-1"))

    with open_registry(folder, clock=clock):
        assert names(files) == set()


def test_an_announcement_of_another_session_or_size_is_none(
    folder: Path, files: Path, clock: HandClock
) -> None:
    with open_registry(folder, clock=clock) as registry:
        small, large = registry.sessions.open(1).id, begin(registry.sessions, CONTENT)
    text = (files / f"{small}.json").read_text()
    (files / f"{large}.json").write_text(text)
    (files / f"{small}.part").write_bytes(b"xy")

    with open_registry(folder, clock=clock):
        assert names(files) == set()


def test_whatever_else_lies_there_is_removed_at_the_start(
    folder: Path, files: Path, clock: HandClock
) -> None:
    with open_registry(folder, clock=clock) as registry:
        session_id = begin(registry.sessions, CONTENT)
    (files / "stray").write_bytes(b"x")
    (files / f"{session_id}.more").write_bytes(b"x")

    with open_registry(folder, clock=clock):
        assert names(files) == {f"{session_id}.part", f"{session_id}.json"}


def test_a_session_is_gone_after_an_error_of_the_disk(stored: SqlRegistry, files: Path) -> None:
    session_id = begin(stored.sessions, CONTENT)
    (files / f"{session_id}.part").unlink()

    with pytest.raises(StorageUnavailable):
        add(stored.sessions, session_id, b"x")

    assert names(files) == set()
    with pytest.raises(UploadNotFound):
        stored.sessions.get(session_id)


def test_a_session_that_could_not_be_started_leaves_nothing(
    stored: SqlRegistry, files: Path
) -> None:
    files.rmdir()

    for _ in range(LIMITS.sessions + 1):
        with pytest.raises(StorageUnavailable):
            stored.sessions.open(1)


def test_bytes_that_the_disk_changed_since_they_arrived_are_noticed(
    stored: SqlRegistry, files: Path
) -> None:
    session_id = send(stored.sessions, CONTENT)
    (files / f"{session_id}.part").write_bytes(sample_adapter(2))

    with pytest.raises(StorageUnavailable, match="other bytes"):
        publish_session(stored, "spam", session_id)

    assert names(files) == set()


def test_a_limit_that_was_lowered_holds_for_open_sessions_too(
    folder: Path, clock: HandClock
) -> None:
    with open_registry(folder, max_upload_bytes=MAX_UPLOAD_BYTES, clock=clock) as registry:
        session_id = send(registry.sessions, CONTENT)

    with (
        open_registry(folder, max_upload_bytes=100, clock=clock) as registry,
        pytest.raises(Exception, match="larger than 100 bytes"),
    ):
        publish_session(registry, "spam", session_id)
