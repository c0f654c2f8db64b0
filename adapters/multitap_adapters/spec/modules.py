"""The methods that change a frozen encoder: bottlenecks, LoRA, IA3, layer norms, invertible layers.

Each class is one entry of a specification's ``modules``. ``reference`` for the bottleneck's order
of steps: the ``adapters`` library 1.3.0, ``methods/modeling.py``; for LoRA and IA3: ``peft``
0.21.2.
"""

from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from .model import SpecModel

Activation = Literal[
    "none",
    "relu",
    "gelu",
    "gelu_tanh",
    "tanh",
    "silu",
    "sigmoid",
    "leaky_relu",
    "relu6",
    "elu",
    "selu",
    "mish",
]
Site = Literal["attention", "ffn"]
Projection = Literal["query", "key", "value", "attention_output", "ffn_up", "ffn_down"]
LayerIndex = Annotated[int, Field(ge=0, lt=256)]
Size = Annotated[int, Field(ge=1, le=65_536)]


class Bottleneck(SpecModel):
    """A down-projection, a non-linearity and an up-projection beside or behind a sub-layer.

    ``x`` is the residual that enters the sub-layer, ``h`` the sub-layer's output after its dense,
    ``LN`` the sub-layer's own layer norm, ``A(z) = scaling * up(activation(down(z)))``.

    * Houlsby: both sites, ``LN(x + h + A(h))``. These are the defaults.
    * Pfeiffer: site ``ffn``, ``norm_before`` true, ``LN(x + h + A(LN(h + x)))``.
    * Parallel: site ``ffn``, ``arrangement`` parallel, ``LN(x + h + A(x))``.

    ``residual`` names what is added to A's output: ``sub_layer`` (h), ``sum`` (h + x before LN)
    or ``input`` (whatever A itself was given).
    """

    method: Literal["bottleneck"] = "bottleneck"
    sites: tuple[Site, ...] = Field(default=("attention", "ffn"), min_length=1, max_length=2)
    arrangement: Literal["sequential", "parallel"] = "sequential"
    size: Size | tuple[Size, ...]
    activation: Activation = "gelu"
    scaling: float | Literal["learned", "channel"] = 1.0
    norm_before: bool = False
    norm_after: bool = True
    residual: Literal["sub_layer", "sum", "input"] = "sub_layer"
    new_norm_before: bool = False
    new_norm_after: bool = False
    residual_before_new_norm: bool = False
    leave_out: tuple[LayerIndex, ...] = ()

    @model_validator(mode="after")
    def _check(self) -> Self:
        require_ascending("leave_out", self.leave_out)
        if len(set(self.sites)) != len(self.sites):
            raise ValueError(f"sites must be distinct, got {list(self.sites)!r}")
        if self.residual == "sum" and not self.norm_before:
            raise ValueError("residual 'sum' needs norm_before")
        if self.arrangement == "parallel" and self.norm_before:
            raise ValueError(
                "a parallel bottleneck reads the sub-layer's input, without norm_before"
            )
        return self

    def size_of(self, layer: int) -> int:
        """Return the bottleneck size in one layer; a left-out layer's entry has no meaning."""
        return self.size if isinstance(self.size, int) else self.size[layer]


class LoraOverride(SpecModel):
    """A rank or alpha that differs for one projection of one layer."""

    layer: LayerIndex
    projection: Projection
    r: Size | None = None
    alpha: float | None = Field(default=None, gt=0)


class Lora(SpecModel):
    """Low-rank updates: ``W z + b + (alpha / r) * B(A z)`` at the targeted projections.

    With ``rslora`` the factor is ``alpha / sqrt(r)``. With ``bias`` the file holds the trained
    bias of each targeted projection, in place of the backbone's.
    """

    method: Literal["lora"] = "lora"
    projections: tuple[Projection, ...] = Field(min_length=1, max_length=6)
    r: Size
    alpha: float = Field(gt=0)
    rslora: bool = False
    bias: bool = False
    leave_out: tuple[LayerIndex, ...] = ()
    overrides: tuple[LoraOverride, ...] = ()

    @model_validator(mode="after")
    def _check(self) -> Self:
        require_ascending("leave_out", self.leave_out)
        if len(set(self.projections)) != len(self.projections):
            raise ValueError(f"projections must be distinct, got {list(self.projections)!r}")
        places = [(override.layer, override.projection) for override in self.overrides]
        if len(set(places)) != len(places):
            raise ValueError("overrides must each name another layer and projection")
        untargeted = sorted({projection for _, projection in places} - set(self.projections))
        if untargeted:
            raise ValueError(f"overrides name {untargeted!r}, which are not targeted")
        return self

    def rank_of(self, layer: int, projection: Projection) -> int:
        """Return the rank at one projection of one layer."""
        for override in self.overrides:
            if (override.layer, override.projection) == (layer, projection) and override.r:
                return override.r
        return self.r


class Ia3(SpecModel):
    """Learned vectors that multiply projections (Liu et al. 2022, section 3.3).

    ``output * (W (input * z) + b)``: the vectors of ``outputs`` come before any activation and
    multiply the bias too, those of ``inputs`` come before the product.
    """

    method: Literal["ia3"] = "ia3"
    outputs: tuple[Projection, ...] = Field(default=(), max_length=6)
    inputs: tuple[Projection, ...] = Field(default=(), max_length=6)
    leave_out: tuple[LayerIndex, ...] = ()

    @model_validator(mode="after")
    def _check(self) -> Self:
        require_ascending("leave_out", self.leave_out)
        for field, projections in (("outputs", self.outputs), ("inputs", self.inputs)):
            if len(set(projections)) != len(projections):
                raise ValueError(f"{field} must be distinct, got {list(projections)!r}")
        if not self.outputs and not self.inputs:
            raise ValueError("an ia3 module must have an output or an input")
        return self

    def projections(self) -> tuple[Projection, ...]:
        """Return every projection that is changed, each once."""
        return tuple(dict.fromkeys((*self.outputs, *self.inputs)))


class LayerNorms(SpecModel):
    """This task's own layer norms in place of the backbone's (Houlsby et al. 2019, section 2.1)."""

    method: Literal["layer_norm"] = "layer_norm"
    embeddings: bool = True
    sites: tuple[Site, ...] = ("attention", "ffn")
    leave_out: tuple[LayerIndex, ...] = ()

    @model_validator(mode="after")
    def _check(self) -> Self:
        require_ascending("leave_out", self.leave_out)
        if len(set(self.sites)) != len(self.sites):
            raise ValueError(f"sites must be distinct, got {list(self.sites)!r}")
        if not self.embeddings and not self.sites:
            raise ValueError("a layer_norm module must cover the embeddings or a site")
        return self


class Invertible(SpecModel):
    """NICE coupling after the embeddings: ``y1 = x1 + F(x2)``, ``y2 = x2 + G(y1)``."""

    method: Literal["invertible"] = "invertible"
    size: Size
    activation: Activation = "relu"


Module = Annotated[Bottleneck | Lora | Ia3 | LayerNorms | Invertible, Field(discriminator="method")]


def require_ascending(field: str, layers: tuple[int, ...]) -> None:
    """Raise ValueError unless the layer indices are distinct and in ascending order."""
    if any(first >= second for first, second in pairwise(layers)):
        raise ValueError(f"{field} must be distinct and ascending, got {list(layers)!r}")
