"""Checks of the logs, page by page: the chain of audit lines, and the numbers of events."""

from collections.abc import Iterator
from typing import Final

from sqlalchemy import select

from multitap_registry.contract import AuditLine, ChainHead, line_hash
from multitap_registry.database import Database
from multitap_registry.log_rows import read_audit
from multitap_registry.schema import EVENTS

from .books import Books
from .findings import Finding, gaps

_LINES: Final = 500
_NUMBERS: Final = 10_000


def check_logs(database: Database, books: Books) -> Iterator[Finding]:
    """Check both logs up to where they ended in the snapshot. Raises: StorageUnavailable."""
    yield from _check_events(database, books)
    yield from _check_audit(database, books)


def _check_events(database: Database, books: Books) -> Iterator[Finding]:
    last = books.head.last_event
    for gap in gaps(_event_numbers(database, last), last):
        yield Finding("event_gap", "events", f"numbers 1 to {last} without gaps", f"no {gap}")
    if books.last_event > last:
        yield Finding("event_end", "events", f"{last} as the last one", str(books.last_event))


def _event_numbers(database: Database, until: int) -> Iterator[int]:
    after = 0
    while after < until:
        page = select(EVENTS.c.seq).where(EVENTS.c.seq > after, EVENTS.c.seq <= until)
        with database.snapshot() as connection:
            numbers = connection.scalars(page.order_by(EVENTS.c.seq).limit(_NUMBERS)).all()
        if not numbers:
            return
        yield from numbers
        after = numbers[-1]


def _check_audit(database: Database, books: Books) -> Iterator[Finding]:
    head = books.head.chain
    # None once a line could not be read, whose hash nobody knows.
    end: ChainHead | None = ChainHead()
    for line in _audit_lines(database, head.seq):
        if isinstance(line, Finding):
            yield line
            end = None
            continue
        faults = [*_check_place(line, end), *_check_hash(line)]
        yield from faults or _check_publication(line, books)
        end = line.head
    if end is not None and end != head:
        expected = f"line {head.seq} with hash {head.hash} as the last one"
        yield Finding("audit_end", "audit log", expected, f"line {end.seq} with hash {end.hash}")
    if books.last_line > head.seq:
        yield Finding("audit_end", "audit log", f"no line behind {head.seq}", str(books.last_line))


def _audit_lines(database: Database, until: int) -> Iterator[AuditLine | Finding]:
    after, size = 0, _LINES
    while after < until:
        try:
            with database.snapshot() as connection:
                page = read_audit(connection, after=after, limit=min(size, until - after))
        except ValueError as error:  # a time that is none
            if size > 1:
                size = 1
                continue
            yield Finding("audit_line", f"line {after + 1}", "a line that can be read", str(error))
            after += 1
        else:
            lines = [line for line in page if line.seq <= until]
            if not lines:
                return
            yield from lines
            after = lines[-1].seq
        size = _LINES


def _check_place(line: AuditLine, end: ChainHead | None) -> Iterator[Finding]:
    if end is None:
        return
    if line.seq != end.seq + 1:
        yield Finding("audit_line", f"line {line.seq}", f"line {end.seq + 1} next", "none")
    elif line.previous != end.hash:
        expected = f"the previous line's hash {end.hash}"
        yield Finding("audit_line", f"line {line.seq}", expected, line.previous)


def _check_hash(line: AuditLine) -> Iterator[Finding]:
    computed = line_hash(line.seq, line.entry, line.previous)
    if computed != line.hash:
        yield Finding("audit_line", f"line {line.seq}", f"content with hash {line.hash}", computed)


def _check_publication(line: AuditLine, books: Books) -> Iterator[Finding]:
    """Check that a version has the bytes that it was published with."""
    entry = line.entry
    if entry.action != "version.published" or entry.version is None or entry.new_digest is None:
        return
    row = books.versions.get((entry.task, entry.version))
    if row is not None and row.digest != entry.new_digest:
        expected = f"{entry.new_digest}, as line {line.seq} of the audit log says"
        yield Finding("version_digest", str(row), expected, row.digest)
