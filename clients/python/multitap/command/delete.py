"""`multitap delete`: delete a version, an alias, or a whole task."""

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from .connecting import open_client
from .console import show, to_json, write_json
from .failures import CommandError, UsageError
from .options import DEFAULT_URL, Json, Reason, Url

if TYPE_CHECKING:
    from multitap import Client


@dataclass(frozen=True, slots=True)
class Target:
    """What shall be deleted: the whole task, where neither version nor alias is given."""

    task: str
    version: int | None
    alias: str | None

    @classmethod
    def parse(cls, text: str, alias: str | None) -> "Target":
        """Parse TASK or TASK@VERSION. Raises: UsageError."""
        task, at, target = text.partition("@")
        if not at:
            return cls(task, None, alias)
        if not (target.isascii() and target.isdecimal()):
            message = f"{text!r} has no version's number; --alias NAME deletes an alias"
            raise UsageError(message)
        if alias is not None:
            raise UsageError("a version and --alias exclude each other")
        return cls(task, int(target), None)

    def __str__(self) -> str:
        if self.version is not None:
            return f"{self.task}@{self.version}"
        if self.alias is not None:
            return f"alias {self.task}@{self.alias}"
        return f"task {self.task} with all of its versions"

    def delete(self, client: "Client", *, force: bool, reason: str | None) -> None:
        """Delete it. Raises: MultitapError."""
        if self.version is not None:
            client.delete_version(self.task, self.version, reason=reason)
        elif self.alias is not None:
            client.delete_alias(self.task, self.alias, reason=reason)
        else:
            client.delete_task(self.task, force=force, reason=reason)


def delete(
    what: Annotated[str, typer.Argument(metavar="TASK[@VERSION]", help="What shall be deleted.")],
    *,
    alias: Annotated[
        str | None, typer.Option("--alias", help="Delete this alias of the task only.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Delete a task although aliases point at its versions.")
    ] = False,
    reason: Reason = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask on a terminal.")] = False,
    url: Url = DEFAULT_URL,
    json: Json = False,
) -> None:
    """Delete a version, an alias, or a task with all of its versions, for good."""
    target = Target.parse(what, alias)
    if force and (target.version is not None or target.alias is not None):
        raise UsageError("--force is for whole tasks only")
    if not yes and sys.stdin.isatty():
        _require_consent(f"delete {target}?")
    with open_client(url) as client:
        target.delete(client, force=force, reason=reason)
    if json:
        document = {"task": target.task, "version": target.version, "alias": target.alias}
        write_json(to_json(document))
    else:
        show(f"deleted {target}")


def _require_consent(question: str) -> None:
    """Ask, and return for a yes. Raises: CommandError."""
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        raise CommandError("nothing was deleted")
