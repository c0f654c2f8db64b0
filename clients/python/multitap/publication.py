"""What a push did."""

from dataclasses import dataclass

from .wire import Version


@dataclass(frozen=True, slots=True)
class Publication:
    """The version that holds the pushed bytes; `created` is False where it was there already."""

    record: Version
    created: bool
