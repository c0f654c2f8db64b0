"""One backup, restore, export or import of a task; imports databases, so it is imported late."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from multitap_adapters.file import AdapterFileError
from multitap_registry.copies.backup import back_up
from multitap_registry.copies.errors import CopyError, FaultyCopy
from multitap_registry.copies.restore import restore
from multitap_registry.copies.task_export import export_task
from multitap_registry.copies.task_import import import_task
from multitap_registry.errors import InvalidReference, RegistryError
from multitap_registry.task_state import TaskState

from .console import facts, show, to_json, write_json
from .failures import CommandError
from .progress import byte_progress
from .registry_place import opened_beside, parts_beside, read_place
from .wording import size


def run_backup(
    folder: Path, registry: Path | None, database: str | None, blobs: str | None, *, json: bool
) -> None:
    """Make the backup, whole or not at all, and say what it holds. Raises: CommandError."""
    source = read_place(registry, database, blobs).registry.resolve()
    if folder.resolve().is_relative_to(source):
        message = f"{folder} is in the registry {source}, expected a folder outside of it"
        raise CommandError(message)
    with (
        _told(),
        parts_beside(registry, database, blobs) as parts,
        byte_progress("copying") as progress,
    ):
        made = back_up(parts.database, parts.blobs, folder, progress=progress)
    _show_copy(
        f"wrote {folder}", str(folder), made.last_event, made.blobs, made.size_bytes, json=json
    )


def run_restore(
    backup: Path, registry: Path | None, database: str | None, blobs: str | None, *, json: bool
) -> None:
    """Restore the backup, wholly or not at all, and say what came back. Raises: CommandError."""
    place = read_place(registry, database, blobs)
    with _told(), byte_progress("checking and copying") as progress:
        done = restore(
            backup,
            place.registry,
            database=place.database_url,
            blobs=place.blobs,
            progress=progress,
        )
    title = f"restored {backup}"
    _show_copy(title, str(place.registry), done.last_event, done.blobs, done.size_bytes, json=json)


def run_export_task(
    task: str,
    folder: Path,
    registry: Path | None,
    database: str | None,
    blobs: str | None,
    *,
    json: bool,
) -> None:
    """Write the task's folder, whole or not at all, and say what it holds. Raises: CommandError."""
    with (
        _told(),
        opened_beside(registry, database, blobs) as opened,
        byte_progress("exporting") as progress,
    ):
        done = export_task(opened, task, folder, progress=progress)
    _show_task(f"wrote {folder}", done.copy.state, done.digest, done.size_bytes, json=json)


def run_import_task(
    folder: Path,
    registry: Path | None,
    database: str | None,
    blobs: str | None,
    *,
    name: str | None,
    by: str,
    reason: str | None,
    json: bool,
) -> None:
    """Import the folder, wholly or not at all, and say what came in. Raises: CommandError."""
    limit = read_place(registry, database, blobs).upload_bytes
    with (
        _told(),
        opened_beside(registry, database, blobs) as opened,
        byte_progress("importing") as progress,
    ):
        done = import_task(
            opened,
            folder,
            by=by,
            max_upload_bytes=limit,
            name=name,
            reason=reason,
            progress=progress,
        )
    _show_task(f"imported {folder}", done.state, done.digest, done.size_bytes, json=json)


@contextmanager
def _told() -> Generator[None]:
    """Tell what copies are refused for. Raises: CommandError."""
    try:
        yield
    except FaultyCopy as error:
        left_out = error.total - len(error.faults)
        more = [f"{left_out} more faults are not listed"] if left_out else []
        raise CommandError(str(error), [*error.faults, *more]) from error
    except (AdapterFileError, CopyError, InvalidReference, RegistryError) as error:
        raise CommandError(str(error)) from error


def _show_copy(
    title: str, place: str, last_event: int, blobs: int, size_bytes: int, *, json: bool
) -> None:
    if json:
        document = {
            "registry": place,
            "last_event": last_event,
            "files": blobs,
            "size_bytes": size_bytes,
        }
        write_json(to_json(document))
        return
    rows = {"files": f"{blobs}, {size(size_bytes)}", "up to event": str(last_event)}
    show(title, facts(rows))


def _show_task(title: str, state: TaskState, digest: str, size_bytes: int, *, json: bool) -> None:
    ready, deleted = len(state.ready), len(state.versions) - len(state.ready)
    if json:
        document = {
            "task": state.task,
            "digest": digest,
            "ready": ready,
            "deleted": deleted,
            "aliases": dict(state.aliases),
            "size_bytes": size_bytes,
        }
        write_json(to_json(document))
        return
    aliases = ", ".join(f"{alias} → {number}" for alias, number in sorted(state.aliases.items()))
    rows = {
        "task": state.task,
        "versions": f"{ready} ready, {deleted} deleted, {size(size_bytes)}",
        "aliases": aliases or "none",
        "digest": digest,
    }
    show(title, facts(rows))
