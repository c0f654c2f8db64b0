"""A registry whose adapter files are in an object store: published, opened again, cut off."""

from pathlib import Path

import pytest

from blob_places import SetVariables
from multitap_registry.errors import CorruptBlob, StorageUnavailable, TaskNotFound
from multitap_registry.folder import open_registry
from multitap_registry.reference import Reference
from object_servers import BUCKET, ObjectServer, running_rclone
from publishing import publish
from sample_adapters import sample_adapter
from session_uploads import publish_session, send


@pytest.mark.parametrize("server", ["moto", "rclone"])
def test_what_was_published_is_there_after_a_restart(
    request: pytest.FixtureRequest, tmp_path: Path, aws: SetVariables, prefix: str, server: str
) -> None:
    running: ObjectServer = request.getfixturevalue(server)
    aws(running.environment)
    url = f"s3://{BUCKET}/{prefix}"

    with open_registry(tmp_path, blobs=url) as registry:
        registry.check()
        in_parts = send(registry.sessions, sample_adapter(1))
        digests = [
            publish(registry, "spam", sample_adapter(0)).record.digest,
            publish_session(registry, "spam", in_parts).record.digest,
        ]

    with open_registry(tmp_path, blobs=url) as registry:
        assert not publish(registry, "spam", sample_adapter()).created
        assert [registry.read_blob(digest) for digest in digests] == [
            sample_adapter(0),
            sample_adapter(1),
        ]
        assert registry.resolve(Reference("spam")).version == 1
    assert {path.name for path in tmp_path.iterdir()} == {
        "registry.lock",
        "registry.sqlite",
        "sessions",
        "staging",
    }
    assert list((tmp_path / "staging").iterdir()) == []
    assert list((tmp_path / "sessions").iterdir()) == []


def test_registries_with_prefixes_of_their_own_see_nothing_of_each_other(
    rclone: ObjectServer, tmp_path: Path, aws: SetVariables, prefix: str
) -> None:
    aws(rclone.environment)
    with open_registry(tmp_path / "a", blobs=f"s3://{BUCKET}/{prefix}/a") as registry:
        digest = publish(registry, "spam", sample_adapter()).record.digest

    other = open_registry(tmp_path / "b", blobs=f"s3://{BUCKET}/{prefix}/b")
    with other as registry, pytest.raises(CorruptBlob):
        registry.read_blob(digest)


def test_publish_while_the_store_is_away_changes_nothing_and_works_when_it_is_back(
    tmp_path: Path, aws: SetVariables
) -> None:
    with running_rclone(tmp_path / "objects") as server:
        aws(server.environment)
        url = f"s3://{BUCKET}"
        with (
            open_registry(tmp_path / "registry", blobs=url) as registry,
            registry.begin_upload() as upload,
        ):
            upload.write(sample_adapter())
            server.kill()
            with pytest.raises(StorageUnavailable, match="no connection could be made"):
                registry.publish("spam", upload, by="anonymous")
            with pytest.raises(StorageUnavailable):
                registry.check()
            with pytest.raises(TaskNotFound):
                registry.task("spam")
            server.start()

            registry.check()
            assert registry.publish("spam", upload, by="anonymous").created
            digest = registry.resolve(Reference("spam")).digest
            assert registry.read_blob(digest) == sample_adapter()
