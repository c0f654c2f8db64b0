"""What every registry promises of uploads that arrive in parts."""

import hashlib
from contextlib import suppress

import pytest

from hand_clock import HandClock
from multitap_adapters.file import AdapterFileError
from multitap_registry.contract import Registry
from multitap_registry.errors import (
    StorageUnavailable,
    TaskNotFound,
    UploadDigestMismatch,
    UploadIncomplete,
    UploadInUse,
    UploadNotFound,
    UploadOffsetMismatch,
    UploadQuotaExceeded,
    UploadTooLarge,
)
from multitap_registry.sessions import UploadSessions
from publishing import publish
from sample_adapters import sample_adapter
from session_uploads import MAX_UPLOAD_BYTES, add, begin, publish_session, send

CONTENT = sample_adapter()
DIGEST = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"
OTHER_DIGEST = "sha256:" + "0" * 64


def is_gone(sessions: UploadSessions, session_id: str) -> bool:
    """Return whether a session cannot be found."""
    try:
        sessions.get(session_id)
    except UploadNotFound:
        return True
    return False


def test_a_new_session_waits_for_its_first_byte(sessions: UploadSessions) -> None:
    session = sessions.open(len(CONTENT), digest=DIGEST)

    assert (session.offset, session.size_bytes, session.digest) == (0, len(CONTENT), DIGEST)
    assert sessions.get(session.id) == session


def test_ids_cannot_be_guessed(sessions: UploadSessions) -> None:
    one, other = sessions.open(1).id, sessions.open(1).id

    assert one != other
    assert len(bytes.fromhex(one)) * 8 >= 128


def test_parts_of_any_size_become_one_version(registry: Registry) -> None:
    session = registry.sessions.open(len(CONTENT))
    for start in range(0, len(CONTENT), 100):
        add(registry.sessions, session.id, CONTENT[start : start + 100])

    record = publish_session(registry, "spam", session.id, digest=DIGEST).record

    assert (record.version, record.digest) == (1, DIGEST)
    assert registry.read_blob(record.digest) == CONTENT
    assert is_gone(registry.sessions, session.id)


def test_the_same_bytes_twice_give_the_same_version(registry: Registry) -> None:
    first = publish_session(registry, "spam", send(registry.sessions, CONTENT))
    again = publish_session(registry, "spam", send(registry.sessions, CONTENT))

    assert (first.created, again.created) == (True, False)
    assert first.record.version == again.record.version


def test_a_session_gives_the_version_that_an_upload_in_one_piece_made(registry: Registry) -> None:
    publish(registry, "spam", CONTENT)

    assert not publish_session(registry, "spam", send(registry.sessions, CONTENT)).created


def test_two_sessions_at_once_give_two_versions(registry: Registry) -> None:
    contents = sample_adapter(1), sample_adapter(2)
    ids = [registry.sessions.open(len(content)).id for content in contents]
    for start in range(0, len(contents[0]), 64):
        for session_id, content in zip(ids, contents, strict=True):
            add(registry.sessions, session_id, content[start : start + 64])

    records = [publish_session(registry, "spam", session_id).record for session_id in ids]

    assert [record.version for record in records] == [1, 2]
    assert tuple(registry.read_blob(record.digest) for record in records) == contents


@pytest.mark.parametrize("offset", [0, 1, 11, 10**12])
def test_bytes_for_another_place_are_refused_with_the_place(
    sessions: UploadSessions, offset: int
) -> None:
    session = sessions.open(100)
    add(sessions, session.id, b"x" * 10)

    with pytest.raises(UploadOffsetMismatch) as caught, sessions.append(session.id, offset=offset):
        pytest.fail("nothing may be written")

    assert (caught.value.given, caught.value.offset) == (offset, 10)
    assert sessions.get(session.id).offset == 10


def test_bytes_that_arrived_before_a_cut_count(registry: Registry) -> None:
    session = registry.sessions.open(len(CONTENT), digest=DIGEST)
    with suppress(ConnectionError), registry.sessions.append(session.id, offset=0) as writer:
        writer.write(CONTENT[:300])
        raise ConnectionError

    assert registry.sessions.get(session.id).offset == 300
    add(registry.sessions, session.id, CONTENT[300:])
    assert publish_session(registry, "spam", session.id).created


def test_a_session_has_one_writer_at_a_time(sessions: UploadSessions) -> None:
    session = sessions.open(100)
    with sessions.append(session.id, offset=0) as writer:
        writer.write(b"x" * 10)
        with pytest.raises(UploadInUse), sessions.append(session.id, offset=10):
            pytest.fail("nothing may be written")
        with pytest.raises(UploadInUse):
            sessions.discard(session.id)

    assert sessions.get(session.id).offset == 10


def test_a_session_is_published_once_at_a_time(sessions: UploadSessions) -> None:
    session_id = send(sessions, CONTENT)
    with (
        sessions.complete(session_id),
        pytest.raises(UploadInUse),
        sessions.complete(session_id),
    ):
        pytest.fail("it is given out already")


def test_bytes_beyond_the_announced_size_are_refused(sessions: UploadSessions) -> None:
    session = sessions.open(10)
    with sessions.append(session.id, offset=0) as writer:
        writer.write(b"x" * 8)
        with pytest.raises(UploadTooLarge) as caught:
            writer.write(b"xyz")

    assert caught.value.limit_bytes == 10
    assert sessions.get(session.id).offset == 8


def test_a_file_that_is_too_large_is_refused_before_any_byte(sessions: UploadSessions) -> None:
    sessions.open(MAX_UPLOAD_BYTES)

    with pytest.raises(UploadTooLarge):
        sessions.open(MAX_UPLOAD_BYTES + 1)


def test_no_more_sessions_are_open_than_allowed(sessions: UploadSessions) -> None:
    ids = [sessions.open(1).id for _ in range(3)]

    with pytest.raises(UploadQuotaExceeded, match="4 uploads would be open, expected at most 3"):
        sessions.open(1)
    sessions.discard(ids[0])
    assert sessions.open(1).offset == 0


def test_no_more_bytes_are_announced_than_allowed(sessions: UploadSessions) -> None:
    sessions.open(60_000)

    with pytest.raises(UploadQuotaExceeded, match="would have 120000 bytes, expected at most 1"):
        sessions.open(60_000)
    assert sessions.open(40_000).offset == 0


def test_expired_sessions_do_not_count(sessions: UploadSessions, clock: HandClock) -> None:
    for _ in range(3):
        sessions.open(1)
    clock.move(hours=1)

    assert sessions.open(1).offset == 0


def test_a_refusal_says_when_to_ask_again(sessions: UploadSessions, clock: HandClock) -> None:
    for _ in range(3):
        sessions.open(1)
    clock.move(minutes=59, seconds=30)

    with pytest.raises(UploadQuotaExceeded) as caught:
        sessions.open(1)
    assert caught.value.retry_after_s == 30


@pytest.mark.parametrize(("announced", "given"), [(OTHER_DIGEST, None), (None, OTHER_DIGEST)])
def test_bytes_of_another_digest_are_never_published(
    registry: Registry, announced: str | None, given: str | None
) -> None:
    session_id = send(registry.sessions, CONTENT, digest=announced)

    with pytest.raises(UploadDigestMismatch) as caught:
        publish_session(registry, "spam", session_id, digest=given)

    assert (caught.value.expected, caught.value.found) == (OTHER_DIGEST, DIGEST)
    assert is_gone(registry.sessions, session_id)
    with pytest.raises(TaskNotFound):
        registry.task("spam")


def test_bytes_that_are_no_adapter_end_the_session(registry: Registry) -> None:
    session_id = send(registry.sessions, b"no adapter")

    with pytest.raises(AdapterFileError):
        publish_session(registry, "spam", session_id)

    assert is_gone(registry.sessions, session_id)


def test_a_session_that_is_not_whole_goes_on(registry: Registry) -> None:
    session_id = begin(registry.sessions, CONTENT)
    half = len(CONTENT) // 2

    with pytest.raises(UploadIncomplete) as caught:
        publish_session(registry, "spam", session_id)

    assert (caught.value.offset, caught.value.size_bytes) == (half, len(CONTENT))
    add(registry.sessions, session_id, CONTENT[half:])
    assert publish_session(registry, "spam", session_id).created


def test_a_session_goes_on_where_publishing_failed_and_its_bytes_are_as_they_were(
    registry: Registry,
) -> None:
    session_id = send(registry.sessions, CONTENT)
    with pytest.raises(StorageUnavailable), registry.sessions.complete(session_id):
        raise StorageUnavailable("the object store is away")

    assert publish_session(registry, "spam", session_id).created


def test_a_session_that_nobody_uses_ends_after_the_grace_period(
    sessions: UploadSessions, clock: HandClock
) -> None:
    session_id = begin(sessions, CONTENT)
    clock.move(minutes=59)
    assert sessions.sweep() == 0
    assert not is_gone(sessions, session_id)

    clock.move(minutes=1)

    assert is_gone(sessions, session_id)
    with pytest.raises(UploadNotFound), sessions.append(session_id, offset=0):
        pytest.fail("it is gone")
    assert sessions.sweep() == 1
    assert sessions.sweep() == 0


def test_more_bytes_prolong_a_session(sessions: UploadSessions, clock: HandClock) -> None:
    session = sessions.open(100)
    clock.move(minutes=50)
    add(sessions, session.id, b"x")
    clock.move(minutes=50)

    assert sessions.get(session.id).offset == 1


def test_no_session_lives_longer_than_seven_grace_periods(
    sessions: UploadSessions, clock: HandClock
) -> None:
    session = sessions.open(1_000)
    for _ in range(8):
        clock.move(minutes=50)
        add(sessions, session.id, b"x")
    clock.move(minutes=20)

    assert is_gone(sessions, session.id)


def test_a_session_never_expires_while_it_is_held(
    sessions: UploadSessions, clock: HandClock
) -> None:
    session = sessions.open(100)
    with sessions.append(session.id, offset=0) as writer:
        clock.move(hours=3)
        assert sessions.sweep() == 0
        writer.write(b"x")

    assert sessions.get(session.id).offset == 1


def test_a_discarded_session_is_gone(sessions: UploadSessions) -> None:
    session_id = begin(sessions, CONTENT)

    sessions.discard(session_id)

    assert is_gone(sessions, session_id)
    with pytest.raises(UploadNotFound):
        sessions.discard(session_id)


@pytest.mark.parametrize("session_id", ["", "x", "../registry", "0" * 48, "é" * 1_000])
def test_what_is_no_id_is_not_found(sessions: UploadSessions, session_id: str) -> None:
    assert is_gone(sessions, session_id)
