"""From the labels of words to entities: which neighbours belong together.

A head with a label such as `B-PER` or `I-PER` speaks of entities: `B-X` begins an X, and `I-X`
continues one, or begins one where there is none to continue. `E-X` and `L-X` also end it, `S-X`
and `U-X` are a whole one. Labels without such a prefix, or of other heads, are plain: neighbours
with the same one are joined where the head has a label `O`, since then it says where something is;
they stay apart where it has none, since then it says what every word is, as a part of speech.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

OUTSIDE: Final = "O"
_MARKS: Final = ("B-", "I-")
_PREFIXES: Final = frozenset("BIELSU")


@dataclass(frozen=True, slots=True)
class LabelRole:
    """What a label does: its entity's name, whether it begins one for sure, and whether it ends it.

    `name` is None outside of all entities.
    """

    name: str | None
    begins: bool
    ends: bool


@dataclass(frozen=True, slots=True)
class Group:
    """The words `first` to `last`, with the entity's name."""

    name: str
    first: int
    last: int


def label_roles(labels: Sequence[str]) -> list[LabelRole]:
    """Return what each label of a head does."""
    prefixed = any(label.startswith(_MARKS) for label in labels)
    apart = not prefixed and OUTSIDE not in labels
    return [_role(label, prefixed=prefixed, apart=apart) for label in labels]


def group_words(roles: Sequence[LabelRole], chosen: Sequence[int]) -> list[Group]:
    """Return the entities in a sequence of words, given each word's label."""
    groups: list[Group] = []
    open_name: str | None = None
    for word, label in enumerate(chosen):
        role = roles[label]
        if role.name is not None:
            if role.name == open_name and not role.begins:
                groups[-1] = Group(role.name, groups[-1].first, word)
            else:
                groups.append(Group(role.name, word, word))
        open_name = None if role.ends else role.name
    return groups


def _role(label: str, *, prefixed: bool, apart: bool) -> LabelRole:
    if label == OUTSIDE:
        return LabelRole(None, begins=False, ends=False)
    if prefixed and label[:1] in _PREFIXES and label[1:2] == "-" and len(label) > 2:  # noqa: PLR2004  B-X
        mark = label[0]
        return LabelRole(label[2:], begins=mark in "BSU", ends=mark in "ELSU")
    return LabelRole(label, begins=apart, ends=False)
