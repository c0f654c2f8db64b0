"""`multitap verify` on a registry in a folder."""

import json
from pathlib import Path
from typing import get_args

import pytest

from client.command_line import Run
from multitap_registry.blobs.addresses import blob_address
from multitap_registry.care.findings import Fault
from multitap_registry.folder import open_registry
from multitap_registry.reference import Reference
from publishing import publish
from sample_adapters import sample_adapter


@pytest.fixture
def registry(tmp_path: Path) -> Path:
    """Return the folder of a registry with two versions, and a third that was deleted."""
    folder = tmp_path / "registry"
    with open_registry(folder) as registry:
        for seed in range(3):
            publish(registry, "spam", sample_adapter(seed))
        registry.delete_version("spam", 3, by="ann")
    return folder


@pytest.fixture
def damaged(registry: Path) -> str:
    """Damage version 2, and return its digest."""
    with open_registry(registry) as opened:
        digest = opened.resolve(Reference.parse("spam@2")).digest
    (registry / "blobs" / blob_address(digest)).write_bytes(b"other")
    return digest


def test_whole_registry_is_said_beside_its_server(run: Run, registry: Path) -> None:
    with open_registry(registry):
        outcome = run("verify", "--registry", registry)

    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.splitlines() == [
        "checked: tasks 1, versions 2, aliases 1, events 5, audit lines 5, files 2 (2.0 KiB)",
        "files that no version needs: 1 (1.0 KiB); multitap gc removes old ones",
        "the registry is whole",
    ]


def test_registry_comes_from_the_environment_as_for_a_server(
    run: Run, registry: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MULTITAP_REGISTRY", str(registry))

    assert run("verify").out.splitlines()[-1] == "the registry is whole"
    monkeypatch.setenv("MULTITAP_PROT", "9000")
    outcome = run("verify")
    assert (outcome.code, outcome.err.count("\n")) == (1, 1)
    assert outcome.err.startswith("multitap: error: unknown setting 'MULTITAP_PROT', expected ")


def test_fault_is_named_in_a_table_and_by_the_exit_code(
    run: Run, registry: Path, damaged: str
) -> None:
    outcome = run("verify", "--registry", registry)

    assert (outcome.code, outcome.err) == (1, "")
    head, _, fault, empty, *rest = outcome.out.splitlines()
    assert head.split() == ["fault", "where", "expected", "found"]
    assert fault.split()[:3] == ["blob_damaged", "spam@2", damaged]
    assert empty == ""
    assert rest[-2:] == ["--repair moves damaged files aside", "faults: 1"]
    assert (registry / "blobs" / blob_address(damaged)).read_bytes() == b"other"


def test_repair_moves_the_file_aside_and_says_how_it_comes_back(
    run: Run, registry: Path, damaged: str
) -> None:
    outcome = run("verify", "--registry", registry, "--repair")

    assert outcome.code == 1
    moved, advice, faults = outcome.out.splitlines()[-3:]
    assert moved.startswith(f"moved {damaged} to quarantine/")
    assert (registry / "blobs" / moved.rpartition(" ")[2]).read_bytes() == b"other"
    assert advice == "uploading the same bytes again repairs a version whose file is missing"
    assert faults == "faults: 1"
    with open_registry(registry) as opened:
        publish(opened, "spam", sample_adapter(1))
    assert run("verify", "--registry", registry).code == 0


def test_json_has_every_finding(run: Run, registry: Path, damaged: str) -> None:
    outcome = run("verify", "--registry", registry, "--repair", "--json")

    document = json.loads(outcome.out)
    (finding,) = document["findings"]
    assert (outcome.code, document["whole"]) == (1, False)
    assert finding["found"].startswith("sha256:")
    assert finding == {
        "what": "blob_damaged",
        "where": "spam@2",
        "expected": damaged,
        "found": finding["found"],
        "digest": damaged,
    }
    (moved,) = document["quarantined"]
    assert (moved["digest"], moved["name"].startswith("quarantine/")) == (damaged, True)
    assert [orphan["size_bytes"] for orphan in document["orphans"]] == [len(sample_adapter())]
    assert document["checked"]["audit_lines"] == 5


@pytest.mark.parametrize("verb", ["verify", "gc"])
def test_folder_without_a_registry_is_said_and_stays_empty(
    run: Run, tmp_path: Path, verb: str
) -> None:
    outcome = run(verb, "--registry", tmp_path)

    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err == f"multitap: error: there is no registry in '{tmp_path}'\n"
    assert list(tmp_path.iterdir()) == []


def test_database_that_cannot_be_read_is_said(run: Run, registry: Path) -> None:
    (registry / "registry.sqlite").write_bytes(b"no database" * 100)

    outcome = run("verify", "--registry", registry)

    assert (outcome.code, outcome.err.count("\n")) == (1, 1)
    assert outcome.err == (
        "multitap: error: the registry's database failed: file is not a database\n"
    )


def test_every_kind_of_fault_is_in_the_documentation() -> None:
    page = (Path(__file__).parents[3] / "docs" / "command.md").read_text()
    section = page.partition("\n## multitap verify\n")[2].partition("\n## ")[0]

    assert [kind for kind in get_args(Fault) if f"`{kind}`" not in section] == []
