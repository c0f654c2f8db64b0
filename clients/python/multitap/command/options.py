"""Options that several verbs share."""

from typing import Annotated

import typer

Url = Annotated[
    str, typer.Option("--url", envvar="MULTITAP_URL", help="The server.", show_envvar=True)
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
TaskArgument = Annotated[str, typer.Argument(metavar="TASK", help="The name of the task.")]

DEFAULT_URL = "http://127.0.0.1:8000"
