"""An adapter ready to run: its taps into the encoder, and its head.

The same class serves and trains: tensors that ask for a gradient get one.
"""

from collections.abc import Mapping
from itertools import product
from typing import assert_never

from torch import Tensor

from .bottleneck import BottleneckSite, through
from .encoder import Norm, Place
from .head import HeadStack
from .ia3 import Ia3Tap, ia3_taps
from .invertible import InvertibleEmbedding
from .lora import LoraTap, lora_taps
from .projection import ProjectionTap
from .spec import (
    AdapterSpec,
    Bottleneck,
    Ia3,
    Invertible,
    LayerNorms,
    Lora,
    Module,
    Projection,
    Site,
)
from .stacks import require_stackable


class Adapter:
    """One task's taps and head, over float tensors named as in its file."""

    def __init__(
        self, spec: AdapterSpec, tensors: Mapping[str, Tensor], *, norm_eps: float
    ) -> None:
        """Build from a file's tensors; `norm_eps` is the backbone's. Raises: UnsupportedSpec."""
        require_stackable(spec)
        self.spec = spec
        self.head = HeadStack(spec.head, tensors)
        self.size_bytes = sum(tensor.nbytes for tensor in tensors.values())
        self._embedding_norm: Norm | None = None
        self._invertible: InvertibleEmbedding | None = None
        self._norms: dict[tuple[int, Site], Norm] = {}
        self._bottlenecks: dict[tuple[int, Site], list[BottleneckSite]] = {}
        self._loras: dict[tuple[int, Projection], LoraTap] = {}
        self._ia3s: dict[tuple[int, Projection], Ia3Tap] = {}
        for index, module in enumerate(spec.modules):
            self._add(module, below(tensors, f"modules.{index}."), norm_eps)

    def embed(self, x_TH: Tensor, norm: Norm) -> Tensor:
        """Return the embeddings' output, through this task's norm and then its coupling."""
        x_TH = (self._embedding_norm or norm)(x_TH)
        return x_TH if self._invertible is None else self._invertible(x_TH)

    def merge(self, layer: int, site: Site, x_TH: Tensor, h_TH: Tensor, norm: Norm) -> Tensor:
        """Return a sub-layer's output, through this task's norm and bottlenecks."""
        norm = self._norms.get((layer, site), norm)
        bottlenecks = self._bottlenecks.get((layer, site))
        return through(bottlenecks, x_TH, h_TH, norm) if bottlenecks else norm(x_TH + h_TH)

    def projection(self, layer: int, projection: Projection) -> ProjectionTap | None:
        """Return what changes a projection, if anything does."""
        place = layer, projection
        return self._loras.get(place) or self._ia3s.get(place)

    def changes(self, place: Place) -> bool:
        """Return whether `embed`, or `merge` at a layer's site, has anything of this task."""
        if place == "embeddings":
            return self._embedding_norm is not None or self._invertible is not None
        return place in self._norms or place in self._bottlenecks

    def _add(self, module: Module, tensors: Mapping[str, Tensor], norm_eps: float) -> None:
        if isinstance(module, Invertible):
            self._invertible = InvertibleEmbedding(module, below(tensors, "embeddings."))
            return
        if isinstance(module, LayerNorms) and module.embeddings:
            self._embedding_norm = _norm(tensors, "embeddings.", norm_eps)
        self._add_layers(module, tensors, norm_eps)

    def _add_layers(
        self,
        module: Bottleneck | Lora | Ia3 | LayerNorms,
        tensors: Mapping[str, Tensor],
        eps: float,
    ) -> None:
        layers = [n for n in range(self.spec.backbone.num_layers) if n not in module.leave_out]
        match module:
            case Lora():
                self._loras.update(lora_taps(module, tensors, layers, self._loras))
            case Ia3():
                self._ia3s.update(ia3_taps(module, tensors, layers, self._ia3s))
            case LayerNorms():
                for layer, site in product(layers, module.sites):
                    self._norms[layer, site] = _norm(tensors, f"layers.{layer}.{site}.", eps)
            case Bottleneck():
                for layer, site in product(layers, module.sites):
                    own = BottleneckSite(module, below(tensors, f"layers.{layer}.{site}."))
                    self._bottlenecks.setdefault((layer, site), []).append(own)
            case _:
                assert_never(module)


def below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Return the tensors whose names begin with a prefix, under the rest of their names."""
    return {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}


def _norm(tensors: Mapping[str, Tensor], prefix: str, eps: float) -> Norm:
    return Norm(tensors[f"{prefix}weight"], tensors[f"{prefix}bias"], eps)
