"""The document of a task says everything, whatever happened to the task."""

from contextlib import suppress
from typing import TypeAlias

from hypothesis import given, settings
from hypothesis import strategies as st

from multitap_adapters.file.errors import FaultList
from multitap_registry.clock import utc_now
from multitap_registry.copies.task_document import TaskDocument, describe, to_copy
from multitap_registry.copies.task_rules import check_document
from multitap_registry.errors import RegistryError
from multitap_registry.memory import MemoryRegistry
from publishing import publish
from sample_adapters import sample_adapter

VERSIONS = st.integers(1, 4)
ALIASES = st.sampled_from(["live", "candidate", "a.b-c"])
TEXTS = st.none() | st.text(max_size=9)
CALLS = st.lists(
    st.one_of(
        st.tuples(st.just("publish"), st.integers(0, 3), st.none() | ALIASES),
        st.tuples(st.just("point"), ALIASES, VERSIONS, TEXTS),
        st.tuples(st.just("rollback"), ALIASES),
        st.tuples(st.just("delete_alias"), ALIASES),
        st.tuples(st.just("delete_version"), VERSIONS),
        st.tuples(st.just("delete_task")),
        st.tuples(st.just("tag"), VERSIONS, st.sampled_from(["a", "b:1", "C/d"])),
    ),
    max_size=30,
)

Call: TypeAlias = tuple[object, ...]


def make(registry: MemoryRegistry, call: Call) -> None:
    """Make one call, which may be refused."""
    match call:
        case ("publish", int(seed), None | str() as alias):
            publish(registry, "spam", sample_adapter(seed), by=f"é {seed}", alias=alias)
        case ("point", str(alias), int(version), None | str() as reason):
            registry.point("spam", alias, version, by=reason or "", reason=reason)
        case ("rollback", str(alias)):
            registry.rollback("spam", alias, by="bob")
        case ("delete_alias", str(alias)):
            registry.delete_alias("spam", alias, by="cat")
        case ("delete_version", int(version)):
            registry.delete_version("spam", version, by="cat")
        case ("delete_task",):
            registry.delete_task("spam", by="cat", force=True)
        case ("tag", int(version), str(tag)):
            registry.tag("spam", version, by="ann", add=[tag])
        case _:
            raise AssertionError(call)


@given(calls=CALLS)
@settings(max_examples=40)
def test_every_history_comes_back_from_its_document(calls: list[Call]) -> None:
    registry = MemoryRegistry(clock=utc_now)
    publish(registry, "spam", sample_adapter(0))
    for call in calls:
        with suppress(RegistryError):
            make(registry, call)
    copy = registry.copy_task("spam")

    document = TaskDocument.model_validate_json(describe(copy).model_dump_json())

    faults = FaultList()
    check_document(document, faults)
    assert faults.kept == []
    specs = {
        number: record.spec
        for number, record in copy.state.versions.items()
        if record.state == "ready"
    }
    found = to_copy(document, specs)
    assert found.state == copy.state
    assert {alias: list(moves) for alias, moves in found.history.items()} == copy.history
