"""Which tasks a listing shows."""

from dataclasses import dataclass

from .records import TaskRecord


@dataclass(frozen=True, slots=True)
class TaskFilter:
    """Every condition that is given must hold; texts are compared without regard to case.

    Attributes:
        query: a part of the task's name.
        kind: the kind of the newest version's head.
        label: one of the newest version's labels, whole.
        tag: a tag of one of the ready versions, whole.
        language: one of the card's languages, whole.
        licence: a part of the card's licence.
        text: a part of the card's description, or of the name or source of its training data.
    """

    query: str = ""
    kind: str | None = None
    label: str | None = None
    tag: str | None = None
    language: str | None = None
    licence: str | None = None
    text: str | None = None

    def holds(self, record: TaskRecord, tags: frozenset[str]) -> bool:
        """Return whether a task is shown; `tags` are those of its ready versions."""
        head, card = record.newest.spec.head, record.newest.spec.card
        texts = [card.description, *(text for d in card.data for text in (d.name, d.source))]
        return (
            self.query in record.task
            and self.kind in {None, head.kind}
            and (self.label is None or _is_one(self.label, head.labels))
            and (self.tag is None or self.tag in tags)
            and (self.language is None or _is_one(self.language, card.languages))
            and (self.licence is None or _is_part(self.licence, [card.licence]))
            and (self.text is None or _is_part(self.text, texts))
        )


EVERYTHING = TaskFilter()


def _is_one(wanted: str, texts: tuple[str, ...]) -> bool:
    return wanted.casefold() in {text.casefold() for text in texts}


def _is_part(wanted: str, texts: list[str | None]) -> bool:
    return any(text is not None and wanted.casefold() in text.casefold() for text in texts)
