"""Object stores that refuse, fail, are slow, or are away: errors of ours, in time, without keys."""

import os
import socket
import traceback
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from starlette.responses import Response

from blob_places import PATIENT, SetVariables
from client.scripted_server import Script, served
from multitap_registry.blobs import BlobSource
from multitap_registry.blobs.object_connection import RequestLimits
from multitap_registry.blobs.object_place import ObjectPlace
from multitap_registry.blobs.objects import ObjectBlobs
from multitap_registry.errors import StorageFull, StorageUnavailable
from multitap_registry.staging import StagedUpload
from object_servers import ACCESS_KEY, BUCKET, SECRET_KEY, ObjectServer, running_rclone
from sample_adapters import sample_adapter

MISSING = "sha256:" + "0" * 64
HASTY = RequestLimits(connect_s=1, idle_s=0.2, request_s=1, retries=1, retry_s=0.1)

Stage = Callable[[bytes], StagedUpload]


@pytest.fixture
def scripted(aws: SetVariables) -> Generator[tuple[ObjectBlobs, Script]]:
    """Return a store on a server with answers that a test writes down."""
    script = Script()
    with served(script.app()) as url:
        aws(environment(url))
        yield ObjectBlobs(ObjectPlace(BUCKET, ""), PATIENT), script


def environment(endpoint: str) -> dict[str, str]:
    """Return what leads to an endpoint."""
    return ObjectServer([]).environment | {"AWS_ENDPOINT": endpoint}


def calls(blobs: ObjectBlobs, upload: BlobSource) -> list[Callable[[], object]]:
    """Return every call that asks the store."""
    return [
        lambda: blobs.store(upload),
        lambda: blobs.read(MISSING),
        lambda: blobs.stat(MISSING),
        lambda: list(blobs.blobs()),
        lambda: blobs.quarantine(MISSING),
        blobs.probe,
    ]


def failures(blobs: ObjectBlobs, upload: BlobSource) -> list[StorageUnavailable]:
    """Return the error of every call; each must be one line, and its traceback hold no key."""
    found: list[StorageUnavailable] = []
    for call in calls(blobs, upload):
        with pytest.raises(StorageUnavailable) as caught:
            call()
        found.append(caught.value)
        assert "\n" not in str(caught.value)
        printed = "".join(traceback.format_exception(caught.value))
        assert ACCESS_KEY not in printed
        assert SECRET_KEY not in printed
        assert "Debug source" not in printed
    return found


def test_wrong_secret_is_an_error_that_says_so(
    rclone: ObjectServer, aws: SetVariables, upload: Stage
) -> None:
    aws(rclone.environment | {"AWS_SECRET_ACCESS_KEY": "wrong"})
    blobs = ObjectBlobs(ObjectPlace(BUCKET, "keys"), PATIENT)

    for error in failures(blobs, upload(sample_adapter())):
        assert "in s3://adapters/keys: access was denied (403" in str(error)
    with pytest.raises(StorageUnavailable, match="403 SignatureDoesNotMatch"):
        blobs.probe()


@pytest.mark.parametrize("server", ["moto", "rclone"])
def test_missing_bucket_is_never_taken_for_a_missing_blob(
    request: pytest.FixtureRequest, server: str, aws: SetVariables, upload: Stage
) -> None:
    running: ObjectServer = request.getfixturevalue(server)
    aws(running.environment)
    blobs = ObjectBlobs(ObjectPlace("no-such-bucket", ""), PATIENT)

    errors = failures(blobs, upload(sample_adapter()))

    assert str(errors[0]).endswith("in s3://no-such-bucket: there is no such bucket")
    assert str(errors[2]).endswith("it answered 404 NoSuchBucket")


def test_server_that_never_answers_is_given_up_in_time(aws: SetVariables, upload: Stage) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        aws(environment(f"http://127.0.0.1:{port}"))
        blobs = ObjectBlobs(ObjectPlace(BUCKET, ""), HASTY)

        for error in failures(blobs, upload(sample_adapter())):
            assert str(error).endswith("in s3://adapters: no answer came in time")


def test_server_that_is_away_is_given_up_at_once(aws: SetVariables, upload: Stage) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    aws(environment(f"http://127.0.0.1:{port}"))
    blobs = ObjectBlobs(ObjectPlace(BUCKET, ""), HASTY)

    for error in failures(blobs, upload(sample_adapter())):
        assert str(error).endswith("in s3://adapters: no connection could be made")


class CutSource:
    """An upload during which something happens: after its second chunk."""

    def __init__(self, upload: StagedUpload, event: Callable[[], None]) -> None:
        self.seal = upload.seal
        self._upload = upload
        self._event = event

    def chunks(self) -> Generator[bytes, None, None]:
        """Yield the upload's chunks."""
        for number, chunk in enumerate(self._upload.chunks()):
            if number == 12:
                self._event()
            yield chunk


def test_server_that_dies_amid_an_upload_is_used_again_when_it_is_back(
    tmp_path: Path, aws: SetVariables, upload: Stage, large_adapter: bytes
) -> None:
    staged, small = upload(large_adapter), upload(sample_adapter())
    digest = staged.seal().digest
    with running_rclone(tmp_path / "objects") as server:
        aws(server.environment)
        blobs = ObjectBlobs(ObjectPlace(BUCKET, ""), PATIENT)
        blobs.store(small)

        with pytest.raises(StorageUnavailable, match="cannot store a blob"):
            blobs.store(CutSource(staged, server.kill))
        with pytest.raises(StorageUnavailable, match="no connection could be made"):
            blobs.read(small.seal().digest)
        server.start()

        assert blobs.stat(digest) is None
        assert blobs.read(small.seal().digest) == sample_adapter()
        blobs.store(staged)
        assert blobs.read(digest) == large_adapter


def test_removal_waits_for_a_store_and_then_finds_the_blob_too_young(
    moto: ObjectServer, prefix: str, aws: SetVariables, upload: Stage, large_adapter: bytes
) -> None:
    aws(moto.environment)
    blobs = ObjectBlobs(ObjectPlace(BUCKET, prefix), PATIENT)
    staged = upload(large_adapter)
    digest = staged.seal().digest
    an_hour_ago = datetime.now(UTC) - timedelta(hours=1)
    with ThreadPoolExecutor(1) as threads:
        removals: list[Future[bool]] = []

        def remove() -> None:
            removals.append(threads.submit(blobs.remove, digest, stored_before=an_hour_ago))
            assert wait(removals, timeout=0.1).not_done

        blobs.store(CutSource(staged, remove))

    assert removals[0].result() is False
    assert blobs.read(digest) == large_adapter


def test_upload_whose_disk_fails_gets_no_name_in_the_store(
    rclone: ObjectServer, prefix: str, aws: SetVariables, upload: Stage, large_adapter: bytes
) -> None:
    aws(rclone.environment)
    blobs = ObjectBlobs(ObjectPlace(BUCKET, prefix), PATIENT)

    def fail() -> None:
        raise StorageUnavailable("cannot read an upload back: input/output error")

    staged = upload(large_adapter)
    with pytest.raises(StorageUnavailable, match="input/output error"):
        blobs.store(CutSource(staged, fail))

    assert blobs.stat(staged.seal().digest) is None


@pytest.mark.parametrize("size", ["small", "large"])
def test_upload_that_the_disk_gives_back_damaged_gets_no_name_in_the_store(
    moto: ObjectServer,
    prefix: str,
    aws: SetVariables,
    upload: Stage,
    tmp_path: Path,
    large_adapter: bytes,
    size: str,
) -> None:
    aws(moto.environment)
    blobs = ObjectBlobs(ObjectPlace(BUCKET, prefix), PATIENT)
    staged = upload(sample_adapter() if size == "small" else large_adapter)
    digest = staged.seal().digest
    (path,) = (tmp_path / "staging").iterdir()
    with path.open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\xff")

    with pytest.raises(StorageUnavailable, match="gave back other bytes"):
        blobs.store(staged)

    assert blobs.stat(digest) is None


def test_store_without_space_is_full(scripted: tuple[ObjectBlobs, Script], upload: Stage) -> None:
    blobs, script = scripted
    script.answer(Response("<Error><Code>XMinioStorageFull</Code></Error>", 507))

    with pytest.raises(StorageFull, match="it answered 507 XMinioStorageFull"):
        blobs.store(upload(sample_adapter()))
    with pytest.raises(StorageFull):
        blobs.probe()


def test_keys_that_are_nowhere_are_named(
    scripted: tuple[ObjectBlobs, Script], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, script = scripted
    script.answer(Response(status_code=404))
    monkeypatch.setenv("AWS_METADATA_ENDPOINT", os.environ["AWS_ENDPOINT"])
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")

    with pytest.raises(StorageUnavailable, match="AWS_SECRET_ACCESS_KEY are not set, and the"):
        ObjectBlobs(ObjectPlace(BUCKET, ""), PATIENT).probe()


def test_one_failure_is_tried_again(scripted: tuple[ObjectBlobs, Script]) -> None:
    blobs, script = scripted
    script.answer(Response(status_code=503), Response(headers={"etag": '"e"'}))

    blobs.probe()

    assert [seen.method for seen in script.seen] == ["PUT", "PUT"]


def test_object_of_another_size_than_was_sent_is_noticed(
    scripted: tuple[ObjectBlobs, Script], upload: Stage
) -> None:
    blobs, script = scripted
    headers = {"etag": '"e"', "last-modified": "Tue, 24 Nov 2026 13:00:00 GMT"}
    script.answer(Response(headers=headers), Response("abc", headers=headers))

    with pytest.raises(StorageUnavailable, match="s3://adapters holds 3 bytes of a blob of"):
        blobs.store(upload(sample_adapter()))


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Response(status_code=301), "the bucket is in another region than AWS_REGION"),
        (Response("not <XML", 400), "it answered 400"),
        (Response("<Error><Code>a b\n</Code></Error>", 404), "there is no such bucket"),
        (Response("<Code>InternalError</Code>", 500), "it answered 500 InternalError"),
        (Response("no headers"), "the request failed"),
    ],
)
def test_answers_become_one_line(
    scripted: tuple[ObjectBlobs, Script], answer: Response, reason: str
) -> None:
    blobs, script = scripted
    script.answer(answer)

    with pytest.raises(StorageUnavailable) as caught:
        blobs.probe()

    assert str(caught.value) == f"cannot write in s3://adapters: {reason}"


def test_what_a_server_repeats_of_a_signature_goes_nowhere(
    scripted: tuple[ObjectBlobs, Script],
) -> None:
    blobs, script = scripted
    script.answer(
        Response(
            f"<Error><Code>SignatureDoesNotMatch</Code><AWSAccessKeyId>{ACCESS_KEY}"
            f"</AWSAccessKeyId><StringToSign>AWS4-HMAC-SHA256 {SECRET_KEY}</StringToSign></Error>",
            403,
        )
    )

    with pytest.raises(StorageUnavailable) as caught:
        blobs.probe()

    printed = "".join(traceback.format_exception(caught.value))
    assert "access was denied (403 SignatureDoesNotMatch)" in printed
    assert ACCESS_KEY not in printed
    assert SECRET_KEY not in printed
