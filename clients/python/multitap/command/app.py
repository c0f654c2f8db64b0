"""The verbs, gathered into one command line."""

from collections.abc import Sequence
from typing import Annotated

import typer
from typer.main import get_command

import multitap

from .export import export
from .import_ import import_
from .inspect import inspect
from .predict import predict
from .push import push
from .serve import serve
from .tasks import tasks
from .train import train


def build_app() -> typer.Typer:
    """Return the command line with all its verbs."""
    app = typer.Typer(
        name="multitap",
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(invoke_without_command=True)(_root)
    for verb in (serve, train, push, predict, tasks, inspect, import_, export):
        app.command(verb.__name__.removesuffix("_"))(verb)
    return app


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code; errors are raised, also those of usage."""
    code = get_command(build_app()).main(
        args=list(arguments), prog_name="multitap", standalone_mode=False
    )
    return code if isinstance(code, int) else 0


def _root(
    context: typer.Context,
    *,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and leave.")
    ] = False,
) -> None:
    """Serve many fine-tuned tasks from one frozen transformer."""
    if version:
        typer.echo(f"multitap {multitap.__version__}")
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())
