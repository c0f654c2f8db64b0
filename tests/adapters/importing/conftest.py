"""The backbone that the tests import for: a tiny random BERT."""

from collections.abc import Callable
from pathlib import Path

import pytest

from multitap_adapters.importing.errors import FolderRefused
from multitap_adapters.importing.importer import ImportedAdapter, import_folder
from multitap_adapters.importing.parts import HeadChoice
from multitap_adapters.importing.target import Target, read_target

Refuse = Callable[..., str]


@pytest.fixture(scope="session")
def target(tiny_folder: Path) -> Target:
    """Return the backbone as an import sees it."""
    return read_target(tiny_folder)


@pytest.fixture
def imported(target: Target) -> Callable[..., ImportedAdapter]:
    """Import a folder; keywords are those of HeadChoice, `language` and `task`."""

    def imported(
        folder: Path,
        *,
        language: Path | None = None,
        task: str | None = None,
        choice: HeadChoice | None = None,
    ) -> ImportedAdapter:
        return import_folder(folder, target, head=choice, language=language, task=task)

    return imported


@pytest.fixture
def refused(target: Target) -> Refuse:
    """Import a folder that cannot be, and return the one line that says why."""

    def refused(folder: Path, *, choice: HeadChoice | None = None) -> str:
        with pytest.raises(FolderRefused) as error:
            import_folder(folder, target, head=choice)
        message = str(error.value)
        assert "\n" not in message
        return message

    return refused
