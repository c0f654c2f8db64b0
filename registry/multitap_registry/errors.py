"""Everything that a registry refuses, as one tree.

RegistryError
├── TaskNotFound
├── VersionNotFound
├── AliasNotFound
├── AliasConflict        the alias is not where the caller expected it
├── VersionInUse         aliases point at what should be deleted
├── NothingToRollBackTo  no earlier target of the alias is still ready
├── TooManyTags
├── TaskNameTaken        a task of this name is there, or was
├── UploadTooLarge
├── UploadNotFound       no such upload session, or it has expired
├── UploadOffsetMismatch bytes for another place than where the session is
├── UploadIncomplete     bytes of the session are missing still
├── UploadInUse          another request adds to the session, or publishes it
├── UploadDigestMismatch what arrived has another digest than was announced
├── UploadQuotaExceeded  too many sessions are open, or too many bytes in them
├── CorruptBlob          stored bytes that no longer match their digest
├── StorageFull          no space left
├── StorageUnavailable   the disk, the object store or the database failed in another way
├── RegistryLocked       another process has this folder open
├── UnsupportedSchema    the folder was written by another release
└── InvalidBlobUrl       blobs are to be kept where no store of this release is

A file that breaks the format raises ``multitap_adapters.file.AdapterFileError``; a reference that
breaks the grammar raises ``InvalidReference``, a ValueError.
"""

from collections.abc import Sequence
from pathlib import Path


class RegistryError(Exception):
    """Base of everything that a registry refuses."""


class TaskNotFound(RegistryError):
    """No task has this name."""

    def __init__(self, task: str) -> None:
        self.task = task
        super().__init__(f"no task {task!r}")


class VersionNotFound(RegistryError):
    """The task has no ready version with this number."""

    def __init__(self, task: str, version: int) -> None:
        self.task = task
        self.version = version
        super().__init__(f"task {task!r} has no version {version}")


class AliasNotFound(RegistryError):
    """The task has no such alias."""

    def __init__(self, task: str, alias: str) -> None:
        self.task = task
        self.alias = alias
        super().__init__(f"task {task!r} has no alias {alias!r}")


class AliasConflict(RegistryError):
    """The alias was expected at one version and is at another; None means: does not exist."""

    def __init__(self, task: str, alias: str, *, expected: int | None, actual: int | None) -> None:
        self.task = task
        self.alias = alias
        self.expected = expected
        self.actual = actual
        super().__init__(
            f"alias {alias!r} of task {task!r} was expected at {_place(expected)}, "
            f"and is at {_place(actual)}"
        )


class VersionInUse(RegistryError):
    """Aliases point at a version, or at versions of a task, that should be deleted."""

    def __init__(self, task: str, version: int | None, aliases: Sequence[str]) -> None:
        self.task = task
        self.version = version
        self.aliases = tuple(aliases)
        what = f"task {task!r}" if version is None else f"version {version} of task {task!r}"
        super().__init__(f"{what} is in use by {', '.join(map(repr, self.aliases))}")


class NothingToRollBackTo(RegistryError):
    """Every earlier target of the alias was deleted or rolled back, or it never had another."""

    def __init__(self, task: str, alias: str) -> None:
        self.task = task
        self.alias = alias
        super().__init__(f"alias {alias!r} of task {task!r} has no earlier version to go back to")


class TooManyTags(RegistryError):
    """A version would have more tags than it may."""

    def __init__(self, task: str, version: int, count: int, limit: int) -> None:
        self.task = task
        self.version = version
        self.count = count
        self.limit = limit
        super().__init__(
            f"version {version} of task {task!r} would have {count} tags, at most {limit} expected"
        )


class TaskNameTaken(RegistryError):
    """A task is to be imported under a name that a task has, or had: its numbers are used."""

    def __init__(self, task: str) -> None:
        self.task = task
        super().__init__(
            f"the name {task!r} is or was a task's of this registry, expected a new one"
        )


class UploadTooLarge(RegistryError):
    """An upload grew beyond the registry's limit."""

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        super().__init__(f"the upload is larger than {limit_bytes} bytes")


class UploadNotFound(RegistryError):
    """No upload session has this id, or it has expired, or was published."""

    def __init__(self, upload: str) -> None:
        self.upload = upload
        super().__init__(f"no upload {upload[:100]!r}")


class UploadOffsetMismatch(RegistryError):
    """Bytes were sent for one place, and the session is at another."""

    def __init__(self, upload: str, *, given: int, offset: int) -> None:
        self.upload = upload
        self.given = given
        self.offset = offset
        super().__init__(f"upload {upload!r} has {offset} bytes, and these begin at {given}")


class UploadIncomplete(RegistryError):
    """Bytes of the session are missing still."""

    def __init__(self, upload: str, *, offset: int, size_bytes: int) -> None:
        self.upload = upload
        self.offset = offset
        self.size_bytes = size_bytes
        super().__init__(f"upload {upload!r} has {offset} of {size_bytes} bytes")


class UploadInUse(RegistryError):
    """Another request adds to the session, or publishes it; `offset` is where that began."""

    def __init__(self, upload: str, *, offset: int) -> None:
        self.upload = upload
        self.offset = offset
        super().__init__(f"upload {upload!r} is in use by another request")


class UploadDigestMismatch(RegistryError):
    """What arrived has another digest than was announced; the session is gone."""

    def __init__(self, upload: str, *, expected: str, found: str) -> None:
        self.upload = upload
        self.expected = expected
        self.found = found
        super().__init__(f"upload {upload!r} has digest {found}, expected {expected}")


class UploadQuotaExceeded(RegistryError):
    """Too many sessions are open, or too many bytes are announced in them."""

    def __init__(self, what: str, limit: int, *, retry_after_s: float) -> None:
        self.what = what
        self.limit = limit
        self.retry_after_s = retry_after_s
        super().__init__(f"{what}, expected at most {limit}")


class CorruptBlob(RegistryError):
    """The stored bytes no longer hash to the digest that names them, or are gone."""

    def __init__(self, digest: str, found: str | None) -> None:
        self.digest = digest
        self.found = found
        super().__init__(f"blob {digest} is {'missing' if found is None else f'damaged: {found}'}")


class StorageFull(RegistryError):
    """The disk has no space left for this upload or change."""


class StorageUnavailable(RegistryError):
    """The disk or the database refused to work."""


class RegistryLocked(RegistryError):
    """Another process, or another part of this one, has the folder open."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        super().__init__(f"the registry in {str(folder)!r} is already open, by another process")


class RegistryNotFound(RegistryError):
    """A folder holds no registry."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        super().__init__(f"there is no registry in {str(folder)!r}")


class UnsupportedSchema(RegistryError):
    """The folder's tables are of a schema that this release does not know."""

    def __init__(self, place: str, *, found: int, supported: int) -> None:
        self.place = place
        self.found = found
        self.supported = supported
        super().__init__(
            f"the registry in {place!r} has schema {found}, this release knows schema {supported}"
        )


class InvalidBlobUrl(RegistryError):
    """The URL of blobs is none that this release knows; it may hold keys, and is not repeated."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"the URL of blobs {reason}, expected s3://bucket/prefix")


class InvalidReference(ValueError):
    """A text that is no task, version, alias, tag, reference, digest or cursor."""

    def __init__(self, text: str, expected: str) -> None:
        self.text = text
        self.expected = expected
        super().__init__(f"{text[:200]!r} is no {expected}")


def _place(version: int | None) -> str:
    return "no version" if version is None else f"version {version}"
