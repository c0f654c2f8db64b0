"""From an adapter file to an adapter that runs."""

import torch
from torch import Tensor

from .adapter import Adapter
from .backbone import Backbone, require_same_backbone
from .file import AdapterFile


def load_adapter(file: AdapterFile, backbone: Backbone) -> Adapter:
    """Build a file's adapter over float32 copies of its tensors.

    Raises:
        WrongBackbone: it was made for another backbone.
        UnsupportedSpec: its method or head cannot be run.
    """
    require_same_backbone(file.spec.backbone, backbone.identity)
    tensors = float_tensors(file)
    return Adapter(file.spec, tensors, norm_eps=backbone.config.layer_norm_eps)


def float_tensors(file: AdapterFile) -> dict[str, Tensor]:
    """Return the file's tensors as float32 copies."""
    return {name: torch.as_tensor(data.to_numpy()) for name, data in file.tensors.items()}
