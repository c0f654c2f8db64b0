"""The operating system's errors in the registry's own words."""

import errno
import os

import pytest

from multitap_registry.errors import StorageFull, StorageUnavailable
from multitap_registry.faults import disk_faults


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_no_space_is_a_full_storage(number: int) -> None:
    with pytest.raises(StorageFull), disk_faults("store an upload"):
        raise OSError(number, os.strerror(number))


@pytest.mark.parametrize("number", [errno.EIO, errno.EROFS, errno.EACCES, errno.EMFILE])
def test_everything_else_is_an_unavailable_storage(number: int) -> None:
    with pytest.raises(StorageUnavailable), disk_faults("store an upload"):
        raise OSError(number, os.strerror(number))


def test_message_says_what_was_tried_and_why_it_failed_and_no_path() -> None:
    with pytest.raises(StorageUnavailable) as caught, disk_faults("store an upload"):
        raise OSError(errno.EIO, os.strerror(errno.EIO), "/secret/place")

    assert str(caught.value) == "cannot store an upload: input/output error"


def test_other_errors_pass() -> None:
    with pytest.raises(KeyError), disk_faults("store an upload"):
        raise KeyError
