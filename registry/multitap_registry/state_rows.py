"""Task states read from rows: all of them, or one task's anew."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from pydantic import ValidationError
from sqlalchemy import Connection, Row, select

from multitap_adapters.spec import AdapterSpec

from .contract import VersionRecord
from .errors import StorageUnavailable
from .schema import ALIASES, TAGS, TASKS, VERSIONS
from .task_state import TaskState

# Aliases or tags by the number of their version.
_Names: TypeAlias = defaultdict[int, list[str]]

_ROWS_AT_ONCE: Final = 1_000


def read_states(connection: Connection) -> list[TaskState]:
    """Read every task.

    Raises:
        StorageUnavailable: a stored specification is not one that this release can read.
    """
    aliases: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for task, alias, version in connection.execute(select(ALIASES)):
        aliases[task][alias] = version
    tags: defaultdict[str, _Names] = defaultdict(_new_names)
    for task, version, tag in connection.execute(select(TAGS)):
        tags[task][version].append(tag)
    records: defaultdict[str, dict[int, VersionRecord]] = defaultdict(dict)
    rows = connection.execute(
        select(VERSIONS)
        .order_by(VERSIONS.c.task, VERSIONS.c.version)
        .execution_options(yield_per=_ROWS_AT_ONCE)
    )
    for row in rows:
        records[row.task][row.version] = _parse_version(row)
    return [
        _assemble(row, records[row.name].values(), aliases[row.name], tags[row.name])
        for row in connection.execute(select(TASKS))
    ]


def read_state(connection: Connection, task: str, known: TaskState | None) -> TaskState:
    """Read one task anew; of versions that are known, only what can change.

    Raises:
        StorageUnavailable: as `read_states`.
    """
    aliases = {
        row.alias: row.version
        for row in connection.execute(select(ALIASES).where(ALIASES.c.task == task))
    }
    tags = _new_names()
    for row in connection.execute(select(TAGS).where(TAGS.c.task == task)):
        tags[row.version].append(row.tag)
    of_task = select(VERSIONS).where(VERSIONS.c.task == task).order_by(VERSIONS.c.version)
    records: list[VersionRecord] = []
    if known is not None:
        states = of_task.with_only_columns(VERSIONS.c.version, VERSIONS.c.state)
        for version, state in connection.execute(
            states.where(VERSIONS.c.version < known.next_version)
        ):
            record = known.versions[version]
            records.append(record if record.state == state else replace(record, state=state))
        of_task = of_task.where(VERSIONS.c.version >= known.next_version)
    records += map(_parse_version, connection.execute(of_task))
    row = connection.execute(select(TASKS).where(TASKS.c.name == task)).one()
    return _assemble(row, records, aliases, tags)


def _new_names() -> _Names:
    return defaultdict(list)


def _assemble(
    row: Row[Any],
    records: Iterable[VersionRecord],
    aliases: Mapping[str, int],
    tags: Mapping[int, list[str]],
) -> TaskState:
    names = _new_names()
    for alias, version in aliases.items():
        names[version].append(alias)
    versions = {
        record.version: _with_names(record, names[record.version], tags.get(record.version, []))
        for record in records
    }
    return TaskState(
        task=row.name,
        next_version=row.next_version,
        versions=MappingProxyType(versions),
        ready=MappingProxyType({r.digest: n for n, r in versions.items() if r.state == "ready"}),
        aliases=MappingProxyType(dict(aliases)),
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _with_names(record: VersionRecord, aliases: list[str], tags: list[str]) -> VersionRecord:
    named = (tuple(sorted(aliases)), tuple(sorted(tags)))
    if named == (record.aliases, record.tags):
        return record
    return replace(record, aliases=named[0], tags=named[1])


def _parse_version(row: Row[Any]) -> VersionRecord:
    try:
        spec = AdapterSpec.model_validate_json(row.spec)
    except ValidationError as error:
        raise StorageUnavailable(
            f"version {row.version} of task {row.task!r} has a stored specification that cannot "
            "be read"
        ) from error
    return VersionRecord(
        task=row.task,
        version=row.version,
        digest=row.digest,
        size_bytes=row.size_bytes,
        spec=spec,
        state=row.state,
        aliases=(),
        created_at=row.created_at,
        created_by=row.created_by,
    )
