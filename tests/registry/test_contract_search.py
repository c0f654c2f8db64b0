"""What every registry promises of searching tasks by what their newest version says of itself."""

import pytest

from multitap_adapters.spec import AdapterSpec, Card, TrainingData
from multitap_registry.contract import Registry, TaskFilter
from publishing import publish
from sample_adapters import random_file, sample_adapter, sample_spec


@pytest.fixture(autouse=True)
def three_tasks(registry: Registry) -> None:
    """Publish `mood`, whose card says everything, `ham`, whose card says little, and `plain`."""
    mood = Card(
        description="Says how a film was Received.",
        languages=("de", "gsw-CH"),
        licence="CC-BY-4.0",
        data=(
            TrainingData(name="Kritiken", rows=9, source="https://films.example/Reviews"),
            TrainingData(name="more", rows=0),
        ),
    )
    publish_with(registry, "mood", mood, labels=("Good", "bad", "Straße"))
    publish_with(registry, "ham", Card(languages=("en",)), labels=("ham", "spam"))
    publish(registry, "plain", sample_adapter())


def publish_with(
    registry: Registry, task: str, card: Card, *, labels: tuple[str, ...], alias: str | None = None
) -> None:
    """Publish a version with a card."""
    spec: AdapterSpec = sample_spec(labels).model_copy(update={"card": card})
    publish(registry, task, random_file(spec), alias=alias)


def found(registry: Registry, where: TaskFilter) -> list[str]:
    """Return the names of the tasks that are shown."""
    return [record.task for record in registry.tasks(limit=9, where=where).records]


def test_label_is_one_of_the_head_s_whole_and_in_any_case(registry: Registry) -> None:
    expected: dict[str, list[str]] = {
        "good": ["mood"],
        "BAD": ["mood"],
        "STRASSE": ["mood"],
        "goo": [],
        "spam": ["ham"],
        "yes": ["plain"],
        "": [],
    }

    assert {t: found(registry, TaskFilter(label=t)) for t in expected} == expected


def test_language_is_one_of_the_card_s_whole_and_in_any_case(registry: Registry) -> None:
    expected: dict[str, list[str]] = {
        "de": ["mood"],
        "GSW-ch": ["mood"],
        "gsw": [],
        "en": ["ham"],
        "fr": [],
    }

    assert {t: found(registry, TaskFilter(language=t)) for t in expected} == expected


def test_licence_is_a_part_of_the_card_s_in_any_case(registry: Registry) -> None:
    expected: dict[str, list[str]] = {
        "CC-BY-4.0": ["mood"],
        "cc-by": ["mood"],
        "": ["mood"],
        "MIT": [],
        "%": [],
    }

    assert {t: found(registry, TaskFilter(licence=t)) for t in expected} == expected


def test_text_is_a_part_of_the_description_or_of_what_names_the_training_data(
    registry: Registry,
) -> None:
    expected: dict[str, list[str]] = {
        "received": ["mood"],
        "a film was": ["mood"],
        "kritik": ["mood"],
        "FILMS.example/rev": ["mood"],
        "more": ["mood"],
        "cc-by": [],
        "mood": [],
        "f_lm": [],
    }

    assert {t: found(registry, TaskFilter(text=t)) for t in expected} == expected


def test_every_condition_must_hold(registry: Registry) -> None:
    where = TaskFilter(query="mo", kind="classification", label="bad", language="de", text="film")

    assert found(registry, where) == ["mood"]
    assert found(registry, TaskFilter(label="bad", language="en")) == []
    assert found(registry, TaskFilter(query="ha", language="de")) == []


def test_card_is_that_of_the_live_version(registry: Registry) -> None:
    publish_with(registry, "ham", Card(languages=("fr",)), labels=("ham", "spam"))
    assert found(registry, TaskFilter(language="fr")) == []

    registry.point("ham", "live", 2, by="ann")

    assert found(registry, TaskFilter(language="fr")) == ["ham"]
    assert found(registry, TaskFilter(language="en")) == []


def test_card_is_that_of_the_newest_version_where_nothing_is_live(registry: Registry) -> None:
    publish_with(registry, "ham", Card(languages=("fr",)), labels=("ham", "spam"))

    registry.delete_alias("ham", "live", by="ann")

    assert found(registry, TaskFilter(language="fr")) == ["ham"]


def test_pages_hold_only_what_is_shown(registry: Registry) -> None:
    for name in ("x1", "x2", "x3"):
        publish_with(registry, name, Card(languages=("nl",)), labels=("no", name))
    where = TaskFilter(language="nl")

    first = registry.tasks(limit=2, where=where)
    second = registry.tasks(limit=2, after=first.next, where=where)

    assert [record.task for record in first.records] == ["x1", "x2"]
    assert [record.task for record in second.records] == ["x3"]
    assert second.next is None
