"""The check of stored specifications, task by task: a server cannot start on one it cannot read."""

from collections.abc import Iterator

from pydantic import ValidationError
from sqlalchemy import select

from multitap_adapters.spec import AdapterSpec
from multitap_registry.database import Database
from multitap_registry.schema import VERSIONS

from .books import Books
from .findings import Finding


def check_specifications(database: Database, books: Books) -> Iterator[Finding]:
    """Check that every version's specification can be read. Raises: StorageUnavailable."""
    for task in sorted(books.next_versions):
        rows = select(VERSIONS.c.version, VERSIONS.c.spec).where(VERSIONS.c.task == task)
        with database.snapshot() as connection:
            found = connection.execute(rows.order_by(VERSIONS.c.version)).all()
        for version, text in found:
            try:
                AdapterSpec.model_validate_json(text)
            except ValidationError as error:
                fault = error.errors(include_url=False)[0]["msg"]
                expected = "a specification that this release can read"
                yield Finding("version_spec", f"{task}@{version}", expected, fault)
