"""What every registry promises of versions and their bytes."""

import hashlib
from datetime import UTC, datetime, timedelta

import pytest

from multitap_registry.contract import Registry
from multitap_registry.errors import (
    AliasNotFound,
    CorruptBlob,
    InvalidReference,
    TaskNotFound,
    VersionNotFound,
)
from multitap_registry.reference import Reference
from publishing import publish
from sample_adapters import sample_adapter, sample_spec

START = datetime(2026, 1, 1, tzinfo=UTC)


def test_first_version_is_number_one_and_live(registry: Registry) -> None:
    published = publish(registry, "spam", sample_adapter())

    assert published.created
    assert (published.record.version, published.record.aliases) == (1, ("live",))


def test_record_says_everything_about_a_version(registry: Registry) -> None:
    content = sample_adapter(3, labels=("ham", "spam", "é"))

    record = publish(registry, "spam", content, by="somebody").record

    assert record.task == "spam"
    assert record.digest == f"sha256:{hashlib.sha256(content).hexdigest()}"
    assert record.size_bytes == len(content)
    assert record.spec == sample_spec(("ham", "spam", "é"))
    assert (record.state, record.created_by) == ("ready", "somebody")
    assert (record.created_at.tzinfo, record.created_at >= START) == (UTC, True)


def test_later_version_gets_the_next_number_and_live_stays(registry: Registry) -> None:
    publish(registry, "spam", sample_adapter(1))

    record = publish(registry, "spam", sample_adapter(2)).record

    assert (record.version, record.aliases) == (2, ())
    assert registry.resolve(Reference("spam")).version == 1


def test_tasks_count_their_versions_apart(registry: Registry) -> None:
    publish(registry, "spam", sample_adapter(1))

    assert publish(registry, "ham", sample_adapter(2)).record.version == 1


def test_same_bytes_again_give_the_version_that_exists(registry: Registry) -> None:
    first = publish(registry, "spam", sample_adapter(1))
    publish(registry, "spam", sample_adapter(2))

    again = publish(registry, "spam", sample_adapter(1), by="somebody else")

    assert (again.record, again.created) == (first.record, False)
    assert registry.task("spam").versions == 2


def test_same_bytes_again_change_nothing_of_the_task(registry: Registry) -> None:
    publish(registry, "spam", sample_adapter())
    before = registry.task("spam")

    publish(registry, "spam", sample_adapter())

    assert registry.task("spam") == before


def test_same_bytes_in_another_task_are_a_version_there(registry: Registry) -> None:
    publish(registry, "spam", sample_adapter())

    assert publish(registry, "ham", sample_adapter()).created


def test_number_after_repeated_bytes_has_no_gap(registry: Registry) -> None:
    for seed in (1, 1, 2, 1):
        publish(registry, "spam", sample_adapter(seed))

    assert publish(registry, "spam", sample_adapter(3)).record.version == 3


def test_alias_of_a_publish_points_at_the_new_version(registry: Registry) -> None:
    publish(registry, "spam", sample_adapter(1))

    record = publish(registry, "spam", sample_adapter(2), alias="candidate").record

    assert record.aliases == ("candidate",)
    assert registry.resolve(Reference("spam", "candidate")) == record


def test_alias_of_the_first_publish_stands_beside_live(registry: Registry) -> None:
    record = publish(registry, "spam", sample_adapter(), alias="candidate").record

    assert record.aliases == ("candidate", "live")


def test_publish_may_move_live(registry: Registry) -> None:
    publish(registry, "spam", sample_adapter(1))

    publish(registry, "spam", sample_adapter(2), alias="live")

    assert registry.resolve(Reference("spam")).version == 2
    assert registry.version("spam", 1).aliases == ()


def test_same_bytes_again_still_move_the_alias(registry: Registry) -> None:
    publish(registry, "spam", sample_adapter(1))
    publish(registry, "spam", sample_adapter(2), alias="live")

    again = publish(registry, "spam", sample_adapter(1), alias="live")

    assert (again.created, again.record.version, again.record.aliases) == (False, 1, ("live",))


@pytest.mark.parametrize("task", ["", "Spam", "../spam", "spam/x", "spam@1", "s%", "é", "a" * 64])
def test_publish_under_a_bad_task_name_is_refused(registry: Registry, task: str) -> None:
    with pytest.raises(InvalidReference):
        publish(registry, task, sample_adapter())


def test_publish_with_a_bad_alias_publishes_nothing(registry: Registry) -> None:
    with pytest.raises(InvalidReference):
        publish(registry, "spam", sample_adapter(), alias="7")

    with pytest.raises(TaskNotFound):
        registry.task("spam")


def test_blob_comes_back_as_it_was_sent(registry: Registry) -> None:
    content = sample_adapter(5)

    digest = publish(registry, "spam", content).record.digest

    assert registry.read_blob(digest) == content


def test_blob_that_never_came_is_corrupt_without_a_digest(registry: Registry) -> None:
    with pytest.raises(CorruptBlob) as caught:
        registry.read_blob("sha256:" + "0" * 64)

    assert caught.value.found is None


def test_blob_is_never_read_by_a_path(registry: Registry) -> None:
    with pytest.raises(InvalidReference):
        registry.read_blob("../registry.sqlite")


def test_reference_resolves_by_version_alias_and_default(registry: Registry) -> None:
    record = publish(registry, "spam", sample_adapter(), alias="candidate").record

    for text in ("spam", "spam@1", "spam@live", "spam@candidate"):
        assert registry.resolve(Reference.parse(text)) == record


def test_resolve_of_an_unknown_task_names_it(registry: Registry) -> None:
    with pytest.raises(TaskNotFound) as caught:
        registry.resolve(Reference("spam"))

    assert caught.value.task == "spam"


def test_resolve_of_an_unknown_version_names_it(registry: Registry) -> None:
    publish(registry, "spam", sample_adapter())

    with pytest.raises(VersionNotFound) as caught:
        registry.resolve(Reference("spam", 2))

    assert (caught.value.task, caught.value.version) == ("spam", 2)


def test_resolve_of_an_unknown_alias_names_it(registry: Registry) -> None:
    publish(registry, "spam", sample_adapter())

    with pytest.raises(AliasNotFound) as caught:
        registry.resolve(Reference("spam", "candidate"))

    assert (caught.value.task, caught.value.alias) == ("spam", "candidate")


def test_specification_is_parsed_once_for_all_who_resolve(registry: Registry) -> None:
    publish(registry, "spam", sample_adapter())

    first, second = (registry.resolve(Reference("spam")) for _ in range(2))

    assert first.spec is second.spec


def test_task_says_when_it_was_made_and_last_changed(registry: Registry) -> None:
    publish(registry, "spam", sample_adapter(1))
    publish(registry, "spam", sample_adapter(2))

    task = registry.task("spam")

    assert task.created_at >= START
    assert task.updated_at == registry.version("spam", 2).created_at
    assert task.updated_at - task.created_at >= timedelta(seconds=1)


def test_newest_of_a_task_is_its_live_version(registry: Registry) -> None:
    publish(registry, "spam", sample_adapter(1))
    publish(registry, "spam", sample_adapter(2))

    task = registry.task("spam")

    assert (task.newest.version, task.live, task.versions) == (1, 1, 2)


def test_check_of_a_healthy_registry_says_nothing(registry: Registry) -> None:
    registry.check()

    assert not registry.tasks(limit=1).records
