"""Waiting for the engine: until all is done, the deadline has passed, or the client has gone."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import Final, TypeAlias

from .deadline import Deadline
from .engine.contract import Output
from .engine.errors import DeadlineExceeded
from .errors import ClientGone

Outputs: TypeAlias = "asyncio.Future[list[Output]]"

# Most answers are there sooner than it pays to watch the connection.
UNWATCHED_S: Final = 0.05


async def settle(
    futures: Collection[Outputs], deadline: Deadline, client_gone: Callable[[], Awaitable[None]]
) -> None:
    """Return when every future is done or the deadline has passed; nothing is cancelled here.

    Raises:
        ClientGone: nobody waits any more.
    """
    if not futures:
        return
    try:
        wait_s = min(UNWATCHED_S, deadline.remaining_s())
        _, pending = await asyncio.wait(futures, timeout=wait_s)
        if pending:
            await _settle_watching(pending, deadline.remaining_s(), client_gone)
    except DeadlineExceeded:
        return


async def _settle_watching(
    pending: Collection[Outputs], wait_s: float, client_gone: Callable[[], Awaitable[None]]
) -> None:
    rest = asyncio.ensure_future(asyncio.wait(pending))
    watch = asyncio.ensure_future(client_gone())
    try:
        await asyncio.wait({rest, watch}, timeout=wait_s, return_when=asyncio.FIRST_COMPLETED)
        if watch.done() and not rest.done():
            raise ClientGone
    finally:
        rest.cancel()
        watch.cancel()


def outcome_error(future: Outputs, deadline: Deadline) -> Exception | None:
    """Return why a future has no outputs, None where it has; late is past the deadline."""
    if not future.done() or future.cancelled():
        return deadline.exceeded()
    error = future.exception()
    if error is not None and not isinstance(error, Exception):
        raise error
    return deadline.exceeded() if isinstance(error, DeadlineExceeded) else error


def release(future: Outputs) -> None:
    """Let go of a future: its rows are dropped if they have not run, its error counts as seen."""
    if not future.cancel() and not future.cancelled():
        future.exception()
