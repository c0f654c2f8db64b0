"""``task.json``: what a task's folder says of the task, its versions and its aliases.

docs/task-folder.md defines it. It names no file: where a version's bytes lie follows from its
number.
"""

from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from multitap_adapters.spec import DIGEST_PATTERN, TASK_PATTERN, AdapterSpec
from multitap_registry.contract import AliasMove, VersionRecord
from multitap_registry.reference import ALIAS_PATTERN, TAG_PATTERN
from multitap_registry.task_copy import TaskCopy
from multitap_registry.task_state import TaskState

FORMAT: Final = 1
DOCUMENT_NAME: Final = "task.json"
VERSIONS_NAME: Final = "versions"
MAX_DOCUMENT_BYTES: Final = 64 * 2**20
_LARGEST: Final = 2**53


def file_name(version: int) -> str:
    """Return the name of a version's file, within the folder of versions."""
    return f"{version}.safetensors"


def _require_utc(at: datetime) -> datetime:
    if at.utcoffset() != timedelta(0):
        raise ValueError("a time in UTC is expected")
    return at


Time = Annotated[AwareDatetime, AfterValidator(_require_utc)]
Name = Annotated[str, Field(pattern=TASK_PATTERN)]
AliasName = Annotated[str, Field(pattern=ALIAS_PATTERN)]
Tag = Annotated[str, Field(pattern=TAG_PATTERN)]
Number = Annotated[int, Field(ge=1, le=_LARGEST)]


class _Part(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
    )


class VersionEntry(_Part):
    """One version; `spec` is that of a deleted one, and null where the file has it."""

    version: Number
    state: Literal["ready", "deleted"]
    digest: Annotated[str, Field(pattern=DIGEST_PATTERN)]
    size_bytes: Annotated[int, Field(ge=0, le=_LARGEST)]
    created_at: Time
    created_by: str
    tags: tuple[Tag, ...]
    spec: AdapterSpec | None


class MoveEntry(_Part):
    """One move of an alias."""

    move: Number
    at: Time
    by: str
    origin: Number | None = Field(validation_alias="from", serialization_alias="from")
    target: Number | None = Field(validation_alias="to", serialization_alias="to")
    reason: str | None
    rollback: bool


class TaskDocument(_Part):
    """The whole document."""

    format: Literal[1]
    task: Name
    created_at: Time
    updated_at: Time
    versions: tuple[VersionEntry, ...]
    aliases: dict[AliasName, Number]
    history: dict[AliasName, tuple[MoveEntry, ...]]


def describe(copy: TaskCopy) -> TaskDocument:
    """Return the document of a task."""
    state = copy.state
    return TaskDocument(
        format=FORMAT,
        task=state.task,
        created_at=state.created_at,
        updated_at=state.updated_at,
        versions=tuple(map(_version_entry, state.versions.values())),
        aliases=dict(sorted(state.aliases.items())),
        history={
            alias: tuple(map(_move_entry, moves)) for alias, moves in sorted(copy.history.items())
        },
    )


def to_copy(document: TaskDocument, specs: dict[int, AdapterSpec]) -> TaskCopy:
    """Return the task of a document that was checked; `specs` are those of the ready versions."""
    names: dict[int, list[str]] = {}
    for alias, target in sorted(document.aliases.items()):
        names.setdefault(target, []).append(alias)
    versions = {
        entry.version: VersionRecord(
            task=document.task,
            version=entry.version,
            digest=entry.digest,
            size_bytes=entry.size_bytes,
            spec=entry.spec or specs[entry.version],
            state=entry.state,
            aliases=tuple(names.get(entry.version, ())),
            created_at=entry.created_at,
            created_by=entry.created_by,
            tags=entry.tags,
        )
        for entry in document.versions
    }
    state = TaskState(
        task=document.task,
        next_version=len(versions) + 1,
        versions=MappingProxyType(versions),
        ready=MappingProxyType({r.digest: n for n, r in versions.items() if r.state == "ready"}),
        aliases=MappingProxyType(dict(document.aliases)),
        created_at=document.created_at,
        updated_at=document.updated_at,
    )
    history = {alias: tuple(map(_move, moves)) for alias, moves in document.history.items()}
    return TaskCopy(state, history)


def _version_entry(record: VersionRecord) -> VersionEntry:
    return VersionEntry(
        version=record.version,
        state=record.state,
        digest=record.digest,
        size_bytes=record.size_bytes,
        created_at=record.created_at,
        created_by=record.created_by,
        tags=record.tags,
        spec=record.spec if record.state == "deleted" else None,
    )


def _move_entry(move: AliasMove) -> MoveEntry:
    return MoveEntry(
        move=move.move,
        at=move.at,
        by=move.by,
        origin=move.origin,
        target=move.target,
        reason=move.reason,
        rollback=move.rollback,
    )


def _move(entry: MoveEntry) -> AliasMove:
    return AliasMove(
        move=entry.move,
        at=entry.at,
        by=entry.by,
        origin=entry.origin,
        target=entry.target,
        reason=entry.reason,
        rollback=entry.rollback,
    )
