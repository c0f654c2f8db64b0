"""A program that fills a server's disk: ``python fill_server_disk.py DISK``, a small file system.

It uploads until nothing more fits, takes the last page as well, frees some space and goes on with
the same server. What it saw is written as JSON.
"""

import hashlib
import json
import sys
from contextlib import suppress
from pathlib import Path

import httpx

from killable_servers import running_servers
from multitap.wire import Problem
from sample_adapters import sample_adapter

RESERVE_BYTES = 256 * 1024
_PAGE = b"x" * 4096
_LARGE = tuple(f"label-{number}" for number in range(1_000))
_FILE = {"content-type": "application/octet-stream"}


def upload(http: httpx.Client, content: bytes) -> httpx.Response:
    """Publish a file."""
    return http.post("/tasks/spam/versions", content=content, headers=_FILE)


def told(response: httpx.Response) -> list[object]:
    """Return what matters of an answer: its status, its type, its code and what is at fault."""
    kind = response.headers["content-type"]
    problem = Problem.model_validate_json(response.content)
    fault = problem.errors[0].at if problem.errors else None
    return [response.status_code, kind, problem.code, fault]


def fill(http: httpx.Client, disk: Path) -> tuple[list[object], int]:
    """Publish until nothing more fits; return the last answer, and how many were published."""
    published = 0
    while (answer := upload(http, sample_adapter(published, labels=_LARGE))).is_success:
        published += 1
    # Nothing at all is left then, also not for what is smaller.
    with suppress(OSError), (disk / "filler").open("wb", buffering=0) as filler:
        while filler.write(_PAGE):
            pass
    return told(answer), published


def wrong_files(http: httpx.Client) -> list[int]:
    """Return the numbers of versions whose bytes do not hash to their digest."""
    versions = http.get("/tasks/spam/versions?limit=1000").json()["versions"]
    return [
        version["version"]
        for version in versions
        if version["digest"]
        != "sha256:"
        + hashlib.sha256(
            http.get(f"/tasks/spam/versions/{version['version']}/file").content
        ).hexdigest()
    ]


def main(disk: Path) -> dict[str, object]:
    """Fill the disk, free some of it, and go on."""
    reserve = disk / "reserve"
    reserve.write_bytes(b"x" * RESERVE_BYTES)
    folder = disk / "registry"
    with running_servers() as servers, httpx.Client(base_url=servers.start(folder)) as http:
        refused, published = fill(http, disk)
        found: dict[str, object] = {"refused": refused, "published": published}
        found["small"] = told(upload(http, sample_adapter(1_000_000)))
        found["move"] = told(http.put("/tasks/spam/aliases/candidate", json={"version": 1}))
        found["opened"] = told(http.post("/uploads", json={"size_bytes": 10_000}))
        found["full"] = http.get("/readyz").json()["status"]
        found["live"] = http.get("/tasks/spam").json()["live"]
        found["prediction"] = http.post("/predict/spam", json={"inputs": "a b"}).status_code
        found["staged"] = [path.name for path in (folder / "staging").iterdir()]
        reserve.unlink()
        (disk / "filler").unlink()
        found["freed"] = http.get("/readyz").json()["status"]
        again = upload(http, sample_adapter(1_000_000))
        found["again"] = [again.status_code, again.json()["version"]]
        found["wrong"] = wrong_files(http)
    return found


if __name__ == "__main__":
    json.dump(main(Path(sys.argv[1])), sys.stdout)
