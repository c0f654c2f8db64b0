"""`multitap pull` against a real server."""

import json
from pathlib import Path

import pytest

from client.command_line import Run, Running

pytestmark = pytest.mark.usefixtures("server")


@pytest.mark.parametrize("reference", ["sentiment", "sentiment@1", "sentiment@live"])
def test_the_file_of_a_version_is_written(
    run: Run, server: Running, tmp_path: Path, reference: str
) -> None:
    outcome = run("pull", reference, "--out", tmp_path / "a")
    digest = server.registry.version("sentiment", 1).digest

    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.startswith("pulled sentiment@1\n")
    assert digest in outcome.out
    assert (tmp_path / "a").read_bytes() == server.registry.read_blob(digest)


def test_json_is_the_wires_version(run: Run, tmp_path: Path) -> None:
    version = json.loads(run("pull", "sentiment", "-o", tmp_path / "a", "--json").out)

    assert (version["task"], version["version"]) == ("sentiment", 1)


def test_an_existing_file_is_replaced_only_if_asked(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"mine")
    refused = run("pull", "sentiment", "--out", tmp_path / "a")

    assert (refused.code, refused.out) == (1, "")
    assert refused.err == (
        f"multitap: error: {tmp_path / 'a'} exists; replace it with --overwrite\n"
    )
    assert (tmp_path / "a").read_bytes() == b"mine"
    assert run("pull", "sentiment", "--out", tmp_path / "a", "--overwrite").code == 0
    assert (tmp_path / "a").read_bytes() != b"mine"


@pytest.mark.parametrize("reference", ["none", "sentiment@2", "sentiment@next"])
def test_what_is_not_there_is_one_line(run: Run, tmp_path: Path, reference: str) -> None:
    outcome = run("pull", reference, "--out", tmp_path / "a")

    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (1, "", 1)
    assert list(tmp_path.iterdir()) == []
