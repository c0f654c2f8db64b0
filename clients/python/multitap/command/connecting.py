"""A client for one run of the command."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import multitap

from .failures import CommandError

if TYPE_CHECKING:
    from multitap import Client


@contextmanager
def open_client(url: str) -> Generator["Client"]:
    """Yield a client; where no server is there, say how to start one.

    Raises:
        CommandError: nothing listens at the URL.
    """
    try:
        with multitap.Client(url) as client:
            yield client
    except multitap.ConnectionFailed as error:
        if error.sent:
            raise
        message = f"no server answers at {url}; start one with: multitap serve"
        raise CommandError(message) from error
