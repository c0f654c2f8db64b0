"""What an object store's library says, in the registry's own errors, one line each.

Its texts quote answers of the server, which repeat signatures and parts of keys. Only a status, a
code in letters and digits, and reasons from the table below go on from here, and no traceback does.
"""

import re
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from obstore.exceptions import BaseError

from multitap_registry.errors import RegistryError, StorageFull, StorageUnavailable

_INSUFFICIENT_STORAGE: Final = "507"
_STATUS: Final = re.compile(r"status code: ([1-5][0-9]{2})\b")
_CODE: Final = re.compile(r"<Code>([A-Za-z0-9]{1,64})</Code>")
# Parts of the library's texts, the most telling first.
_REASONS: Final = (
    (
        "/latest/api/token",
        "there are no keys: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set, and the "
        "machine has no role",
    ),
    ("MissingSecretAccessKey", "AWS_ACCESS_KEY_ID is set without AWS_SECRET_ACCESS_KEY"),
    ("MissingAccessKeyId", "AWS_SECRET_ACCESS_KEY is set without AWS_ACCESS_KEY_ID"),
    ("Generic Config error", "a variable AWS_... has a value that is not taken"),
    ("incorrectly configured region", "the bucket is in another region than AWS_REGION"),
    ("kind: Timeout", "no answer came in time"),
    ("TimedOut", "no answer came in time"),
    ("kind: Connect", "no connection could be made"),
)


@contextmanager
def object_faults(action: str, place: str) -> Generator[None, None, None]:
    """Turn an error of the library into the registry's; `action` says what was tried.

    A missing object is, for the library, a FileNotFoundError: catch it inside where one may be
    missing; here it means a missing bucket.

    Raises:
        StorageFull: the store has no space left.
        StorageUnavailable: anything else.
    """
    try:
        yield
    except FileNotFoundError:
        failure: RegistryError = StorageUnavailable(
            f"cannot {action} in {place}: there is no such bucket"
        )
    except BaseError as error:
        failure = _failure(f"cannot {action} in {place}", str(error))
    else:
        return
    raise failure from None


def _failure(message: str, text: str) -> RegistryError:
    for part, reason in _REASONS:
        if part in text:
            return StorageUnavailable(f"{message}: {reason}")
    status, code = _STATUS.search(text), _CODE.search(text)
    if status is None:
        return StorageUnavailable(f"{message}: the request failed")
    answer = f"{status[1]} {code[1]}" if code else status[1]
    reason = (
        f"access was denied ({answer})" if status[1] in {"401", "403"} else f"it answered {answer}"
    )
    full = status[1] == _INSUFFICIENT_STORAGE
    return (StorageFull if full else StorageUnavailable)(f"{message}: {reason}")
