"""Folders that no registry wrote: every fault is said, and nothing is imported."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from multitap_registry.copies.errors import FaultyCopy
from multitap_registry.copies.task_document import MAX_DOCUMENT_BYTES
from multitap_registry.copies.task_export import export_task
from multitap_registry.copies.task_import import import_task
from multitap_registry.folder import open_registry
from multitap_registry.memory import MemoryRegistry
from registry.copies.filled_registries import fill
from sample_adapters import sample_adapter

# A document whose values are of any kind, since it is to be broken.
Document: TypeAlias = dict[str, Any]
Damage: TypeAlias = Callable[[Document], object]

DOCUMENTS: list[tuple[Damage, list[str]]] = [
    (lambda d: d.update(format=2), ["task.json.format: "]),
    (lambda d: d.update(path="/etc/passwd"), ["task.json.path: "]),
    (lambda d: d.update(task="../spam"), ["task.json.task: "]),
    (lambda d: d.pop("updated_at"), ["task.json.updated_at: "]),
    (lambda d: d.update(created_at="2026-01-01T00:00:00"), ["task.json.created_at: "]),
    (
        lambda d: d.update(created_at="0001-01-01T00:00:00+10:00"),
        ["task.json.created_at: a time in utc is expected"],
    ),
    (
        lambda d: d["versions"].pop(1),
        ["versions: numbers [1, 3, 4], expected 1, 2 and so on without a gap"],
    ),
    (
        lambda d: d["versions"][1].update(state="ready"),
        ["versions.1.spec: is there", "versions/2.safetensors: is missing"],
    ),
    (
        lambda d: d["versions"][2].update(state="deleted"),
        ["versions.2.spec: is null", "versions/3.safetensors: is not the file of a ready version"],
    ),
    (
        lambda d: d["versions"][3].update(digest=d["versions"][2]["digest"]),
        [
            "versions: 2 ready versions have digest",
            "versions/4.safetensors: has digest",
        ],
    ),
    (
        lambda d: d["versions"][0].update(size_bytes=1),
        ["versions/1.safetensors: has "],
    ),
    (lambda d: d["versions"][0].update(tags=["b", "a"]), ["versions.0.tags: ['b', 'a']"]),
    (
        lambda d: d["versions"][0].update(tags=[f"{n:02}" for n in range(33)]),
        ["versions.0.tags: there are 33, expected at most 32"],
    ),
    (lambda d: d["versions"][0].update(tags=["/etc"]), ["task.json.versions.0.tags.0: "]),
    (lambda d: d["versions"][1]["spec"].update(max_tokens="x"), ["task.json.versions.1.spec"]),
    (lambda d: d["versions"].clear(), ["versions: there are none"]),
    (
        lambda d: d["aliases"].update(live=2),
        ["aliases.live: version 2 is not ready", "history.live: ends at 1, and the alias is at 2"],
    ),
    (lambda d: d["aliases"].update(best=1), ["history.best: is missing"]),
    (lambda d: d["aliases"].update({"../x": 1}), ["task.json.aliases.../x"]),
    (lambda d: d["history"].update(best=[]), ["history.best: there are no moves"]),
    (
        lambda d: d["history"]["live"].pop(1),
        ["history.live.1.move: is 3, expected 2", "history.live.1.from: is 3, expected 1"],
    ),
    (
        lambda d: d["history"]["live"][0].update(to=None),
        ["history.live.0.to: is None too", "history.live.1.from: is 1, expected None"],
    ),
    (
        lambda d: d["history"]["live"][1].update(to=99),
        ["history.live.1.to: there is no version 99"],
    ),
]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder as it should be. Read only."""
    folder = tmp_path_factory.mktemp("exported")
    with open_registry(folder / "registry") as registry:
        fill(registry)
        export_task(registry, "spam", folder / "spam")
    return folder / "spam"


@pytest.fixture
def out(exported: Path, tmp_path: Path) -> Path:
    """Return a folder to damage."""
    return shutil.copytree(exported, tmp_path / "out")


def faults_of(folder: Path, *, max_upload_bytes: int = 64 * 1024) -> list[str]:
    """Return the faults of a folder, of which nothing may have been imported."""
    registry = MemoryRegistry()
    with pytest.raises(FaultyCopy, match="is not whole: ") as caught:
        import_task(registry, folder, by="ann", max_upload_bytes=max_upload_bytes)
    assert (registry.last_event(), registry.audit(after=0, limit=9)) == (0, [])
    return list(caught.value.faults)


@pytest.mark.parametrize(("damage", "expected"), DOCUMENTS)
def test_faults_of_a_document_are_named(out: Path, damage: Damage, expected: list[str]) -> None:
    path = out / "task.json"
    document = json.loads(path.read_text())
    damage(document)
    path.write_text(json.dumps(document))

    faults = faults_of(out)

    for text in expected:
        assert any(text in fault for fault in faults), faults


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"\xff", "task.json: is no UTF-8 at byte 0"),
        (b"{", "task.json: not JSON"),
        (b"[]", "task.json"),
        (b'{"format": 1, "format": 1}', "task.json: duplicate key 'format'"),
        (b'{"task": "a\\u0000"}', "NUL"),
        (b'{"task": "\\ud800"}', "lone surrogate"),
        (b'{"format": NaN}', "NaN"),
        (b" " * (MAX_DOCUMENT_BYTES + 1), f"larger than {MAX_DOCUMENT_BYTES} bytes"),
    ],
)
def test_document_that_is_no_plain_json_is_refused(
    out: Path, content: bytes, expected: str
) -> None:
    (out / "task.json").write_bytes(content)

    assert expected in faults_of(out)[0]


def test_every_fault_is_said_at_once(out: Path) -> None:
    versions = out / "versions"
    (versions / "1.safetensors").unlink()
    (versions / "3.safetensors").write_bytes(sample_adapter(3))
    (versions / "4.safetensors").write_bytes(b"x" * len(sample_adapter(3)))
    (versions / "notes.txt").touch()
    (out / "evil.py").touch()

    text = "\n".join(faults_of(out))

    for expected in (
        "evil.py: is not part of a task's folder",
        "versions/notes.txt: is not the file of a ready version",
        "versions/1.safetensors: is missing",
        "versions/3.safetensors: has digest",
        "versions/4.safetensors: header",
    ):
        assert expected in text


def test_files_are_held_to_the_limit_of_uploads(out: Path) -> None:
    assert all("larger than 100 bytes" in fault for fault in faults_of(out, max_upload_bytes=100))


def test_folders_without_a_document_or_versions_are_refused(out: Path, tmp_path: Path) -> None:
    assert faults_of(tmp_path / "nothing") == ["task.json: is missing"]

    (out / "task.json").rename(out / "kept")
    (out / "versions").rename(tmp_path / "away")
    (out / "versions").symlink_to(tmp_path / "away")
    (out / "kept").rename(out / "task.json")
    assert "versions: is missing, expected a folder" in faults_of(out)
