"""`multitap backup`, `restore`, `export-task` and `import-task`, beside a registry that is open."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from client.command_line import Run
from multitap_registry.folder import open_registry
from multitap_registry.sql import SqlRegistry
from publishing import publish
from sample_adapters import sample_adapter

FILE = sample_adapter(1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "registry"


@pytest.fixture
def registry(folder: Path) -> Iterator[SqlRegistry]:
    """A registry that its server has open."""
    with open_registry(folder) as opened:
        publish(opened, "spam", FILE, by="ann")
        yield opened


def test_backup_of_an_open_registry_is_restored_elsewhere(
    run: Run, registry: SqlRegistry, folder: Path, tmp_path: Path
) -> None:
    made = run("backup", tmp_path / "b", "--registry", folder)
    back = run("restore", tmp_path / "b", "--registry", tmp_path / "back", "--json")

    assert (made.code, made.err) == (0, "")
    assert made.out == f"wrote {tmp_path / 'b'}\nfiles        1, 1.0 KiB\nup to event  2\n"
    assert (back.code, json.loads(back.out)) == (
        0,
        {
            "registry": str(tmp_path / "back"),
            "last_event": 2,
            "files": 1,
            "size_bytes": len(FILE),
        },
    )
    with open_registry(tmp_path / "back") as restored:
        assert restored.task("spam") == registry.task("spam")


def test_backup_is_whole_for_verify(
    run: Run, registry: SqlRegistry, folder: Path, tmp_path: Path
) -> None:
    assert registry.last_event() == 2
    assert run("backup", tmp_path / "b", "--registry", folder).code == 0

    assert run("verify", "--registry", tmp_path / "b").code == 0


@pytest.mark.parametrize("place", ["", "inside", "blobs/../deep/inside"])
def test_backup_in_its_own_registry_is_refused(
    run: Run, registry: SqlRegistry, folder: Path, place: str
) -> None:
    assert registry.last_event() == 2
    before = sorted(folder.rglob("*"))
    outcome = run("backup", folder / place, "--registry", folder)

    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err == (
        f"multitap: error: {folder / place} is in the registry {folder}, expected a folder "
        "outside of it\n"
    )
    assert sorted(folder.rglob("*")) == before


def test_registry_that_a_server_has_open_is_not_restored_into(
    run: Run, registry: SqlRegistry, folder: Path, tmp_path: Path
) -> None:
    assert registry.last_event() == 2
    assert run("backup", tmp_path / "b", "--registry", folder).code == 0

    outcome = run("restore", tmp_path / "b", "--registry", folder)

    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (1, "", 1)
    assert "is already open, by another process" in outcome.err


def test_place_that_is_taken_is_one_line(
    run: Run, registry: SqlRegistry, folder: Path, tmp_path: Path
) -> None:
    assert registry.last_event() == 2
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "x").touch()

    outcome = run("backup", tmp_path / "b", "--registry", folder)

    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err == (
        f"multitap: error: '{tmp_path / 'b'}' is there already, expected the name of a new folder\n"
    )


def test_every_fault_of_a_backup_is_a_line(
    run: Run, registry: SqlRegistry, folder: Path, tmp_path: Path
) -> None:
    assert registry.last_event() == 2
    assert run("backup", tmp_path / "b", "--registry", folder).code == 0
    (path,) = (each for each in (tmp_path / "b" / "blobs").rglob("*") if each.is_file())
    path.write_bytes(b"x")

    outcome = run("restore", tmp_path / "b", "--registry", tmp_path / "back")

    assert (outcome.code, outcome.out) == (1, "")
    first, second = outcome.err.splitlines()
    assert first == "multitap: error: the backup is not whole: 1 fault"
    assert second.startswith("  blob_damaged: spam@1: ")


def test_task_goes_from_one_open_registry_to_another(
    run: Run, registry: SqlRegistry, folder: Path, tmp_path: Path
) -> None:
    registry.tag("spam", 1, by="ann", add=["good"])
    with open_registry(tmp_path / "other") as other:
        out = run("export-task", "spam", tmp_path / "task", "--registry", folder)
        arguments = ["import-task", tmp_path / "task", "--registry", tmp_path / "other"]
        first = run(*arguments, "--as", "ham", "--by", "mover", "--reason", "why", "--json")
        second = run(*arguments, "--as", "ham")
        other.catch_up()

        assert other.copy_task("ham") == registry.copy_task("spam").renamed("ham")
        (line,) = other.audit(after=0, limit=9)

    assert (out.code, first.code, second.code) == (0, 0, 1)
    assert out.out.splitlines()[:3] == [
        f"wrote {tmp_path / 'task'}",
        "task      spam",
        "versions  1 ready, 0 deleted, 1.0 KiB",
    ]
    document = json.loads(first.out)
    assert (document["task"], document["aliases"]) == ("ham", {"live": 1})
    assert (line.entry.by, line.entry.reason) == ("mover", "why")
    assert line.entry.new_digest == document["digest"]
    assert second.err.startswith("multitap: error: the name 'ham' is or was a task's")


def test_who_imports_is_the_login_name_by_default(
    run: Run, registry: SqlRegistry, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "dora")
    run("export-task", "spam", tmp_path / "task", "--registry", folder)

    assert run("import-task", tmp_path / "task", "--registry", folder, "--as", "ham").code == 0

    *_, line = registry.audit(after=0, limit=9)
    assert line.entry.by == "dora"


def test_every_fault_of_a_tasks_folder_is_a_line(
    run: Run, registry: SqlRegistry, folder: Path, tmp_path: Path
) -> None:
    assert registry.last_event() == 2
    (tmp_path / "task").mkdir()
    (tmp_path / "task" / "task.json").write_text('{"format": 1}')

    outcome = run("import-task", tmp_path / "task", "--registry", folder)

    assert (outcome.code, outcome.out) == (1, "")
    assert "  task.json.versions: field required\n" in outcome.err
    assert outcome.err.splitlines()[0].endswith("is not whole: 6 faults")


def test_unknown_tasks_and_registries_are_one_line(
    run: Run, registry: SqlRegistry, folder: Path, tmp_path: Path
) -> None:
    assert registry.last_event() == 2
    unknown = run("export-task", "ham", tmp_path / "x", "--registry", folder)
    nowhere = run("backup", tmp_path / "x", "--registry", tmp_path / "nowhere")

    assert (unknown.code, unknown.err) == (1, "multitap: error: no task 'ham'\n")
    assert nowhere.code == 1
    assert nowhere.err.startswith("multitap: error: there is no registry in ")
