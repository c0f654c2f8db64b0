"""One garbage collection; imports the registry's databases, so it is imported late."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from rich.table import Table

from multitap_registry.blobs import Blob
from multitap_registry.care import (
    RetentionRule,
    collect,
    delete_expired,
    find_expired,
    find_orphans,
)
from multitap_registry.clock import utc_now
from multitap_registry.contract import TaskFilter, VersionRecord
from multitap_registry.errors import InvalidReference
from multitap_registry.reference import parse_tag
from multitap_registry.sql import SqlRegistry

from .console import show, table, to_json, write_json
from .failures import CommandError, UsageError
from .gc_request import GcRequest
from .progress import row_progress
from .registry_place import opened_beside
from .wording import local_time, short_digest, size

# Who deleted a version, in events and audit lines.
BY: Final = "gc"

_HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What went, or would go; `young` are files that the grace period still keeps."""

    deleted: Sequence[VersionRecord]
    removed: Sequence[Blob]
    young: Sequence[Blob]


def run_gc(
    registry: Path | None,
    database: str | None,
    blobs: str | None,
    request: GcRequest,
    *,
    json: bool,
) -> None:
    """Show what would go, or let it go where that is wished. Raises: CommandError."""
    now = utc_now()
    for tag in request.spared_tags:
        try:
            parse_tag(tag)
        except InvalidReference as error:
            raise UsageError(f"--spare-tag: {error}") from error
    with opened_beside(registry, database, blobs) as opened:
        for tag in sorted(request.spared_tags):
            _require_tagged(opened, tag)
        act = _collect if request.yes else _plan
        outcome = act(opened, request, now)
    if json:
        write_json(to_json(_document(outcome, dry_run=not request.yes)))
    else:
        show(*_parts(outcome, request))


def _rule(request: GcRequest) -> RetentionRule | None:
    if request.keep is None and request.older_than is None:
        return None
    return RetentionRule(request.keep, request.older_than, request.spared_tags)


def _require_tagged(registry: SqlRegistry, tag: str) -> None:
    """Refuse a tag that would spare nothing: it is more likely a slip, and what goes is gone."""
    if not registry.tasks(limit=1, where=TaskFilter(tag=tag)).records:
        raise CommandError(f"no version has the tag {tag!r} of --spare-tag, so nothing was done")


def _plan(registry: SqlRegistry, request: GcRequest, now: datetime) -> _Outcome:
    rule = _rule(request)
    expired = [] if rule is None else find_expired(registry, rule, now)
    without = frozenset((record.task, record.version) for record in expired)
    orphans = find_orphans(registry.database, registry.blobs, without=without)
    return _Outcome(expired, *_by_age(orphans, now - request.grace))


def _collect(registry: SqlRegistry, request: GcRequest, now: datetime) -> _Outcome:
    rule = _rule(request)
    deleted = [] if rule is None else list(delete_expired(registry, rule, now, by=BY))
    stored_before = now - request.grace
    orphans = find_orphans(registry.database, registry.blobs)
    old, young = _by_age(orphans, stored_before)
    removed: list[Blob] = []
    with row_progress("removing", len(old)) as on_rows:
        for blob in collect(registry.database, registry.blobs, old, stored_before=stored_before):
            removed.append(blob)
            on_rows(1)
    return _Outcome(deleted, removed, young)


def _by_age(orphans: Sequence[Blob], stored_before: datetime) -> tuple[list[Blob], list[Blob]]:
    old = [blob for blob in orphans if blob.modified_at < stored_before]
    return old, [blob for blob in orphans if blob.modified_at >= stored_before]


def _parts(outcome: _Outcome, request: GcRequest) -> list[str | Table]:
    parts: list[str | Table] = []
    if outcome.deleted:
        parts += [_versions(outcome.deleted), ""]
    if outcome.removed and not request.yes:
        parts += [_files(outcome.removed), ""]
    going = "" if request.yes else "that would be "
    if request.keep is not None or request.older_than is not None:
        parts.append(f"versions {going}deleted: {len(outcome.deleted)}")
    parts.append(f"files {going}removed: {_sum(outcome.removed)}")
    if outcome.young:
        hours = f"{request.grace / _HOUR:g} hours"
        parts.append(
            f"files that go once they were stored more than {hours} ago: {_sum(outcome.young)}"
        )
    if not request.yes and (outcome.deleted or outcome.removed):
        parts.append("nothing was changed; --yes does it")
    return parts


def _sum(blobs: Sequence[Blob]) -> str:
    return f"{len(blobs)} ({size(sum(blob.size_bytes for blob in blobs))})"


def _versions(records: Sequence[VersionRecord]) -> Table:
    rows = table("version", "made", "size", "digest", right=["size"])
    for record in records:
        rows.add_row(
            f"{record.task}@{record.version}",
            local_time(record.created_at),
            size(record.size_bytes),
            short_digest(record.digest),
        )
    return rows


def _files(blobs: Sequence[Blob]) -> Table:
    rows = table("file", "last stored", "size", right=["size"])
    for blob in blobs:
        rows.add_row(blob.digest, local_time(blob.modified_at), size(blob.size_bytes))
    return rows


def _document(outcome: _Outcome, *, dry_run: bool) -> dict[str, object]:
    return {
        "dry_run": dry_run,
        "deleted": [
            {
                "task": record.task,
                "version": record.version,
                "digest": record.digest,
                "created_at": record.created_at.isoformat(),
            }
            for record in outcome.deleted
        ],
        "removed": _documents(outcome.removed),
        "removed_bytes": sum(blob.size_bytes for blob in outcome.removed),
        "young": _documents(outcome.young),
    }


def _documents(blobs: Sequence[Blob]) -> list[dict[str, object]]:
    return [
        {
            "digest": blob.digest,
            "size_bytes": blob.size_bytes,
            "modified_at": blob.modified_at.isoformat(),
        }
        for blob in blobs
    ]
