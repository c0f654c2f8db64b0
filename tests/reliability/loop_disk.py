"""An ext4 file system in a file, whose power can be cut: Linux' loop devices and FS_IOC_SHUTDOWN.

A cut makes every later write fail, and whatever the kernel had not written yet is lost, the file
system's own journal included. What it had written to the device counts as durable, whether or not
the device was told to flush it: a lying disk is not modelled.
"""

import fcntl
import os
import shutil
import struct
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SIZE_BYTES = 256 * 2**20
# linux/fs.h: _IOR('X', 125, __u32); EXT4_GOING_FLAGS_NOLOGFLUSH.
_SHUTDOWN = 0x8004587D
_WITHOUT_FLUSH = struct.pack("I", 2)
_PROGRAMS = ("mkfs.ext4", "mount", "umount")


class NoLoopDiskError(Exception):
    """This machine lets nobody mount a file, or not this user."""


@dataclass
class LoopDisk:
    """A disk that is mounted at `place`."""

    image: Path
    place: Path

    def mount(self) -> None:
        """Mount it; the file system then recovers from its journal."""
        _run("mount", "-o", "loop", str(self.image), str(self.place))

    def unmount(self) -> None:
        """Unmount it; no process may use it."""
        _run("umount", str(self.place))

    def cut_power(self) -> None:
        """Lose everything that is not on the disk yet; only unmounting is possible then."""
        descriptor = os.open(self.place, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.ioctl(descriptor, _SHUTDOWN, _WITHOUT_FLUSH)
        finally:
            os.close(descriptor)


@contextmanager
def loop_disk(folder: Path) -> Generator[LoopDisk]:
    """Make an empty disk in a folder and mount it; unmount and remove it in the end.

    Raises:
        NoLoopDiskError: with the reason.
    """
    missing = [name for name in _PROGRAMS if shutil.which(name) is None]
    if missing or os.geteuid() != 0:
        raise NoLoopDiskError(f"needs root, {', '.join(_PROGRAMS)} and loop devices")
    disk = LoopDisk(folder / "disk.ext4", folder / "disk")
    disk.place.mkdir()
    with disk.image.open("wb") as image:
        image.truncate(SIZE_BYTES)
    try:
        _run("mkfs.ext4", "-q", "-F", str(disk.image))
        disk.mount()
    except subprocess.CalledProcessError as error:
        raise NoLoopDiskError(f"needs loop devices: {error.stderr.strip()}") from error
    try:
        yield disk
    finally:
        disk.unmount()
        disk.image.unlink()
        disk.place.rmdir()


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - tools of the system
