"""Checks of tasks, versions and aliases, free of input and output."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from .books import Books, MoveRow
from .findings import Finding, gaps


def check_tables(books: Books) -> Iterator[Finding]:
    """Check everything that one snapshot shows by itself."""
    yield from _check_versions(books)
    yield from _check_aliases(books)
    for task, alias in sorted(books.moves.keys() | books.aliases.keys()):
        moves = books.moves.get((task, alias), ())
        yield from _check_history(f"{task}@{alias}", moves, books.aliases.get((task, alias)))


def _check_versions(books: Books) -> Iterator[Finding]:
    numbers: defaultdict[str, list[int]] = defaultdict(list)
    for task, version in books.versions:
        numbers[task].append(version)
    for task in sorted(books.next_versions.keys() | numbers.keys()):
        found = numbers[task]
        last = books.next_versions.get(task, 1) - 1
        for gap in gaps(found, last):
            yield Finding("version_gap", task, f"versions 1 to {last} without gaps", f"no {gap}")
        if found and found[-1] > last:
            yield Finding("version_gap", task, f"no version behind {last}", f"{found[-1]}")


def _check_aliases(books: Books) -> Iterator[Finding]:
    for (task, alias), version in sorted(books.aliases.items()):
        row = books.versions.get((task, version))
        if row is None or row.state != "ready":
            found = f"{task}@{version}, {'missing' if row is None else row.state}"
            yield Finding("alias_target", f"{task}@{alias}", "a ready version", found)


def _check_history(where: str, moves: Sequence[MoveRow], now: int | None) -> Iterator[Finding]:
    last = moves[-1].move if moves else 0
    for gap in gaps((move.move for move in moves), last):
        yield Finding("alias_history", where, f"moves 1 to {last} without gaps", f"no {gap}")
    before, number = None, 0
    for move in moves:
        if move.move == number + 1 and move.origin != before:
            expected = f"move {move.move} from {_place(before)}"
            yield Finding("alias_history", where, expected, f"from {_place(move.origin)}")
        before, number = move.target, move.move
    if before != now:
        expected = f"the last move to {_place(now)}, where the alias is"
        found = f"to {_place(before)}" if moves else "no move"
        yield Finding("alias_history", where, expected, found)


def _place(version: int | None) -> str:
    return "nowhere" if version is None else f"version {version}"
