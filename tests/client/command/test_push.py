"""`multitap push` against a real server."""

import json
import os
from pathlib import Path

import pytest

from client.command_line import Run, Running
from client.processes import read_until, started
from library_folders import HEAD, write_hub
from multitap_adapters.importing.target import read_target
from sample_adapters import SAMPLE_BACKBONE, large_adapter, random_file, sample_spec

pytestmark = pytest.mark.usefixtures("server")


def facts_of(out: str) -> dict[str, str]:
    """Return the names and values below the first line."""
    rows = [line.split(maxsplit=1) for line in out.splitlines()[1:]]
    return {row[0]: row[1] for row in rows}


def test_a_first_push_makes_a_live_version(run: Run, server: Running, adapter: Path) -> None:
    outcome = run("push", "spam", adapter)

    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.startswith("published spam@1\n")
    shown = facts_of(outcome.out)
    assert shown["digest"] == server.registry.task("spam").newest.digest
    assert (shown["live"], shown["aliases"], shown["kind"]) == ("spam@1", "live", "classification")


def test_a_push_with_an_alias_says_what_is_live_still(run: Run, adapter: Path) -> None:
    outcome = run("push", "sentiment", adapter, "--alias", "next")

    shown = facts_of(outcome.out)
    assert (shown["live"], shown["aliases"]) == ("sentiment@1", "next")


def test_the_same_bytes_again_are_said_to_be_there(run: Run, adapter: Path) -> None:
    run("push", "spam", adapter)

    outcome = run("push", "spam", adapter)

    assert outcome.code == 0
    assert outcome.out.startswith("these bytes were there already: spam@1\n")


def test_json_is_the_wires_version(run: Run, adapter: Path) -> None:
    version = json.loads(run("push", "spam", adapter, "--json").out)

    assert (version["task"], version["version"], version["aliases"]) == ("spam", 1, ["live"])


def test_a_large_file_goes_in_parts_and_is_a_version_like_any_other(
    run: Run, server: Running, tmp_path: Path
) -> None:
    (tmp_path / "large").write_bytes(large_adapter())

    outcome = run("push", "large", tmp_path / "large")

    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.startswith("published large@1\n")
    assert facts_of(outcome.out)["digest"] == server.registry.task("large").newest.digest


def test_a_bar_shows_how_much_of_a_file_has_gone(server: Running, tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(large_adapter())
    terminal, stderr = os.openpty()
    with started("push", "large", tmp_path / "large", url=server.url, stderr=stderr) as process:
        os.close(stderr)
        bar = read_until(terminal, b"/17.8 MB")
        process.communicate()
    os.close(terminal)

    assert process.returncode == 0
    assert b"pushing large" in bar


def test_a_missing_file_is_one_line(run: Run) -> None:
    outcome = run("push", "spam", "none.safetensors")

    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err == "multitap: error: none.safetensors: no such file or directory\n"


def test_a_file_that_is_no_adapter_is_refused_with_its_fault(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"nope")

    outcome = run("push", "spam", tmp_path / "a")

    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err == (
        "multitap: error: file: 4 bytes, too short for the 8-byte header length\n"
    )


def test_every_fault_of_a_file_is_listed(run: Run, adapter: Path) -> None:
    broken = adapter.read_bytes().replace(b'"F32"', b'"F99"')
    adapter.write_bytes(broken)

    outcome = run("push", "spam", adapter)

    first, *others = outcome.err.splitlines()
    assert outcome.code == 1
    assert first.startswith("multitap: error: ")
    assert len(others) == 2
    assert all("F99" in line for line in others)


def test_an_adapter_for_another_backbone_is_one_line(run: Run, tmp_path: Path) -> None:
    other = SAMPLE_BACKBONE.model_copy(update={"digest": "sha256:" + "0" * 64})
    (tmp_path / "a").write_bytes(random_file(sample_spec(backbone=other)))

    outcome = run("push", "spam", tmp_path / "a")

    assert outcome.code == 1
    assert outcome.err.startswith(
        "multitap: error: the adapter was made for another backbone: its digest is "
    )
    assert outcome.err.count("\n") == 1


def test_a_name_that_is_none_is_one_line(run: Run, adapter: Path) -> None:
    outcome = run("push", "Bad Name", adapter)

    assert (outcome.code, outcome.err.count("\n")) == (1, 1)
    assert "'Bad Name' is no task name" in outcome.err


def test_without_a_server_it_says_how_to_start_one(
    run: Run, closed_port: str, adapter: Path
) -> None:
    outcome = run("push", "spam", adapter, "--url", closed_port)

    assert outcome.code == 1
    assert outcome.err == (
        f"multitap: error: no server answers at {closed_port}; start one with: multitap serve\n"
    )


def test_a_folder_of_another_library_is_imported_and_published(
    run: Run, server: Running, tiny_folder: Path, tmp_path: Path
) -> None:
    folder = write_hub(tmp_path / "sst", head=HEAD)
    server.engine.backbone = read_target(tiny_folder).identity

    outcome = run("push", "films", folder, "--backbone", tiny_folder, "--labels", "bad,good")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.startswith("published films@1\n")
    assert server.registry.task("films").newest.spec.head.labels == ("bad", "good")
    assert server.registry.task("films").newest.spec.card.task == "films"


def test_a_folder_without_a_backbone_is_wrong_usage(run: Run, tmp_path: Path) -> None:
    folder = write_hub(tmp_path / "sst")

    outcome = run("push", "films", folder)

    assert outcome.code == 2
    assert outcome.err == (
        f"multitap: error: {folder} is a folder: --backbone must say what it was trained on\n"
    )


def test_a_file_with_options_of_import_is_wrong_usage(run: Run, adapter: Path) -> None:
    outcome = run("push", "spam", adapter, "--no-head")

    assert outcome.code == 2
    assert outcome.err == (
        f"multitap: error: {adapter} is no folder: only a folder takes options of import\n"
    )


def test_a_folder_that_cannot_be_imported_is_one_line(
    run: Run, server: Running, tiny_folder: Path, tmp_path: Path
) -> None:
    outcome = run("push", "films", tmp_path, "--backbone", tiny_folder)

    assert outcome.code == 1
    assert outcome.err.startswith(f"multitap: error: {tmp_path} has no adapter_config.json")
    assert server.engine.checked == []
