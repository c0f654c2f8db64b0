"""Noticing that nobody waits for an answer any more."""

from starlette.requests import Request


async def client_gone(request: Request) -> None:
    """Return once the client has closed the connection; the body must have been read before."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
