"""Folders whose entries survive a power cut: a name is safe only once its folder is synced."""

import os
import secrets
from pathlib import Path


def sync_folder(folder: Path) -> None:
    """Make the entries of a folder durable. Raises: OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(folder: Path) -> None:
    """Make a folder that only its owner can enter, and its parents, durably. Raises: OSError."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    sync_folder(folder.parent)


def write_probe(folder: Path) -> None:
    """Write, sync and remove a small file. Raises: OSError."""
    path = folder / f"probe-{secrets.token_hex(8)}"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        os.write(descriptor, b"probe")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
        path.unlink()
