"""Where a blob lies within its store: ``sha256/ab/abcd...`` for the digest ``abcd...``."""

import secrets
from typing import Final

from multitap_registry.errors import InvalidReference
from multitap_registry.reference import parse_digest

ALGORITHM: Final = "sha256"
QUARANTINE: Final = "quarantine"


def blob_address(digest: str) -> str:
    """Return a blob's name in its store. Raises: InvalidReference."""
    name = digest_hex(digest)
    return f"{ALGORITHM}/{name[:2]}/{name}"


def digest_hex(digest: str) -> str:
    """Return the digits of a digest. Raises: InvalidReference."""
    return parse_digest(digest).removeprefix(f"{ALGORITHM}:")


def parse_address(address: str) -> str | None:
    """Return the digest of the blob that lies here, None where none can lie."""
    digest = f"{ALGORITHM}:{address.rpartition('/')[2]}"
    try:
        return digest if blob_address(digest) == address else None
    except InvalidReference:
        return None


def quarantine_address(digest: str) -> str:
    """Return a new name for a damaged blob, which nothing has. Raises: InvalidReference."""
    return f"{QUARANTINE}/{digest_hex(digest)}-{secrets.token_hex(8)}"
