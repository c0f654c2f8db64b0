"""The verbs, gathered into one command line."""

from collections.abc import Sequence
from typing import Annotated, Final

import typer
from typer.main import get_command

import multitap

from .backup import backup
from .delete import delete
from .events import events
from .export import export
from .export_task import export_task
from .gc import gc
from .history import history
from .import_ import import_
from .import_task import import_task
from .inspect import inspect
from .predict import predict
from .promote import promote
from .pull import pull
from .push import push
from .restore import restore
from .rollback import rollback
from .serve import serve
from .tag import tag
from .tasks import tasks
from .train import train
from .verify import verify

_VERBS: Final = (
    serve,
    train,
    push,
    pull,
    predict,
    tasks,
    promote,
    rollback,
    history,
    tag,
    delete,
    events,
    inspect,
    import_,
    export,
    verify,
    gc,
    backup,
    restore,
    export_task,
    import_task,
)


def build_app() -> typer.Typer:
    """Return the command line with all its verbs."""
    app = typer.Typer(
        name="multitap",
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(invoke_without_command=True)(_root)
    for verb in _VERBS:
        app.command(verb.__name__.removesuffix("_").replace("_", "-"))(verb)
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
