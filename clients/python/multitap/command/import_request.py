"""What `multitap import` was asked to do; without torch, so that the command can build it."""

import csv
from dataclasses import dataclass
from pathlib import Path

from .failures import CommandError


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """One folder, the backbone that it is for, and what its head should become."""

    folder: Path
    backbone: str
    language: Path | None
    labels: tuple[str, ...] | None
    head: str | None
    multilabel: bool
    no_head: bool
    name: str | None

    @property
    def is_plain(self) -> bool:
        """Whether nothing but the folder was given."""
        given = (self.backbone, self.language, self.labels, self.head, self.multilabel)
        return not any(given) and not self.no_head


def split_labels(text: str | None) -> tuple[str, ...] | None:
    """Return labels that commas separate; one with a comma stands in quotes, as in CSV.

    Raises:
        CommandError: there is an empty one.
    """
    if text is None:
        return None
    labels = tuple(label.strip() for row in csv.reader([text]) for label in row)
    if not labels or not all(labels):
        raise CommandError(f"--labels {text!r} has an empty label")
    return labels
