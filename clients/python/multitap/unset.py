"""The value that stands for "not given" where None has a meaning of its own."""

from enum import Enum
from typing import Final


class Unset(Enum):
    """The type of UNSET, for `expected` where None means that the alias must not exist."""

    UNSET = "unset"


UNSET: Final = Unset.UNSET
