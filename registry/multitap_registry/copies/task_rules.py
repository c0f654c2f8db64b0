"""What must hold of a task's document besides the form of each of its parts."""

from collections import Counter
from collections.abc import Sequence

from multitap_adapters.file.errors import FaultList, shown
from multitap_registry.rules import MAX_TAGS

from .task_document import MoveEntry, TaskDocument, VersionEntry


def check_document(document: TaskDocument, faults: FaultList) -> None:
    """Add what no registry could have written."""
    numbers = [entry.version for entry in document.versions]
    if numbers != list(range(1, len(numbers) + 1)):
        faults.add("versions", f"numbers {shown(numbers)}, expected 1, 2 and so on without a gap")
    if not numbers:
        faults.add("versions", "there are none, expected one at least")
    for index, entry in enumerate(document.versions):
        _check_version(f"versions.{index}", entry, faults)
    ready = {entry.version: entry.digest for entry in document.versions if entry.state == "ready"}
    for digest, count in Counter(ready.values()).items():
        if count > 1:
            faults.add("versions", f"{count} ready versions have digest {digest}, expected one")
    for alias, target in document.aliases.items():
        if target not in ready:
            faults.add(f"aliases.{alias}", f"version {target} is not ready")
    _check_history(document, set(numbers), faults)


def _check_version(at: str, entry: VersionEntry, faults: FaultList) -> None:
    if entry.state == "ready" and entry.spec is not None:
        faults.add(f"{at}.spec", "is there, expected null: the file has it")
    if entry.state == "deleted" and entry.spec is None:
        faults.add(f"{at}.spec", "is null, expected that of a deleted version")
    if list(entry.tags) != sorted(set(entry.tags)):
        faults.add(f"{at}.tags", f"{shown(list(entry.tags))}, expected each once and in order")
    if len(entry.tags) > MAX_TAGS:
        faults.add(f"{at}.tags", f"there are {len(entry.tags)}, expected at most {MAX_TAGS}")


def _check_history(document: TaskDocument, numbers: set[int], faults: FaultList) -> None:
    for alias, moves in document.history.items():
        at = f"history.{alias}"
        if not moves:
            faults.add(at, "there are no moves, expected one at least")
            continue
        _check_moves(at, moves, numbers, faults)
        if moves[-1].target != document.aliases.get(alias):
            faults.add(
                at, f"ends at {moves[-1].target}, and the alias is at {document.aliases.get(alias)}"
            )
    for alias in document.aliases.keys() - document.history.keys():
        faults.add(f"history.{alias}", "is missing")


def _check_moves(at: str, moves: Sequence[MoveEntry], numbers: set[int], faults: FaultList) -> None:
    place: int | None = None
    for index, move in enumerate(moves):
        here = f"{at}.{index}"
        if move.move != index + 1:
            faults.add(f"{here}.move", f"is {move.move}, expected {index + 1}")
        if move.origin != place:
            faults.add(f"{here}.from", f"is {move.origin}, expected {place}, where it was")
        if move.target == move.origin:
            faults.add(f"{here}.to", f"is {move.target} too, expected a move")
        if move.target is not None and move.target not in numbers:
            faults.add(f"{here}.to", f"there is no version {move.target}")
        place = move.target
