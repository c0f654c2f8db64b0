"""`multitap export`: write an adapter file as a folder of another library."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from .failures import extra


def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The adapter file.")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to make.")],
    *,
    to: Annotated[
        Literal["adapterhub", "peft"],
        typer.Option("--to", help="The library that shall load it.", show_default=False),
    ],
    name: Annotated[
        str | None,
        typer.Option("--name", help="The adapter's name in the folder (adapterhub only)."),
    ] = None,
) -> None:
    """Write an adapter file as a folder that `adapters` (AdapterHub) or `peft` can load."""
    with extra("server"):
        from .importing_run import run_export  # noqa: PLC0415 (an extra: torch)
    run_export(file, to, folder, name=name)
