"""Every tensor is taken once, under its name and with its shape, or the folder is refused."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from multitap_adapters.importing.errors import FolderRefused
from multitap_adapters.importing.stored import StoredTensors


@pytest.fixture
def stored() -> StoredTensors:
    names = ("x.layer.0.a", "x.layer.1.a", "x.b")
    return StoredTensors({name: torch.ones(2, 3) for name in names}, Path("f"))


def test_taken_tensors_come_in_the_wanted_order(stored: StoredTensors) -> None:
    found = stored.take({"x.b": (2, 3), "x.layer.1.a": (2, 3)})

    assert [tensor.shape for tensor in found] == [(2, 3), (2, 3)]


Ask = Callable[[StoredTensors], object]
_WRONG: list[tuple[Ask, str]] = [
    (lambda s: s.take({"c": (1,), "d": (1,), "x.b": (2, 3)}), "f lacks 'c' and 1 more"),
    (lambda s: s.take({"x.b": (3, 2)}), "'x.b' in f has shape [2, 3], expected [3, 2]"),
    (lambda s: s.require_layers(1), "f is for 2 layers or more, the backbone has 1"),
    (lambda s: s.rename(lambda name: name[:2]), "f holds a tensor twice, under an old and a"),
    (lambda s: s.require_all_taken(), "f holds 'x.layer.0.a' and 2 more, which nothing asks"),
]


@pytest.mark.parametrize(("ask", "message"), _WRONG)
def test_what_is_missing_misshaped_or_left_is_named(
    stored: StoredTensors, ask: Ask, message: str
) -> None:
    with pytest.raises(FolderRefused) as error:
        ask(stored)

    assert str(error.value).startswith(message)


def test_nothing_is_left_where_everything_was_taken_or_left_out(stored: StoredTensors) -> None:
    stored.require_layers(2)
    stored.take_one("x.b", (2, 3))
    stored.leave(["x.layer.0.a", "x.layer.1.a"])

    stored.require_all_taken()
