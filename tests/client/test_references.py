"""References as a client reads them."""

from datetime import UTC, datetime

import pytest

from multitap import AliasNotFound, Task
from multitap.references import pick_version, split_reference

AT = datetime(2026, 1, 1, tzinfo=UTC)
TASK = Task(
    task="spam",
    kind="classification",
    labels=["ham", "spam"],
    live=2,
    aliases={"live": 2, "next": 3},
    versions=3,
    servable=True,
    created_at=AT,
    updated_at=AT,
)


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("spam", ("spam", "live")),
        ("spam@7", ("spam", 7)),
        ("spam@next", ("spam", "next")),
        ("spam@", ("spam", "live")),
    ],
)
def test_a_reference_is_a_task_and_a_version_or_an_alias(
    reference: str, expected: tuple[str, int | str]
) -> None:
    assert split_reference(reference) == expected


def test_an_alias_gives_the_version_that_it_points_at() -> None:
    assert pick_version(TASK, "next") == 3


def test_an_unknown_alias_is_named() -> None:
    with pytest.raises(AliasNotFound, match=r"^task 'spam' has no alias 'old'$") as caught:
        pick_version(TASK, "old")

    assert caught.value.code == "alias_not_found"
