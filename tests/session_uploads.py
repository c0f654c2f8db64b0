"""Uploading by session in one line, for tests of what comes before and after."""

from datetime import timedelta

from multitap_registry.contract import Publication, Registry
from multitap_registry.sessions import SessionLimits, UploadSessions

MAX_UPLOAD_BYTES = 64 * 1024
LIMITS = SessionLimits(sessions=3, total_bytes=100_000, grace=timedelta(hours=1))


def add(sessions: UploadSessions, session_id: str, content: bytes) -> int:
    """Append bytes where a session is, and return where it is then."""
    with sessions.append(session_id, offset=sessions.get(session_id).offset) as writer:
        writer.write(content)
    return sessions.get(session_id).offset


def begin(sessions: UploadSessions, content: bytes, *, digest: str | None = None) -> str:
    """Open a session for some bytes, of which half have arrived; return its id."""
    session = sessions.open(len(content), digest=digest)
    add(sessions, session.id, content[: len(content) // 2])
    return session.id


def send(sessions: UploadSessions, content: bytes, *, digest: str | None = None) -> str:
    """Open a session and send all of it in two parts; return its id."""
    session_id = begin(sessions, content, digest=digest)
    add(sessions, session_id, content[len(content) // 2 :])
    return session_id


def publish_session(
    registry: Registry, task: str, session_id: str, *, digest: str | None = None
) -> Publication:
    """Make a whole session a version of a task."""
    with registry.sessions.complete(session_id, digest=digest) as upload:
        return registry.publish(task, upload, by="anonymous")
