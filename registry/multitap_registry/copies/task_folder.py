"""A task's folder, read strictly: everything that is wrong is said at once, nothing is believed.

Whoever wrote the folder may have wanted to harm: names come from the listing of the folder and are
compared, never followed; links are refused; every byte is hashed and read as an upload's.
"""

import hashlib
import os
import stat
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from multitap_adapters.file import AdapterFileError, FileLimits, parse_source
from multitap_adapters.file.errors import FaultList
from multitap_adapters.file.strict_json import parse_json
from multitap_adapters.spec import AdapterSpec
from multitap_registry.contract import Upload, VersionRecord
from multitap_registry.errors import StorageUnavailable
from multitap_registry.faults import disk_faults
from multitap_registry.task_copy import TaskCopy

from .errors import FaultyCopy
from .task_document import (
    DOCUMENT_NAME,
    MAX_DOCUMENT_BYTES,
    VERSIONS_NAME,
    TaskDocument,
    VersionEntry,
    file_name,
    to_copy,
)
from .task_rules import check_document

_CHUNK_BYTES: Final = 2**20


class TaskFolder:
    """A folder that passed every check, until somebody changes it."""

    def __init__(self, folder: Path, copy: TaskCopy, digest: str) -> None:
        self._folder: Final = folder
        self.copy: Final = copy
        self.digest: Final = digest

    @classmethod
    def read(cls, folder: Path, *, max_upload_bytes: int) -> "TaskFolder":
        """Read and check a folder; of its files, a chunk is in memory at a time.

        Raises:
            FaultyCopy: with everything that is wrong.
            StorageUnavailable: the disk failed.
        """
        faults = FaultList()
        document, digest = _read_document(folder, faults)
        specs: dict[int, AdapterSpec] = {}
        if document is not None:
            check_document(document, faults)
            ready = [entry for entry in document.versions if entry.state == "ready"]
            _check_names(folder, {file_name(entry.version) for entry in ready}, faults)
            for entry in ready:
                spec = _read_version(folder, entry, max_upload_bytes, faults)
                if spec is not None:
                    specs[entry.version] = spec
        if document is None or faults.total:
            found = [str(fault) for fault in faults.kept]
            raise FaultyCopy(f"the task in {str(folder)!r}", found, total=faults.total)
        return cls(folder, to_copy(document, specs), digest)

    def write(self, record: VersionRecord, upload: Upload) -> None:
        """Write a version's bytes to an upload. Raises: as `Upload.write`, StorageUnavailable."""
        with _opened(self._folder / VERSIONS_NAME / file_name(record.version)) as descriptor:
            while chunk := _read(descriptor, _CHUNK_BYTES):
                upload.write(chunk)


class _FileSource:
    """The bytes of an open file."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: Final = descriptor
        self._size_bytes: Final = os.fstat(descriptor).st_size

    @property
    def size_bytes(self) -> int:
        return self._size_bytes

    def read(self, offset: int, size_bytes: int) -> memoryview:
        with disk_faults("read a file of a task's folder"):
            content = os.pread(self._descriptor, size_bytes, offset)
        if len(content) != size_bytes:
            raise StorageUnavailable("a file of a task's folder was cut while it was read")
        return memoryview(content)


def _read_document(folder: Path, faults: FaultList) -> tuple[TaskDocument | None, str]:
    content = b""
    try:
        with _opened(folder / DOCUMENT_NAME) as descriptor:
            while len(content) <= MAX_DOCUMENT_BYTES and (
                chunk := _read(descriptor, MAX_DOCUMENT_BYTES)
            ):
                content += chunk
    except _NoFile as error:
        faults.add(DOCUMENT_NAME, str(error))
        return None, ""
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    if len(content) > MAX_DOCUMENT_BYTES:
        faults.add(DOCUMENT_NAME, f"is larger than {MAX_DOCUMENT_BYTES} bytes")
        return None, digest
    return _parse_document(content, faults), digest


def _parse_document(content: bytes, faults: FaultList) -> TaskDocument | None:
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        faults.add(DOCUMENT_NAME, f"is no UTF-8 at byte {error.start}")
        return None
    parse_json(text, DOCUMENT_NAME, faults)
    if faults.total:
        return None
    try:
        return TaskDocument.model_validate_json(text)
    except ValidationError as error:
        for detail in error.errors(include_url=False, include_context=False):
            at = ".".join((DOCUMENT_NAME, *map(str, detail["loc"])))
            faults.add(at, detail["msg"].removeprefix("Value error, ").lower())
        return None


def _check_names(folder: Path, expected: set[str], faults: FaultList) -> None:
    with disk_faults(f"list {str(folder)!r}"):
        names = {path.name for path in folder.iterdir()}
        for name in sorted(names - {DOCUMENT_NAME, VERSIONS_NAME}):
            faults.add(name, "is not part of a task's folder")
        inner = folder / VERSIONS_NAME
        if inner.is_symlink() or not inner.is_dir():
            faults.add(VERSIONS_NAME, "is missing, expected a folder")
            return
        for name in sorted({path.name for path in inner.iterdir()} - expected):
            faults.add(f"{VERSIONS_NAME}/{name}", "is not the file of a ready version")


def _read_version(
    folder: Path, entry: VersionEntry, max_upload_bytes: int, faults: FaultList
) -> AdapterSpec | None:
    name = file_name(entry.version)
    at = f"{VERSIONS_NAME}/{name}"
    try:
        with _opened(folder / VERSIONS_NAME / name) as descriptor:
            source = _FileSource(descriptor)
            if source.size_bytes != entry.size_bytes:
                faults.add(at, f"has {source.size_bytes} bytes, expected {entry.size_bytes}")
                return None
            file = parse_source(source, limits=FileLimits(size_bytes=max_upload_bytes))
    except _NoFile as error:
        faults.add(at, str(error))
        return None
    except AdapterFileError as error:
        for fault in error.faults:
            faults.add(f"{at}: {fault.at}", fault.message)
        return None
    if file.digest != entry.digest:
        faults.add(at, f"has digest {file.digest}, expected {entry.digest}")
    return file.spec


class _NoFile(Exception):
    """There is no plain file of that name."""


@contextmanager
def _opened(path: Path) -> Generator[int, None, None]:
    with disk_faults(f"read {path.name!r} of a task's folder"):
        try:
            # A pipe would wait for somebody who writes to it.
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except FileNotFoundError:
            raise _NoFile("is missing") from None
        except OSError as error:
            raise _NoFile(f"cannot be opened: {(error.strerror or 'no reason').lower()}") from error
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise _NoFile("is no file")
        yield descriptor
    finally:
        os.close(descriptor)


def _read(descriptor: int, size_bytes: int) -> bytes:
    with disk_faults("read a file of a task's folder"):
        return os.read(descriptor, size_bytes)
