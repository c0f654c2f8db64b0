"""What every registry promises of going back, and of an alias's history."""

import pytest

from multitap_registry.contract import Registry
from multitap_registry.errors import (
    AliasConflict,
    AliasNotFound,
    NothingToRollBackTo,
    TaskNotFound,
)
from publishing import publish
from sample_adapters import sample_adapter


@pytest.fixture(autouse=True)
def live_went_from_1_to_2_to_3(registry: Registry) -> None:
    """Publish three versions of `spam`, and move `live` from each to the next."""
    for seed in (1, 2, 3):
        publish(registry, "spam", sample_adapter(seed), by="ann", alias="live")


def moves(registry: Registry, alias: str = "live") -> list[tuple[int | None, int | None]]:
    """Return from where to where an alias went."""
    return [(m.origin, m.target) for m in registry.history("spam", alias)]


def test_rollback_goes_to_where_the_alias_was_before(registry: Registry) -> None:
    record = registry.rollback("spam", "live", by="bob")

    assert (record.version, record.aliases) == (2, ("live",))
    assert registry.task("spam").live == 2


def test_second_rollback_goes_back_further_and_not_forth_again(registry: Registry) -> None:
    registry.rollback("spam", "live", by="bob")

    assert registry.rollback("spam", "live", by="bob").version == 1


def test_rollback_is_appended_to_the_history(registry: Registry) -> None:
    registry.rollback("spam", "live", by="bob", reason="worse on short texts")

    last = registry.history("spam", "live")[-1]
    assert moves(registry) == [(None, 1), (1, 2), (2, 3), (3, 2)]
    assert (last.move, last.by, last.reason) == (4, "bob", "worse on short texts")
    assert last.rollback


def test_no_earlier_target_is_said(registry: Registry) -> None:
    for _ in range(2):
        registry.rollback("spam", "live", by="bob")

    with pytest.raises(NothingToRollBackTo) as caught:
        registry.rollback("spam", "live", by="bob")

    assert (caught.value.task, caught.value.alias) == ("spam", "live")
    assert registry.task("spam").live == 1


def test_rollback_passes_over_a_deleted_target(registry: Registry) -> None:
    registry.delete_version("spam", 2, by="bob")

    assert registry.rollback("spam", "live", by="bob").version == 1


def test_rollback_after_a_new_move_goes_to_where_that_move_began(registry: Registry) -> None:
    registry.rollback("spam", "live", by="bob")
    registry.point("spam", "live", 3, by="cat")

    assert registry.rollback("spam", "live", by="bob").version == 2


def test_rollback_of_a_zigzag_goes_back_move_by_move(registry: Registry) -> None:
    registry.point("spam", "live", 1, by="cat")

    found = [registry.rollback("spam", "live", by="bob").version for _ in range(3)]

    assert found == [3, 2, 1]


def test_rollback_from_elsewhere_is_a_conflict(registry: Registry) -> None:
    with pytest.raises(AliasConflict) as caught:
        registry.rollback("spam", "live", by="bob", expected=2)

    assert (caught.value.expected, caught.value.actual) == (2, 3)
    assert registry.task("spam").live == 3


def test_rollback_of_what_is_not_there_is_refused(registry: Registry) -> None:
    with pytest.raises(AliasNotFound):
        registry.rollback("spam", "candidate", by="bob")
    with pytest.raises(TaskNotFound):
        registry.rollback("ham", "live", by="bob")


def test_history_has_no_gaps_and_says_who_when_and_why(registry: Registry) -> None:
    registry.point("spam", "live", 1, by="cat", reason="because")

    history = registry.history("spam", "live")

    assert [m.move for m in history] == [1, 2, 3, 4]
    assert [m.by for m in history] == ["ann", "ann", "ann", "cat"]
    assert [m.reason for m in history] == [None, None, None, "because"]
    assert [m.at for m in history] == sorted(m.at for m in history)
    assert not any(m.rollback for m in history)


def test_deleted_alias_keeps_its_history_and_goes_on_with_it(registry: Registry) -> None:
    registry.point("spam", "candidate", 1, by="cat")
    registry.delete_alias("spam", "candidate", by="cat", reason="done with it")
    assert moves(registry, "candidate") == [(None, 1), (1, None)]

    registry.point("spam", "candidate", 2, by="cat")

    assert moves(registry, "candidate") == [(None, 1), (1, None), (None, 2)]
    assert registry.rollback("spam", "candidate", by="cat").version == 1


def test_history_of_an_alias_that_never_was_is_not_found(registry: Registry) -> None:
    with pytest.raises(AliasNotFound):
        registry.history("spam", "candidate")
    with pytest.raises(TaskNotFound):
        registry.history("ham", "live")
