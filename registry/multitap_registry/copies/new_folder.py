"""A folder that appears whole and durable under its name, or not at all."""

import fcntl
import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from errno import EEXIST, ENOTDIR, ENOTEMPTY
from pathlib import Path

from multitap_registry.durable import make_folder, sync_folder
from multitap_registry.faults import disk_faults

from .errors import CopyInUse, DestinationTaken


@contextmanager
def new_folder(target: Path) -> Generator[Path, None, None]:
    """Yield an empty folder beside the target, which gets its name when the block ends well.

    Files must have been synced by whoever wrote them; folders are synced here. What a killed
    process left of the same copy is removed first.

    Raises:
        DestinationTaken: something other than an empty folder has the name.
        CopyInUse: another process is making the same folder.
        StorageFull, StorageUnavailable: the disk failed.
    """
    target = target.absolute()
    _require_free(target)
    partial = target.with_name(f".{target.name}.partial")
    with disk_faults(f"make a folder beside {str(target)!r}"):
        make_folder(partial)
    with _locked(partial, target):
        try:
            with disk_faults(f"clear {str(partial)!r}"):
                _clear(partial)
            yield partial
            with disk_faults(f"make {str(target)!r}"):
                _sync_folders(partial)
                _rename(partial, target)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise


def _require_free(target: Path) -> None:
    with disk_faults(f"look at {str(target)!r}"):
        if not target.is_symlink() and not target.exists():
            return
        # Nothing can be renamed to where a disk is mounted, be it empty.
        if target.is_symlink() or not target.is_dir() or target.is_mount() or any(target.iterdir()):
            raise DestinationTaken(target)


@contextmanager
def _locked(partial: Path, target: Path) -> Generator[None, None, None]:
    with disk_faults(f"open {str(partial)!r}"):
        descriptor = os.open(partial, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Its holder may have finished between our opening the folder and locking it.
            if not os.path.samestat(os.fstat(descriptor), partial.stat()):
                raise CopyInUse(target)
        except (BlockingIOError, FileNotFoundError) as error:
            raise CopyInUse(target) from error
        yield
    finally:
        os.close(descriptor)


def _clear(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _sync_folders(folder: Path) -> None:
    for path, _, _ in os.walk(folder, topdown=False):
        sync_folder(Path(path))


def _rename(partial: Path, target: Path) -> None:
    try:
        partial.rename(target)
    except OSError as error:
        if error.errno in {EEXIST, ENOTDIR, ENOTEMPTY}:
            raise DestinationTaken(target) from error
        raise
    sync_folder(target.parent)
