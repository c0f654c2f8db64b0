"""Options that several verbs share."""

from typing import Annotated

import typer

Url = Annotated[
    str, typer.Option("--url", envvar="MULTITAP_URL", help="The server.", show_envvar=True)
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
TaskArgument = Annotated[str, typer.Argument(metavar="TASK", help="The name of the task.")]

ReferenceArgument = Annotated[
    str, typer.Argument(metavar="REFERENCE", help="TASK, TASK@VERSION or TASK@ALIAS.")
]
Alias = Annotated[str, typer.Option("--alias", help="The alias; `live` is what is served.")]
Expected = Annotated[
    str | None,
    typer.Option("--expected", help="Only if the alias is at this version now, or `none`."),
]
Reason = Annotated[str | None, typer.Option("--reason", help="Why, for the history.")]

LIVE = "live"
DEFAULT_URL = "http://127.0.0.1:8000"
