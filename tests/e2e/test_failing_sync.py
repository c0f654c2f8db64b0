"""A server whose disk cannot sync any more, and then can again; strace answers for the kernel."""

from pathlib import Path

import httpx
import pytest

from killable_servers import Servers, running_servers
from reliability.system_calls import can_attach, failing_calls
from sample_adapters import sample_adapter

FILE = {"content-type": "application/octet-stream"}


@pytest.fixture(autouse=True)
def needs_strace() -> None:
    """Skip where strace cannot be attached."""
    if not can_attach():
        pytest.skip("needs strace, and the right to attach it to a process")


def upload(http: httpx.Client, seed: int) -> httpx.Response:
    """Publish an adapter."""
    return http.post("/tasks/spam/versions", content=sample_adapter(seed), headers=FILE)


def process_of(servers: Servers) -> int:
    """Return the id of the server that runs."""
    assert servers.running is not None
    return servers.running


def test_invariant_10_an_fsync_error_fails_that_publish_and_readiness_says_so(
    tmp_path: Path,
) -> None:
    with (
        running_servers() as servers,
        httpx.Client(base_url=servers.start(tmp_path / "registry")) as http,
    ):
        assert upload(http, 1).status_code == 201
        with failing_calls(process_of(servers), "fsync", "EIO"):
            refused = upload(http, 2)
            degraded = http.get("/readyz")
            live = http.get("/tasks/spam")
        versions = http.get("/tasks/spam/versions").json()["versions"]
        ready = http.get("/readyz")
        again = upload(http, 2)

    assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
    assert (degraded.status_code, degraded.json()["status"]) == (200, "degraded")
    assert len(degraded.json()["errors"]) == 1
    assert live.json()["live"] == 1
    assert [version["version"] for version in versions] == [1]
    assert ready.json() == {"status": "ready"}
    assert (again.status_code, again.json()["version"]) == (201, 2)
