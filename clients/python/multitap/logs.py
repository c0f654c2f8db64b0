"""What a server tells of the past: histories of aliases, events, and audit lines."""

from datetime import datetime

from pydantic import ConfigDict, Field

from .message import Answer


class AliasMove(Answer):
    """One move of an alias, `from` and `to` in JSON; `move` counts from 1 without gaps.

    `origin` is None where the alias was made, `target` is None where it was deleted.
    """

    model_config = ConfigDict(
        validate_by_name=True, validate_by_alias=True, serialize_by_alias=True
    )

    move: int
    at: datetime
    by: str
    origin: int | None = Field(validation_alias="from", serialization_alias="from")
    target: int | None = Field(validation_alias="to", serialization_alias="to")
    reason: str | None
    rollback: bool


class AliasHistory(Answer):
    """Every move of an alias, oldest first."""

    history: list[AliasMove]


class Event(Answer):
    """One change; `seq` counts from 1 without gaps.

    `type` is `version.published`, `version.deleted`, `version.tagged`, `alias.moved`,
    `alias.deleted`, `task.deleted` or `task.imported`, which brings versions and aliases that no
    event names; later servers may have others. `version` is the version concerned: for an alias,
    where it points now.
    """

    seq: int
    at: datetime
    by: str
    type: str
    task: str
    version: int | None = None
    alias: str | None = None


class EventList(Answer):
    """Events in order; `next` is what to ask behind next time, `last` the newest event's number."""

    events: list[Event]
    next: int
    last: int


class AuditLine(Answer):
    """One line of the audit log, with the hash of the line before it; `seq` counts from 1.

    `action` is the type of an event, or `upload.rejected`; `outcome` is `done` or `rejected`.
    """

    seq: int
    at: datetime
    by: str
    action: str
    task: str
    outcome: str
    version: int | None = None
    alias: str | None = None
    old_digest: str | None = None
    new_digest: str | None = None
    reason: str | None = None
    request_id: str | None = None
    previous: str
    hash: str


class AuditList(Answer):
    """Audit lines in order; `next` is what to ask behind next time."""

    lines: list[AuditLine]
    next: int
