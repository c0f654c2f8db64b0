"""The registry that a verb works on by itself, without a server: found as `serve` finds it."""

import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .failures import CommandError, extra

if TYPE_CHECKING:
    from multitap_registry.folder import RegistryParts
    from multitap_registry.sql import SqlRegistry
    from multitap_server.config import ServerConfig

RegistryFolder = Annotated[
    Path | None,
    typer.Option("--registry", help="Folder of tasks (default: ~/.multitap/registry)."),
]
DatabaseUrl = Annotated[
    str | None,
    typer.Option(
        "--database",
        help="URL of a PostgreSQL database that servers share (default: SQLite in the folder).",
    ),
]
BlobsUrl = Annotated[
    str | None,
    typer.Option("--blobs", help="s3://bucket/prefix of adapter files (default: the folder)."),
]


def read_place(
    registry: Path | None,
    database: str | None,
    blobs: str | None,
    *,
    environ: Mapping[str, str] | None = None,
) -> "ServerConfig":
    """Return a server's settings, of which options go before the MULTITAP_* variables.

    Raises:
        CommandError: a setting cannot be used, or `multitap[server]` is not installed.
    """
    with extra("server"):
        from multitap_server.config import ServerConfig  # noqa: PLC0415 (an extra)
        from multitap_server.errors import ConfigError  # noqa: PLC0415 (an extra)
    overrides = {"registry": registry, "database": database, "blobs": blobs}
    try:
        return ServerConfig.read(os.environ if environ is None else environ, overrides)
    except ConfigError as error:
        raise CommandError(str(error)) from error


@contextmanager
def opened_beside(
    registry: Path | None, database: str | None, blobs: str | None
) -> "Generator[SqlRegistry]":
    """Open the registry that exists there, beside a server that may have it open.

    Raises:
        CommandError: as `read_place`; or a RegistryError, of opening or inside of the block.
    """
    config = read_place(registry, database, blobs)
    from multitap_registry.folder import open_beside  # noqa: PLC0415 (an extra)

    with (
        _told(),
        open_beside(
            config.registry,
            database=config.database_url,
            blobs=config.blobs,
            max_upload_bytes=config.upload_bytes,
        ) as opened,
    ):
        yield opened


@contextmanager
def parts_beside(
    registry: Path | None, database: str | None, blobs: str | None
) -> "Generator[RegistryParts]":
    """Open the database and the blobs of the registry that exists there, be they damaged.

    Raises:
        CommandError: as `opened_beside`.
    """
    config = read_place(registry, database, blobs)
    from multitap_registry.folder import open_parts  # noqa: PLC0415 (an extra)

    with (
        _told(),
        open_parts(config.registry, database=config.database_url, blobs=config.blobs) as parts,
    ):
        yield parts


@contextmanager
def _told() -> Generator[None]:
    """Tell what a registry refuses. Raises: CommandError."""
    from multitap_registry.errors import RegistryError  # noqa: PLC0415 (an extra)

    try:
        yield
    except RegistryError as error:
        raise CommandError(str(error)) from error
