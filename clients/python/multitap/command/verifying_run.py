"""One check of a registry; imports its databases, so it is imported late."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.table import Table

from multitap_registry.blobs import Blob
from multitap_registry.care import Extent, Quarantine, Report, quarantine, verify

from .console import show, table, to_json, write_json
from .progress import byte_progress
from .registry_place import parts_beside
from .wording import one_line, size


def run_verify(
    registry: Path | None, database: str | None, blobs: str | None, *, repair: bool, json: bool
) -> bool:
    """Check, move damaged files aside if that is wished, and say what was found.

    Returns whether the registry is whole. Raises: CommandError.
    """
    with parts_beside(registry, database, blobs) as parts:
        with byte_progress("checking") as on_progress:
            report = verify(parts.database, parts.blobs, on_progress)
        moved = quarantine(parts.database, parts.blobs, report.damaged) if repair else []
    if json:
        write_json(to_json(_document(report, moved)))
    else:
        show(*_parts(report, moved))
    return report.is_whole


def _parts(report: Report, moved: Sequence[Quarantine]) -> list[str | Table]:
    parts: list[str | Table] = [_findings(report), ""] if report.findings else []
    parts.append(f"checked: {_extent(report.extent)}")
    if report.orphans:
        parts.append(_orphans(report.orphans))
    parts += map(_moved, moved)
    if moved:
        parts.append("uploading the same bytes again repairs a version whose file is missing")
    elif report.damaged:
        parts.append("--repair moves damaged files aside")
    count = len(report.findings)
    return [*parts, f"faults: {count}" if count else "the registry is whole"]


def _findings(report: Report) -> Table:
    rows = table("fault", "where", "expected", "found")
    for finding in report.findings:
        texts = (finding.what, finding.where, finding.expected, finding.found)
        rows.add_row(*map(one_line, texts))
    return rows


def _extent(extent: Extent) -> str:
    return (
        f"tasks {extent.tasks}, versions {extent.versions}, aliases {extent.aliases}, "
        f"events {extent.events}, audit lines {extent.audit_lines}, "
        f"files {extent.blobs} ({size(extent.blob_bytes)})"
    )


def _orphans(orphans: Sequence[Blob]) -> str:
    total = size(sum(blob.size_bytes for blob in orphans))
    return f"files that no version needs: {len(orphans)} ({total}); multitap gc removes old ones"


def _moved(each: Quarantine) -> str:
    if each.name is None:
        return f"{each.digest} was stored anew, or removed, meanwhile"
    return f"moved {each.digest} to {each.name}"


def _document(report: Report, moved: Sequence[Quarantine]) -> dict[str, object]:
    return {
        "whole": report.is_whole,
        "findings": [asdict(finding) for finding in report.findings],
        "orphans": [
            {"digest": blob.digest, "size_bytes": blob.size_bytes} for blob in report.orphans
        ],
        "quarantined": [asdict(each) for each in moved],
        "checked": asdict(report.extent),
    }
