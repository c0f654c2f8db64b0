"""What every registry promises of uploads."""

import pytest

from multitap_adapters.file import AdapterFileError
from multitap_registry.contract import Registry
from multitap_registry.errors import TaskNotFound, UploadTooLarge
from publishing import publish
from sample_adapters import sample_adapter, sample_spec

LIMIT_BYTES = 64 * 1024


def test_seal_returns_what_was_written(registry: Registry) -> None:
    content = sample_adapter()
    with registry.begin_upload() as upload:
        upload.write(content)

        file = upload.seal()

    assert (file.spec, file.size_bytes) == (sample_spec(), len(content))


def test_chunks_of_any_size_make_one_file(registry: Registry) -> None:
    content = sample_adapter()
    with registry.begin_upload() as upload:
        for start in range(0, len(content), 7):
            upload.write(content[start : start + 7])
        upload.write(b"")

        record = registry.publish("spam", upload, by="anonymous").record

    assert registry.read_blob(record.digest) == content


def test_sealing_twice_gives_the_same_file(registry: Registry) -> None:
    with registry.begin_upload() as upload:
        upload.write(sample_adapter())

        assert upload.seal() is upload.seal()


def test_publish_seals_an_open_upload(registry: Registry) -> None:
    with registry.begin_upload() as upload:
        upload.write(sample_adapter())

        assert registry.publish("spam", upload, by="anonymous").created


@pytest.mark.parametrize(
    "content", [b"", b"\x00" * 100, sample_adapter()[:-1]], ids=["empty", "zeros", "truncated"]
)
def test_bytes_that_are_no_adapter_are_refused_with_their_faults(
    registry: Registry, content: bytes
) -> None:
    with registry.begin_upload() as upload:
        upload.write(content)

        with pytest.raises(AdapterFileError) as caught:
            upload.seal()

    assert caught.value.faults


def test_publish_of_no_adapter_creates_no_task(registry: Registry) -> None:
    with registry.begin_upload() as upload:
        upload.write(b"not an adapter")

        with pytest.raises(AdapterFileError):
            registry.publish("spam", upload, by="anonymous")

    with pytest.raises(TaskNotFound):
        registry.task("spam")


def test_write_beyond_the_limit_is_refused(registry: Registry) -> None:
    with registry.begin_upload() as upload:
        upload.write(b"x" * LIMIT_BYTES)

        with pytest.raises(UploadTooLarge) as caught:
            upload.write(b"x")

    assert caught.value.limit_bytes == LIMIT_BYTES


def test_upload_that_grew_too_large_cannot_be_published_without_its_end(
    registry: Registry,
) -> None:
    with registry.begin_upload() as upload:
        upload.write(sample_adapter())
        with pytest.raises(UploadTooLarge):
            upload.write(b"x" * LIMIT_BYTES)

        with pytest.raises(UploadTooLarge):
            registry.publish("spam", upload, by="anonymous")
        with pytest.raises(UploadTooLarge):
            upload.write(b"x")


def test_write_after_seal_is_an_error(registry: Registry) -> None:
    with registry.begin_upload() as upload:
        upload.write(sample_adapter())
        upload.seal()

        with pytest.raises(ValueError, match="sealed"):
            upload.write(b"x")


def test_write_after_a_refused_seal_is_an_error(registry: Registry) -> None:
    with registry.begin_upload() as upload:
        with pytest.raises(AdapterFileError):
            upload.seal()

        with pytest.raises(ValueError, match="sealed"):
            upload.write(sample_adapter())


def test_upload_is_of_no_use_after_its_exit(registry: Registry) -> None:
    with registry.begin_upload() as upload:
        upload.write(sample_adapter())

    with pytest.raises(ValueError, match="closed"):
        upload.write(b"x")
    with pytest.raises(ValueError, match="closed"):
        upload.seal()
    with pytest.raises(ValueError, match="closed"):
        registry.publish("spam", upload, by="anonymous")


def test_upload_may_be_published_under_two_tasks(registry: Registry) -> None:
    with registry.begin_upload() as upload:
        upload.write(sample_adapter())
        first = registry.publish("spam", upload, by="anonymous")
        second = registry.publish("ham", upload, by="anonymous")

    assert first.record.digest == second.record.digest
    assert (first.created, second.created) == (True, True)


def test_uploads_at_the_same_time_do_not_mix(registry: Registry) -> None:
    with registry.begin_upload() as first, registry.begin_upload() as second:
        for start in range(0, 1024, 100):
            first.write(sample_adapter(1)[start : start + 100])
            second.write(sample_adapter(2)[start : start + 100])

        digests = {first.seal().digest, second.seal().digest}

    expected = {publish(registry, "spam", sample_adapter(n)).record.digest for n in (1, 2)}
    assert digests == expected


def test_blob_that_was_never_published_is_not_served(registry: Registry) -> None:
    with registry.begin_upload() as upload:
        upload.write(sample_adapter())
        upload.seal()

    assert not registry.tasks(limit=10).records
