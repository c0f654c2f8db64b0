"""What a check of a registry says: each fault as a value, and what was checked."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from multitap_registry.blobs import Blob

Fault: TypeAlias = Literal[
    "row_value",
    "audit_line",
    "audit_end",
    "event_gap",
    "event_end",
    "version_gap",
    "version_digest",
    "version_spec",
    "alias_target",
    "alias_history",
    "blob_missing",
    "blob_damaged",
    "blob_size",
    "blob_unreadable",
]


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault; `digest` is the blob's where it is about one."""

    what: Fault
    where: str
    expected: str
    found: str
    digest: str | None = None

    def __str__(self) -> str:
        return f"{self.what}: {self.where}: expected {self.expected}, found {self.found}"


@dataclass(frozen=True, slots=True)
class Extent:
    """How much was checked; `blobs` and `blob_bytes` are those that ready versions need."""

    tasks: int
    versions: int
    aliases: int
    events: int
    audit_lines: int
    blobs: int
    blob_bytes: int


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of a check; `orphans` are blobs without a ready version, which are no fault."""

    findings: tuple[Finding, ...]
    orphans: tuple[Blob, ...]
    extent: Extent

    @property
    def is_whole(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings

    @property
    def damaged(self) -> tuple[str, ...]:
        """The digests of blobs whose bytes are others."""
        return tuple(
            finding.digest
            for finding in self.findings
            if finding.what == "blob_damaged" and finding.digest is not None
        )


def gaps(numbers: Iterable[int], last: int) -> Iterator[str]:
    """Yield the ranges that ascending numbers leave out between 1 and `last`."""
    expected = 1
    for number in numbers:
        if number > expected:
            yield _range(expected, number - 1)
        expected = number + 1
    if expected <= last:
        yield _range(expected, last)


def _range(first: int, last: int) -> str:
    return str(first) if first == last else f"{first} to {last}"
