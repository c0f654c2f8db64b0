"""The names of a head's outputs: from the folder, or given by who imports it."""

from collections.abc import Sequence

from multitap_adapters.spec import HeadKind

from .errors import FolderRefused
from .settings import Settings

_WITHOUT_LABELS = ("regression", "question_answering", "embedding")


def choose_labels(
    kind: HeadKind, outputs: int, found: Sequence[str] | None, given: Sequence[str] | None
) -> tuple[str, ...]:
    """Return the labels of a head with so many outputs.

    Raises:
        FolderRefused: there are none, or not as many as outputs.
    """
    if kind in _WITHOUT_LABELS:
        if given is not None:
            raise FolderRefused(f"a {kind} head has no labels, got {len(given)}")
        return ()
    if given is None and found is None:
        raise FolderRefused(
            f"the folder does not name its {outputs} labels: give {outputs} of them, in order"
        )
    labels = tuple((found if given is None else given) or ())
    if len(labels) != outputs:
        whose = "the folder names" if given is None else "got"
        raise FolderRefused(f"{whose} {len(labels)} labels, but the head has {outputs} outputs")
    return labels


def read_label_map(settings: Settings) -> tuple[str, ...] | None:
    """Return the labels of a `label2id`, in the order of their numbers, None where there is none.

    Raises:
        FolderRefused: the numbers are not 0, 1, 2 and so on.
    """
    mapping = settings.value("label2id")
    if mapping is None or mapping == {}:
        return None
    if not isinstance(mapping, dict):
        raise FolderRefused(f"label2id in {settings.at} is no object")
    numbered = {_number(number): label for label, number in mapping.items()}
    if sorted(numbered) != list(range(len(mapping))):
        raise FolderRefused(
            f"label2id in {settings.at} does not number its {len(mapping)} labels from 0"
        )
    return tuple(numbered[number] for number in range(len(mapping)))


def _number(value: object) -> int:
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 10:  # noqa: PLR2004 (labels)
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else -1
