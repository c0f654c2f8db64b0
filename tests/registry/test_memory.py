"""The registry in memory, beyond the contract: failing on request."""

import pytest

from multitap_registry.errors import StorageFull, StorageUnavailable, TaskNotFound
from multitap_registry.memory import MemoryRegistry
from multitap_registry.reference import Reference
from multitap_registry.sql import SqlRegistry
from publishing import publish
from sample_adapters import sample_adapter


def test_failure_stops_every_write_and_no_read_of_records() -> None:
    registry = MemoryRegistry()
    digest = publish(registry, "spam", sample_adapter()).record.digest
    registry.failure = StorageUnavailable("broken on request")

    with pytest.raises(StorageUnavailable):
        publish(registry, "spam", sample_adapter(2))
    with pytest.raises(StorageUnavailable):
        registry.point("spam", "candidate", 1, by="somebody")
    with pytest.raises(StorageUnavailable):
        registry.read_blob(digest)
    with pytest.raises(StorageUnavailable):
        registry.check()
    assert registry.resolve(Reference("spam")).digest == digest


def test_failure_between_seal_and_publish_publishes_nothing() -> None:
    registry = MemoryRegistry()
    with registry.begin_upload() as upload:
        upload.write(sample_adapter())
        upload.seal()
        registry.failure = StorageFull("full on request")

        with pytest.raises(StorageFull):
            registry.publish("spam", upload, by="anonymous")

    with pytest.raises(TaskNotFound):
        registry.task("spam")


def test_registry_works_again_once_the_failure_is_gone() -> None:
    registry = MemoryRegistry()
    registry.failure = StorageFull("full on request")
    with pytest.raises(StorageFull):
        publish(registry, "spam", sample_adapter())

    registry.failure = None

    assert publish(registry, "spam", sample_adapter()).record.version == 1


def test_upload_of_another_kind_of_registry_is_refused(stored: SqlRegistry) -> None:
    with stored.begin_upload() as upload:
        upload.write(sample_adapter())

        with pytest.raises(TypeError, match="upload"):
            MemoryRegistry().publish("spam", upload, by="anonymous")
