"""A scripted server: real uvicorn on a free port, with answers that each test writes down."""

import asyncio
import socket
import threading
from collections import deque
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp


@dataclass(frozen=True)
class Seen:
    """One request as it arrived."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Script:
    """Answers to give, in order, and the requests that came; the last answer is repeated.

    `refuse_unread` is given instead, before the body is read.
    """

    url: str = ""
    answers: deque[Response] = field(default_factory=deque[Response])
    seen: list[Seen] = field(default_factory=list[Seen])
    refuse_unread: Response | None = None

    def answer(self, *answers: Response) -> None:
        """Replace the answers that are still to be given."""
        self.answers.clear()
        self.answers.extend(answers)

    async def handle(self, request: Request) -> Response:
        """Note the request and give the next answer."""
        if self.refuse_unread is not None:
            return self.refuse_unread
        self.seen.append(
            Seen(
                request.method,
                request.url.path,
                request.url.query,
                dict(request.headers),
                await request.body(),
            )
        )
        return self.answers.popleft() if len(self.answers) > 1 else self.answers[0]

    def app(self) -> ASGIApp:
        """Return an app that gives the answers on every path."""
        methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
        return Starlette(routes=[Route("/{path:path}", self.handle, methods=methods)])


@contextmanager
def served(app: ASGIApp) -> Generator[str]:
    """Serve an app on a free port of loopback and yield its URL."""
    with serve_app(app, socket.create_server(("127.0.0.1", 0))) as url:
        yield url


@contextmanager
def serve_app(app: ASGIApp, listening: socket.socket) -> Generator[str]:
    """Serve an app on a socket that listens already, so that nobody waits for a start."""
    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="auto", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listening])))
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listening.close()
