"""An adapter ready to run: its taps into the encoder, and its head.

The same class serves and trains: tensors that ask for a gradient get one.
"""

from collections.abc import Mapping
from typing import get_args

from torch import Tensor

from .bottleneck import BottleneckSite
from .encoder import Norm
from .errors import UnsupportedSpec
from .head import HeadStack
from .spec import AdapterSpec, Bottleneck, HeadKind, LayerNorms, Module, Site

_RUNNABLE_HEADS = frozenset(get_args(HeadKind))


def require_runnable(spec: AdapterSpec) -> None:
    """Return where this package can run the specification; raise UnsupportedSpec otherwise."""
    if spec.head.kind not in _RUNNABLE_HEADS:
        raise UnsupportedSpec(f"head kind {spec.head.kind!r} cannot be run yet")
    for index, module in enumerate(spec.modules):
        if not isinstance(module, Bottleneck | LayerNorms):
            raise UnsupportedSpec(f"method {module.method!r} of modules.{index} cannot be run yet")
    if sum(isinstance(module, Bottleneck) for module in spec.modules) > 1:
        raise UnsupportedSpec("stacked bottlenecks cannot be run yet")


class Adapter:
    """One task's taps and head, over float tensors named as in its file."""

    def __init__(
        self, spec: AdapterSpec, tensors: Mapping[str, Tensor], *, norm_eps: float
    ) -> None:
        """Build from a file's tensors; `norm_eps` is the backbone's. Raises: UnsupportedSpec."""
        require_runnable(spec)
        self.spec = spec
        self.head = HeadStack(spec.head, tensors)
        self.size_bytes = sum(tensor.nbytes for tensor in tensors.values())
        self._embedding_norm: Norm | None = None
        self._norms: dict[tuple[int, Site], Norm] = {}
        self._bottlenecks: dict[tuple[int, Site], BottleneckSite] = {}
        for index, module in enumerate(spec.modules):
            self._add(module, below(tensors, f"modules.{index}."), norm_eps)

    def embed(self, x_TH: Tensor, norm: Norm) -> Tensor:
        """Return the embeddings' output, through this task's own norm where it has one."""
        return (self._embedding_norm or norm)(x_TH)

    def merge(self, layer: int, site: Site, x_TH: Tensor, h_TH: Tensor, norm: Norm) -> Tensor:
        """Return a sub-layer's output, through this task's norm and bottleneck."""
        norm = self._norms.get((layer, site), norm)
        bottleneck = self._bottlenecks.get((layer, site))
        return norm(x_TH + h_TH) if bottleneck is None else bottleneck(x_TH, h_TH, norm)

    def _add(self, module: Module, tensors: Mapping[str, Tensor], norm_eps: float) -> None:
        if isinstance(module, LayerNorms) and module.embeddings:
            self._embedding_norm = _norm(tensors, "embeddings.", norm_eps)
        if not isinstance(module, LayerNorms | Bottleneck):
            return
        for layer in range(self.spec.backbone.num_layers):
            for site in () if layer in module.leave_out else module.sites:
                prefix = f"layers.{layer}.{site}."
                if isinstance(module, LayerNorms):
                    self._norms[layer, site] = _norm(tensors, prefix, norm_eps)
                else:
                    self._bottlenecks[layer, site] = BottleneckSite(module, below(tensors, prefix))


def below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Return the tensors whose names begin with a prefix, under the rest of their names."""
    return {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}


def _norm(tensors: Mapping[str, Tensor], prefix: str, eps: float) -> Norm:
    return Norm(tensors[f"{prefix}weight"], tensors[f"{prefix}bias"], eps)
