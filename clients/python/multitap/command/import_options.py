"""The options of `multitap import`, which `multitap push` takes for a folder as well."""

from pathlib import Path
from typing import Annotated

import typer

_HEAD = "What the head becomes"

Stack = Annotated[
    Path | None,
    typer.Option(
        "--stack",
        metavar="LANGUAGE_DIR",
        help="A folder whose modules go below: a language adapter under the task's.",
    ),
]
Labels = Annotated[
    str | None,
    typer.Option(
        "--labels",
        metavar="A,B,C",
        rich_help_panel=_HEAD,
        help="Names of the head's outputs, in order, in place of the folder's.",
    ),
]
HeadName = Annotated[
    str | None,
    typer.Option("--head", rich_help_panel=_HEAD, help="The name of the head, of several."),
]
Multilabel = Annotated[
    bool,
    typer.Option(
        "--multilabel",
        rich_help_panel=_HEAD,
        help="Any number of labels may be right, where the folder cannot say so.",
    ),
]
NoHead = Annotated[
    bool,
    typer.Option(
        "--no-head", rich_help_panel=_HEAD, help="Leave the head out: the file gives embeddings."
    ),
]
