"""The store that a URL names; an object store's library is imported only where one is named."""

import os
from pathlib import Path

from multitap_registry.durable import make_folder
from multitap_registry.errors import StorageUnavailable
from multitap_registry.faults import disk_faults

from .contract import BlobStore
from .folder import BlobFolder
from .object_place import ObjectPlace, check_environment


def open_blobs(folder: Path, url: str | None) -> BlobStore:
    """Return the store of ``s3://bucket/prefix``, or of a folder, made if need be, for None.

    Nothing is sent to an object store yet: one that is away now may be back when it is needed.

    Raises:
        InvalidBlobUrl: the URL is another one.
        StorageUnavailable: what the store needs is not installed, or one of AWS's variables cannot
            be used.
        StorageFull, StorageUnavailable: the folder cannot be made.
    """
    if url is None:
        with disk_faults("make the folder of blobs"):
            make_folder(folder)
        return BlobFolder(folder)
    place = ObjectPlace.parse(url)
    check_environment(os.environ)
    try:
        from .objects import ObjectBlobs  # noqa: PLC0415 (an extra)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "obstore":
            raise
        message = f'blobs in {place} need obstore; get it with: pip install "multitap[s3]"'
        raise StorageUnavailable(message) from error
    return ObjectBlobs(place)
