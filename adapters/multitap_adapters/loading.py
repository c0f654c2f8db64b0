"""From an adapter file to an adapter that runs."""

import math
from typing import Final

import torch
from torch import Tensor

from .adapter import Adapter
from .backbone import Backbone, require_same_backbone
from .file import AdapterFile
from .file_matrix import FileMatrix

_WHOLE_VALUES: Final = 1 << 20


def load_adapter(file: AdapterFile, backbone: Backbone) -> Adapter:
    """Build a file's adapter over float32 copies of its tensors.

    Raises:
        WrongBackbone: it was made for another backbone.
        UnsupportedSpec: its method or head cannot be run.
    """
    require_same_backbone(file.spec.backbone, backbone.identity)
    tensors = float_tensors(file)
    return Adapter(file.spec, tensors, norm_eps=backbone.config.layer_norm_eps)


def open_adapter(
    file: AdapterFile, backbone: Backbone, *, whole_values: int = _WHOLE_VALUES
) -> Adapter:
    """Build an adapter for a run or two, in a few megabytes of memory.

    One of up to `whole_values` values is loaded. The matrices of a larger one stay in the file and
    are read in each run, so that it works as long as the file's source does. Raises: as
    `load_adapter`.
    """
    if sum(math.prod(file.tensors.shape(name)) for name in file.tensors) <= whole_values:
        return load_adapter(file, backbone)
    require_same_backbone(file.spec.backbone, backbone.identity)
    tensors = {name: _open_tensor(file, name) for name in file.tensors}
    return Adapter(file.spec, tensors, norm_eps=backbone.config.layer_norm_eps)


def float_tensors(file: AdapterFile) -> dict[str, Tensor]:
    """Return the file's tensors as float32 copies."""
    return {name: torch.as_tensor(data.to_numpy()) for name, data in file.tensors.items()}


def _open_tensor(file: AdapterFile, name: str) -> Tensor:
    if len(file.tensors.shape(name)) == 2:  # noqa: PLR2004 (a matrix)
        return FileMatrix.of(file.tensors, name)
    return torch.as_tensor(file.tensors[name].to_numpy())
