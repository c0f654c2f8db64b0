"""Stacks that are refused, with the reason, and their neighbours that are not."""

import pytest

from multitap_adapters.adapter import Adapter
from multitap_adapters.errors import UnsupportedSpec
from multitap_adapters.spec import (
    BackboneIdentity,
    Bottleneck,
    Ia3,
    Invertible,
    LayerNorms,
    Lora,
    Module,
)
from multitap_adapters.stacks import require_stackable
from random_adapters import random_spec
from tiny_backbone import TinyConfig
from tiny_model import tiny_model


@pytest.fixture(scope="module")
def identity() -> BackboneIdentity:
    """Return a backbone of two layers, 32 wide and 64 inside of the feed-forward layer."""
    return tiny_model(TinyConfig()).identity


def _lora(*projections: str, bias: bool = False, leave_out: tuple[int, ...] = ()) -> Lora:
    document = {"projections": projections, "r": 2, "alpha": 2.0, "bias": bias}
    return Lora.model_validate(document | {"leave_out": leave_out})


@pytest.mark.parametrize(
    ("modules", "message"),
    [
        (
            (Invertible(size=4), Bottleneck(size=2), Invertible(size=4)),
            r"modules.0 and modules.2 are both invertible; a stack applies that of its first",
        ),
        (
            (_lora("query", "value"), Ia3(outputs=("key", "value"))),
            r"modules.0 and modules.1 both change layers.0.value; ia3 stacked on lora has no",
        ),
        (
            (Ia3(inputs=("ffn_down",)), LayerNorms(), _lora("ffn_down", leave_out=(0,))),
            r"modules.0 and modules.2 both change layers.1.ffn_down; lora stacked on ia3 has no",
        ),
        (
            (_lora("query", bias=True), _lora("query")),
            r"modules.0 and modules.1 both change layers.0.query; stacked lora modules cannot",
        ),
        (
            (_lora("key"), _lora("query", "key", bias=True)),
            r"layers.0.key; stacked lora modules cannot have a bias of their own",
        ),
        (
            (_lora("ffn_up"), _lora("ffn_up")),
            r"layers.0.ffn_up; a stacked lora is given the update below it, which has 64 values "
            "there and not 32",
        ),
        (
            (_lora("ffn_down"), _lora("query"), _lora("ffn_down", leave_out=(0,))),
            r"modules.0 and modules.2 both change layers.1.ffn_down; .* has 32 values .* not 64",
        ),
    ],
)
def test_a_stack_without_a_meaning_is_refused(
    identity: BackboneIdentity, modules: tuple[Module, ...], message: str
) -> None:
    spec = random_spec(identity, modules=modules)

    with pytest.raises(UnsupportedSpec, match=message):
        require_stackable(spec)
    with pytest.raises(UnsupportedSpec, match=message):
        Adapter(spec, {}, norm_eps=1e-12)


@pytest.mark.parametrize(
    "modules",
    [
        (_lora("query", bias=True), _lora("key", bias=True)),
        (_lora("query", leave_out=(1,)), Ia3(outputs=("query",), leave_out=(0,))),
        (_lora("ffn_up", leave_out=(0,)), _lora("ffn_up", leave_out=(1,))),
        (_lora("query"), _lora("query"), _lora("query")),
        (Ia3(inputs=("ffn_up",)), Ia3(inputs=("ffn_up",), outputs=("ffn_up",))),
        tuple(Bottleneck(size=1) for _ in range(16)),
    ],
)
def test_modules_that_do_not_meet_or_stack_well_can_be_run(
    identity: BackboneIdentity, modules: tuple[Module, ...]
) -> None:
    require_stackable(random_spec(identity, modules=modules))


def test_a_square_feed_forward_layer_can_have_stacked_updates() -> None:
    square = tiny_model(TinyConfig(intermediate_size=32)).identity
    spec = random_spec(square, modules=(_lora("ffn_up"), _lora("ffn_up")))

    require_stackable(spec)
