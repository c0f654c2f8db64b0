"""Specifications drawn at random: every method with all of its options, stacks, heads and rows."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar, get_args

from multitap_adapters.errors import UnsupportedSpec
from multitap_adapters.spec import (
    Activation,
    Bottleneck,
    Head,
    HeadLayer,
    Ia3,
    Invertible,
    LayerNorms,
    Lora,
    LoraOverride,
    Module,
    Projection,
    Site,
)
from multitap_adapters.stacks import require_stackable
from multitap_adapters.tokenizer import TokenizedRow
from random_adapters import random_spec
from tiny_model import TinyModel

_ACTIVATIONS: tuple[Activation, ...] = get_args(Activation)
_SITES: tuple[Site, ...] = get_args(Site)
_PROJECTIONS: tuple[Projection, ...] = get_args(Projection)

T = TypeVar("T")


@dataclass(frozen=True)
class Draw:
    """Random choices for a model."""

    choose: random.Random
    layers: int

    def some(self, values: Sequence[T], least: int = 1) -> tuple[T, ...]:
        """Return distinct values in any order."""
        return tuple(self.choose.sample(values, self.choose.randint(least, len(values))))

    def flag(self) -> bool:
        """Return true or false."""
        return self.choose.random() < 0.5

    def left_out(self) -> tuple[int, ...]:
        """Return layers, most often none."""
        if self.choose.random() < 0.7:
            return ()
        return tuple(sorted(self.some(range(self.layers), 0)))

    def bottleneck(self) -> Bottleneck:
        """Return a bottleneck with any options."""
        parallel, norm_before = self.choose.random() < 0.2, self.flag()
        residuals = ("sub_layer", "input", "sum") if norm_before else ("sub_layer", "input")
        sizes = tuple(self.choose.randint(1, 12) for _ in range(self.layers))
        return Bottleneck.model_validate(
            {
                "sites": self.some(_SITES),
                "size": self.choose.choice([sizes, sizes[0]]),
                "activation": self.choose.choice(_ACTIVATIONS),
                "scaling": self.choose.choice([1.0, 0.5, "learned", "channel"]),
                "arrangement": "parallel" if parallel else "sequential",
                "norm_before": norm_before and not parallel,
                "norm_after": self.choose.random() < 0.8,
                "residual": "sub_layer" if parallel else self.choose.choice(residuals),
                "new_norm_before": self.flag(),
                "new_norm_after": self.flag(),
                "residual_before_new_norm": self.flag(),
                "leave_out": self.left_out(),
            }
        )

    def lora(self) -> Lora:
        """Return a LoRA with any options, its updates no larger than the weights."""
        places, rank = self.some(_PROJECTIONS), self.choose.randint(1, 6)
        override = LoraOverride(
            layer=self.choose.randrange(self.layers),
            projection=self.choose.choice(places),
            r=self.choose.choice([None, 1, 5]),
            alpha=self.choose.choice([None, 1.5]),
        )
        return Lora(
            projections=places,
            r=rank,
            alpha=self.choose.uniform(0.5, 1.0) * rank**0.5,
            rslora=self.flag(),
            bias=self.flag(),
            leave_out=self.left_out(),
            overrides=(override,) if self.flag() else (),
        )

    def ia3(self) -> Ia3:
        """Return vectors at any projections."""
        outputs = self.some(_PROJECTIONS, 0)
        inputs = self.some(_PROJECTIONS, 0 if outputs else 1)
        return Ia3(outputs=outputs, inputs=inputs, leave_out=self.left_out())

    def layer_norms(self) -> LayerNorms:
        """Return own norms of any places."""
        sites = self.some(_SITES, 0)
        return LayerNorms(
            sites=sites, embeddings=not sites or self.flag(), leave_out=self.left_out()
        )

    def invertible(self) -> Invertible:
        """Return a coupling."""
        return Invertible(
            size=self.choose.randint(1, 9), activation=self.choose.choice(_ACTIVATIONS)
        )

    def modules(self, model: TinyModel) -> tuple[Module, ...]:
        """Return up to four modules that can be run together."""
        makers: tuple[Callable[[], Module], ...] = (
            self.bottleneck,
            self.lora,
            self.ia3,
            self.layer_norms,
            self.invertible,
        )
        chosen: tuple[Module, ...] = ()
        for _ in range(self.choose.randint(0, 4)):
            module = self.choose.choice(makers)()
            if isinstance(module, LayerNorms) and any(isinstance(m, LayerNorms) for m in chosen):
                continue
            try:
                require_stackable(random_spec(model.identity, modules=(*chosen, module)))
            except UnsupportedSpec:
                continue
            chosen += (module,)
        return chosen

    def head(self) -> Head:
        """Return a classification head of one to three layers."""
        labels = tuple(f"label {index}" for index in range(self.choose.randint(2, 9)))
        inner = tuple(
            HeadLayer(
                out=self.choose.randint(1, 20),
                bias=self.flag(),
                activation=self.choose.choice(_ACTIVATIONS),
            )
            for _ in range(self.choose.randint(0, 2))
        )
        pooling: Literal["mean", "cls"] = "mean" if self.flag() else "cls"
        layers = (*inner, HeadLayer(out=len(labels), bias=self.flag()))
        return Head(kind="classification", labels=labels, input=pooling, layers=layers)

    def row(self, model: TinyModel) -> TokenizedRow:
        """Return a row of random tokens, short most often."""
        length = self.choose.choice([1, self.choose.randint(2, 12), self.choose.randint(1, 64)])
        ids = [self.choose.randrange(model.config.vocab_size) for _ in range(length)]
        first = self.choose.randint(0, length)
        return TokenizedRow(ids, [0] * first + [1] * (length - first), length)
