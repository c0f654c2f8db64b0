"""`multitap import`: make an adapter file of another library's folder."""

from pathlib import Path
from typing import Annotated

import typer

from . import import_options as option
from .failures import extra
from .import_request import ImportRequest, split_labels
from .options import Json
from .train import require_free


def import_(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to import.")],
    *,
    backbone: Annotated[
        str,
        typer.Option(
            "--backbone",
            help="What it was trained on: `embedded`, a local folder, or a hub id.",
            show_default=False,
        ),
    ],
    out: Annotated[Path, typer.Option("--out", help="The adapter file to write.")],
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an existing file.")
    ] = False,
    name: Annotated[
        str | None, typer.Option("--name", help="The task's name, for the card.")
    ] = None,
    stack: option.Stack = None,
    labels: option.Labels = None,
    head: option.HeadName = None,
    multilabel: option.Multilabel = False,
    no_head: option.NoHead = False,
    json: Json = False,
) -> None:
    """Make an adapter file of a folder that `adapters` (AdapterHub) or `peft` wrote."""
    require_free(out, overwrite=overwrite)
    request = ImportRequest(
        folder=folder,
        backbone=backbone,
        language=stack,
        labels=split_labels(labels),
        head=head,
        multilabel=multilabel,
        no_head=no_head,
        name=name,
    )
    with extra("server"):
        from .importing_run import run_import  # noqa: PLC0415 (an extra: torch)
    run_import(request, out, json=json)
