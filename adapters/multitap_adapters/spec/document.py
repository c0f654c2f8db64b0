"""The whole specification: the one JSON document that an adapter file carries."""

from typing import Literal, Self

from pydantic import Field, model_validator

from .backbone import BackboneIdentity
from .card import Card
from .head import Head
from .model import SpecModel
from .modules import Bottleneck, Invertible, LayerNorms, Lora, Module


class AdapterSpec(SpecModel):
    """Everything but the weights: backbone, modules, head and card. Format 1.

    ``modules`` apply in order: a later one is stacked on an earlier one. An empty list is a head
    on the bare backbone. ``max_tokens`` counts special tokens.
    """

    format: Literal[1] = 1
    backbone: BackboneIdentity
    modules: tuple[Module, ...] = Field(default=(), max_length=16)
    max_tokens: int = Field(ge=3, le=65_536)
    head: Head
    card: Card = Field(default_factory=Card)

    @model_validator(mode="after")
    def _check_modules(self) -> Self:
        for index, module in enumerate(self.modules):
            self._check_layers(index, module)
        own_norms = [m for m in self.modules if isinstance(m, LayerNorms)]
        if len(own_norms) > 1:
            raise ValueError(f"at most one layer_norm module can apply, got {len(own_norms)}")
        return self

    def _check_layers(self, index: int, module: Module) -> None:
        if isinstance(module, Invertible):
            if self.backbone.embedding_size % 2:
                raise ValueError(
                    f"modules.{index} is invertible and needs an even embedding_size, "
                    f"got {self.backbone.embedding_size}"
                )
            return
        named = set(module.leave_out)
        if isinstance(module, Lora):
            named.update(override.layer for override in module.overrides)
        beyond = sorted(layer for layer in named if layer >= self.backbone.num_layers)
        if beyond:
            raise ValueError(
                f"modules.{index} names layers {beyond!r} of {self.backbone.num_layers}"
            )
        if (
            isinstance(module, Bottleneck)
            and not isinstance(module.size, int)
            and len(module.size) != self.backbone.num_layers
        ):
            raise ValueError(
                f"modules.{index}.size must have {self.backbone.num_layers} entries, "
                f"got {len(module.size)}"
            )
