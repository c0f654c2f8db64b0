"""A folder's tensors on their way into an adapter file: each taken once, with its shape checked."""

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from torch import Tensor

from .errors import FolderRefused

Shape = tuple[int, ...]
_NUMBERED = re.compile(r"\.layer\.(\d{1,9})\.")


class StoredTensors:
    """Tensors by the library's names; what nobody takes is a fault in the end."""

    def __init__(self, tensors: Mapping[str, Tensor], path: Path) -> None:
        self._tensors = dict(tensors)
        self._taken: set[str] = set()
        self.path = path

    def __contains__(self, name: str) -> bool:
        return name in self._tensors

    def names(self) -> tuple[str, ...]:
        """Return every name."""
        return tuple(self._tensors)

    def shape(self, name: str) -> Shape:
        """Return a tensor's shape; it must be there."""
        return tuple(self._tensors[name].shape)

    def rename(self, rename: Callable[[str], str]) -> "StoredTensors":
        """Return the same tensors under other names. Raises: FolderRefused where two are one."""
        renamed = {rename(name): tensor for name, tensor in self._tensors.items()}
        if len(renamed) < len(self._tensors):
            raise FolderRefused(f"{self.path} holds a tensor twice, under an old and a new name")
        return StoredTensors(renamed, self.path)

    def take(self, wanted: Mapping[str, Shape]) -> list[Tensor]:
        """Return the tensors of these names, in their order.

        Raises:
            FolderRefused: one is missing, or has another shape.
        """
        missing = [name for name in wanted if name not in self._tensors]
        if missing:
            raise FolderRefused(f"{self.path} lacks {counted(missing)}")
        for name, shape in wanted.items():
            if self.shape(name) != shape:
                raise FolderRefused(
                    f"{name!r} in {self.path} has shape {list(self.shape(name))}, "
                    f"expected {list(shape)}"
                )
        self._taken.update(wanted)
        return [self._tensors[name] for name in wanted]

    def take_one(self, name: str, shape: Shape) -> Tensor:
        """Return one tensor; see `take`."""
        return self.take({name: shape})[0]

    def leave(self, names: Iterable[str]) -> None:
        """Count tensors as taken that have no part in the result."""
        self._taken.update(names)

    def require_layers(self, layers: int) -> None:
        """Raise FolderRefused where a tensor belongs to a layer that the backbone does not have."""
        found = [int(match[1]) for match in map(_NUMBERED.search, self._tensors) if match]
        if found and max(found) >= layers:
            raise FolderRefused(
                f"{self.path} is for {max(found) + 1} layers or more, the backbone has {layers}"
            )

    def require_all_taken(self) -> None:
        """Raise FolderRefused where a tensor was not taken."""
        left = [name for name in self._tensors if name not in self._taken]
        if left:
            raise FolderRefused(f"{self.path} holds {counted(left)}, which nothing asks for")


def counted(names: list[str]) -> str:
    """Return the first name, and how many more there are."""
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"{names[0]!r}{more}"
