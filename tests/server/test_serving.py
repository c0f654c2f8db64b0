"""A real server on a real socket: what only a connection can show."""

import asyncio
import json
import signal
import socket
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from fake_engine import FakeEngine
from multitap_registry.folder import open_registry
from multitap_server.app import create_app
from multitap_server.config import ServerConfig
from multitap_server.errors import ConfigError
from multitap_server.http_server import HttpServer
from multitap_server.serving import require_loopback
from publishing import publish
from sample_adapters import sample_adapter

UPLOAD = (
    "POST /tasks/mood/versions HTTP/1.1\r\nhost: {host}\r\n"
    "content-type: application/octet-stream\r\ncontent-length: {length}\r\n\r\n"
)
PREDICT = (
    "POST /predict/mood HTTP/1.1\r\nhost: {host}\r\n"
    "content-type: application/json\r\ncontent-length: {length}\r\n\r\n"
)


class Running:
    """A server that runs on this event loop, and what it runs on."""

    def __init__(self, server: HttpServer, engine: FakeEngine, folder: Path) -> None:
        self.server = server
        self.engine = engine
        self.folder = folder

    @property
    def host(self) -> str:
        return self.server.url.removeprefix("http://")

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self.server.url)

    async def connect(
        self, head: str, length: int, body: bytes
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Send a head and the beginning of a body."""
        address, port = self.host.rsplit(":", 1)
        reader, writer = await asyncio.open_connection(address, int(port))
        writer.write(head.format(host=self.host, length=length).encode() + body)
        await writer.drain()
        return reader, writer

    def staged(self) -> list[Path]:
        """Return every file below the folder that is not the database or the lock."""
        return [path for path in self.folder.rglob("*") if path.is_file() and _is_bytes(path)]


def _is_bytes(path: Path) -> bool:
    return "lock" not in path.name and "registry" not in path.name and ".db" not in path.name


@asynccontextmanager
async def running(folder: Path, **settings: float) -> AsyncGenerator[Running]:
    """Serve a registry with one task `mood` until the block ends."""
    engine = FakeEngine()
    ready = asyncio.Event()
    config = ServerConfig.model_validate({"port": 0, "drain_s": 5, **settings})
    with open_registry(folder) as registry:
        publish(registry, "mood", sample_adapter(0))
        app = create_app(config, registry, engine)
        server = HttpServer(config, app, lambda _: ready.set())
        task = asyncio.create_task(server.serve())
        try:
            async with asyncio.timeout(30):
                await ready.wait()
            yield Running(server, engine, folder)
        finally:
            server.should_exit = True
            async with asyncio.timeout(30):
                await task


async def test_a_prediction_over_a_connection(tmp_path: Path) -> None:
    async with running(tmp_path) as server, server.client() as client:
        response = await client.post("/predict/mood", json={"inputs": "x"})

    assert response.status_code == 200
    assert "server" not in response.headers


async def test_an_upload_that_is_cut_off_leaves_nothing(tmp_path: Path) -> None:
    content = sample_adapter(1)
    async with running(tmp_path) as server:
        before = server.staged()
        _, writer = await server.connect(UPLOAD, len(content), content[:500])
        async with server.client() as client:
            await until_counted(client, "begun", server)
            writer.close()
            await until_counted(client, "ended", server)
            versions = (await client.get("/tasks/mood")).json()["versions"]
        after = server.staged()

    assert versions == 1
    assert after == before


async def until_counted(client: httpx.AsyncClient, what: str, server: Running) -> None:
    """Wait until the upload is staged, or gone and counted in the metrics."""
    line = 'route="/tasks/{task}/versions",status="499"} 1.0'
    async with asyncio.timeout(20):
        while True:
            metrics = (await client.get("/metrics")).text
            if (what == "begun" and len(server.staged()) > 1) or line in metrics:
                return


async def test_a_body_that_stops_arriving_is_a_request_timeout(tmp_path: Path) -> None:
    async with running(tmp_path, body_idle_s=0.1) as server:
        reader, writer = await server.connect(PREDICT, 30, b'{"inputs":')
        async with asyncio.timeout(20):
            answer = await reader.read(100_000)
        writer.close()

    assert answer.startswith(b"HTTP/1.1 408 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == "request_timeout"


async def test_a_large_body_is_refused_in_a_way_that_its_sender_can_read(tmp_path: Path) -> None:
    async with running(tmp_path) as server, server.client() as client:
        response = await client.post("/predict/mood", json={"inputs": "x" * 10_000_000})
        again = await client.post("/predict/mood", json={"inputs": "x"})

    assert (response.status_code, response.json()["code"]) == (413, "too_large")
    assert again.status_code == 200


async def test_a_hundred_thousand_rows_are_refused(tmp_path: Path) -> None:
    async with running(tmp_path) as server, server.client() as client:
        response = await client.post("/predict/mood", json={"inputs": ["x"] * 100_000})

    assert (response.status_code, response.json()["code"]) == (413, "too_large")


async def test_a_foreign_host_is_forbidden_on_a_port_that_was_chosen_late(tmp_path: Path) -> None:
    async with running(tmp_path) as server, server.client() as client:
        own = await client.get("/livez")
        foreign = await client.get("/livez", headers={"host": "127.0.0.1:8000"})

    assert (own.status_code, foreign.status_code) == (200, 403)


async def test_a_client_that_closes_cancels_its_rows(tmp_path: Path) -> None:
    body = b'{"inputs": "x"}'
    async with running(tmp_path) as server:
        server.engine.held = True
        _, writer = await server.connect(PREDICT, len(body), body)
        async with asyncio.timeout(20):
            await server.engine.queued.wait()
            [(future, _, _)] = server.engine.waiting
            writer.close()
            with pytest.raises(asyncio.CancelledError):
                await future


async def test_a_stop_answers_what_is_running(tmp_path: Path) -> None:
    async with running(tmp_path) as server, server.client() as client:
        server.engine.held = True
        call = asyncio.create_task(client.post("/predict/mood", json={"inputs": "x"}))
        async with asyncio.timeout(20):
            await server.engine.queued.wait()
            server.server.should_exit = True
            while server.server.servers[0].is_serving():  # noqa: ASYNC110 (nothing tells)
                await asyncio.sleep(0)
        server.engine.release()
        response = await call

    assert response.status_code == 200


async def test_a_request_that_meets_the_stop_is_answered_and_told_to_leave(tmp_path: Path) -> None:
    body = b'{"inputs": "x"}'
    async with running(tmp_path) as server:
        used, used_writer = await server.connect(PREDICT, len(body), body)
        async with asyncio.timeout(20):
            first = await read_answer(used)
        fresh, fresh_writer = await server.connect("", 0, b"")
        request = PREDICT.format(host=server.host, length=len(body)).encode() + body
        server.server.should_exit = True
        async with asyncio.timeout(20):
            while server.server.servers[0].is_serving():  # noqa: ASYNC110 (nothing tells)
                await asyncio.sleep(0)
            used_writer.write(request)
            fresh_writer.write(request)
            answers = [await reader.read() for reader in (used, fresh)]
        used_writer.close()
        fresh_writer.close()

    assert b"connection: close" not in first
    for answer in answers:
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert answer.count(b"connection: close\r\n") == 1


async def read_answer(reader: asyncio.StreamReader) -> bytes:
    """Read one answer of a connection that stays open."""
    head = await reader.readuntil(b"\r\n\r\n")
    [length] = [line for line in head.splitlines() if line.startswith(b"content-length: ")]
    return head + await reader.readexactly(int(length.removeprefix(b"content-length: ")))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_loopback_may_be_bound(host: str, caplog: pytest.LogCaptureFixture) -> None:
    require_loopback(ServerConfig(host=host))

    assert not caplog.records


BEYOND = ["0.0.0.0", "::", "192.168.1.5", "example.org"]  # noqa: S104


@pytest.mark.parametrize("host", BEYOND)
def test_nothing_else_may_be_bound(host: str) -> None:
    with pytest.raises(ConfigError, match="is not loopback"):
        require_loopback(ServerConfig(host=host))


@pytest.mark.parametrize("host", BEYOND)
def test_what_is_bound_without_keys_by_choice_is_logged_loudly(
    host: str, caplog: pytest.LogCaptureFixture
) -> None:
    require_loopback(ServerConfig(host=host, allow_unauthenticated=True))

    [record] = caplog.records
    assert record.levelname == "WARNING"
    assert f"NO AUTHENTICATION: whoever reaches {host} port 8000 " in record.getMessage()


SERVER = """
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from fake_engine import FakeEngine
from multitap_server.config import ServerConfig
from multitap_server.serving import serve

@asynccontextmanager
async def open_engine(config, registry):
    yield FakeEngine()
    print("engine closed", flush=True)

database = sys.argv[2] if len(sys.argv) > 2 else None
config = ServerConfig(port=0, registry=Path(sys.argv[1]), database=database)
serve(config, open_engine, on_ready=lambda url: print(url, flush=True))
print("served", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_ends_a_server_after_everything_is_closed(
    tmp_path: Path, number: signal.Signals
) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        SERVER,
        str(tmp_path),
        cwd=Path(__file__).parents[1],
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    async with asyncio.timeout(60):
        url = (await process.stdout.readline()).decode().strip()
        assert url.startswith("http://127.0.0.1:")
        process.send_signal(number)
        rest = await process.stdout.read()
        code = await process.wait()

    assert rest.decode().splitlines() == ["engine closed", "served"]
    assert code == 0


async def test_an_alias_that_another_server_moved_is_served_without_a_restart(
    tmp_path: Path, database_url: str
) -> None:
    with open_registry(tmp_path / "ours", database=database_url) as registry:
        publish(registry, "mood", sample_adapter(1))
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            SERVER,
            str(tmp_path / "theirs"),
            database_url,
            cwd=Path(__file__).parents[1],
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        async with asyncio.timeout(60):
            url = (await process.stdout.readline()).decode().strip()
            publish(registry, "mood", sample_adapter(2), alias="live")
            async with httpx.AsyncClient(base_url=url) as client:
                while (await client.get("/tasks/mood")).json()["live"] != 2:
                    pass
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(60):
            await process.wait()

    assert process.returncode == 0


async def test_an_address_that_is_taken_is_an_error(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        config = ServerConfig(port=taken.getsockname()[1])
        with open_registry(tmp_path) as registry:
            app = create_app(config, registry, FakeEngine())
            with pytest.raises(SystemExit):
                await HttpServer(config, app, lambda _: None).serve()
