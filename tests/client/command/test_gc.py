"""`multitap gc` on a registry in a folder."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from client.command_line import Run
from multitap_registry.blobs.addresses import blob_address
from multitap_registry.folder import open_registry
from multitap_registry.sql import SqlRegistry
from publishing import publish
from sample_adapters import sample_adapter

SIZE = len(sample_adapter())
LONG_AGO = timedelta(days=40)


@pytest.fixture
def registry(tmp_path: Path) -> Path:
    """Return the folder of a registry with five versions that are 40 days old.

    Version 2 was deleted, version 3 has a tag, and 4 was stored again today.
    """
    folder = tmp_path / "registry"
    with open_registry(folder, clock=lambda: datetime.now(UTC) - LONG_AGO) as opened:
        for seed in range(5):
            publish(opened, "spam", sample_adapter(seed))
        opened.delete_version("spam", 2, by="ann")
        opened.tag("spam", 3, by="ann", add=["golden"])
        old = (datetime.now(UTC) - LONG_AGO).timestamp()
        for blob in opened.blobs.blobs():
            if blob.digest != opened.version("spam", 4).digest:
                os.utime(folder / "blobs" / blob_address(blob.digest), (old, old))
    return folder


def left(registry: SqlRegistry) -> list[int]:
    """Return the numbers of the ready versions."""
    return sorted(each.version for each in registry.versions("spam", limit=99).records)


def test_without_yes_it_shows_what_would_go_and_changes_nothing(run: Run, registry: Path) -> None:
    outcome = run("gc", "--registry", registry)

    assert (outcome.code, outcome.err) == (0, "")
    lines = outcome.out.splitlines()
    assert lines[0].split() == ["file", "last", "stored", "size"]
    assert lines[2].startswith("sha256:")
    assert lines[-2:] == [
        "files that would be removed: 1 (1.0 KiB)",
        "nothing was changed; --yes does it",
    ]
    assert run("gc", "--registry", registry).out == outcome.out


def test_with_yes_orphans_go_beside_a_server_and_versions_stay(run: Run, registry: Path) -> None:
    with open_registry(registry) as server:
        outcome = run("gc", "--registry", registry, "--yes")

        assert outcome.out == "files removed: 1 (1.0 KiB)\n"
        assert left(server) == [1, 3, 4, 5]
        for version in left(server):
            server.read_blob(server.version("spam", version).digest)
        assert run("gc", "--registry", registry).out == "files that would be removed: 0 (0 bytes)\n"


def test_old_versions_go_by_the_rule_and_their_files_after_the_grace_period(
    run: Run, registry: Path
) -> None:
    rule = ["--keep", "1", "--older-than", "30d", "--spare-tag", "golden"]
    shown = run("gc", "--registry", registry, *rule, "--json")
    with open_registry(registry) as server:
        outcome = run("gc", "--registry", registry, *rule, "--yes")
        server.catch_up()

        assert left(server) == [1, 3, 5]
        (*_, line) = server.audit(after=0, limit=99)
    assert outcome.out.splitlines()[2].split()[0] == "spam@4"
    assert outcome.out.splitlines()[-3:] == [
        "versions deleted: 1",
        "files removed: 1 (1.0 KiB)",
        "files that go once they were stored more than 24 hours ago: 1 (1.0 KiB)",
    ]
    assert (line.entry.by, line.entry.action) == ("gc", "version.deleted")
    assert line.entry.reason == "retention: beyond the newest 1 and older than 30 days"
    document = json.loads(shown.out)
    assert document["dry_run"]
    assert [(each["task"], each["version"]) for each in document["deleted"]] == [("spam", 4)]
    assert [each["digest"] for each in document["young"]] == [line.entry.old_digest]


def test_grace_is_an_option(run: Run, registry: Path) -> None:
    outcome = run("gc", "--registry", registry, "--keep", "1", "--grace", "0s", "--yes", "--json")

    document = json.loads(outcome.out)
    assert [each["version"] for each in document["deleted"]] == [3, 4]
    assert (document["dry_run"], document["young"]) == (False, [])
    assert document["removed_bytes"] == 3 * SIZE
    with open_registry(registry) as server:
        assert left(server) == [1, 5]


def test_no_version_goes_that_the_rule_keeps(run: Run, registry: Path) -> None:
    outcome = run("gc", "--registry", registry, "--older-than", "50d")

    assert "versions that would be deleted: 0" in outcome.out.splitlines()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--older-than", "30"], "--older-than is '30', expected a number and one of d, h, m, s"),
        (["--grace", "-1h"], "--grace is '-1h', expected a number and one of d, h, m, s"),
        (["--keep", "0"], "invalid value for '--keep': Input should be greater than"),
        (["--spare-tag", "golden"], "--spare-tag needs --keep or --older-than"),
        (["--keep", "1", "--spare-tag", "bad tag"], "--spare-tag: 'bad tag' is no tag ("),
    ],
)
def test_wrong_usage_changes_nothing(
    run: Run, registry: Path, arguments: list[str], message: str
) -> None:
    outcome = run("gc", "--registry", registry, "--yes", *arguments)

    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith(f"multitap: error: {message}")
    assert json.loads(run("gc", "--registry", registry, "--json").out)["removed_bytes"] == SIZE


def test_tag_that_no_version_has_spares_nothing_and_is_refused(run: Run, registry: Path) -> None:
    outcome = run("gc", "--registry", registry, "--keep", "1", "--spare-tag", "goldne", "--yes")

    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err == (
        "multitap: error: no version has the tag 'goldne' of --spare-tag, so nothing was done\n"
    )
    with open_registry(registry) as server:
        assert left(server) == [1, 3, 4, 5]
