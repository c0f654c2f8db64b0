"""Compacter's factors become the weights that they stand for."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from library_folders import HIDDEN, LAYERS, PFEIFFER, Shape, random_tensors, write_hub
from multitap_adapters.file import parse_adapter
from multitap_adapters.importing.importer import ImportedAdapter
from multitap_adapters.loading import float_tensors

Imported = Callable[..., ImportedAdapter]
Refuse = Callable[..., str]

DIM, RANK, SIZE = 4, 2, 8
COMPACTER = {
    **PFEIFFER,
    "reduction_factor": 4,
    "phm_layer": True,
    "phm_dim": DIM,
    "phm_rank": RANK,
    "phm_bias": True,
    "shared_phm_rule": True,
    "factorized_phm_rule": False,
    "shared_W_phm": False,
    "factorized_phm_W": True,
}


def rule(at: str, *, split: bool) -> dict[str, Shape]:
    if split:
        return {f"{at}.phm_rule_left": (DIM, DIM, 1), f"{at}.phm_rule_right": (DIM, 1, DIM)}
    return {f"{at}.phm_rule": (DIM, DIM, DIM)}


def factors(name: str, inputs: int, outputs: int, *, split: bool) -> dict[str, Shape]:
    rows, columns = inputs // DIM, outputs // DIM
    if split:
        return {f"{name}_left": (DIM, rows, RANK), f"{name}_right": (DIM, RANK, columns)}
    return {name: (DIM, rows, columns)}


def compacter_tensors(config: dict[str, object]) -> dict[str, Tensor]:
    split_w, split_rule = bool(config["factorized_phm_W"]), bool(config["factorized_phm_rule"])
    shared = "bert.shared_parameters.task"
    shapes: dict[str, Shape] = {}
    if config["shared_phm_rule"]:
        shapes |= rule(shared, split=split_rule)
    if config["shared_W_phm"]:
        shapes |= factors(f"{shared}.W_down", HIDDEN, SIZE, split=split_w)
        shapes |= factors(f"{shared}.W_up", SIZE, HIDDEN, split=split_w)
    for layer in range(LAYERS):
        base = f"bert.encoder.layer.{layer}.output.adapters.task"
        parts = (("adapter_down.0", HIDDEN, SIZE), ("adapter_up", SIZE, HIDDEN))
        for part, inputs, outputs in parts:
            at = f"{base}.{part}"
            if not config["shared_W_phm"]:
                shapes |= factors(f"{at}.W", inputs, outputs, split=split_w)
            if not config["shared_phm_rule"]:
                shapes |= rule(at, split=split_rule)
            if config["phm_bias"]:
                shapes[f"{at}.b"] = (outputs,)
    return random_tensors(shapes)


def plain_product(tensors: dict[str, Tensor], config: dict[str, object], layer: int) -> Tensor:
    """Return the down-projection `[in, out]`, entry by entry as the paper has it (equation 3)."""
    shared = "bert.shared_parameters.task"
    at = f"bert.encoder.layer.{layer}.output.adapters.task.adapter_down.0"
    w = f"{shared}.W_down" if config["shared_W_phm"] else f"{at}.W"
    a = f"{shared if config['shared_phm_rule'] else at}.phm_rule"
    w_PIO = tensors[f"{w}_left"] @ tensors[f"{w}_right"] if f"{w}_left" in tensors else tensors[w]
    a_PPP = tensors[f"{a}_left"] @ tensors[f"{a}_right"] if f"{a}_left" in tensors else tensors[a]
    product_IO = torch.zeros(HIDDEN, SIZE)
    rows, columns = HIDDEN // DIM, SIZE // DIM
    for row in range(HIDDEN):
        for column in range(SIZE):
            inner = w_PIO[:, row % rows, column % columns]
            product_IO[row, column] = a_PPP[:, row // rows, column // columns] @ inner
    return product_IO


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"shared_phm_rule": False},
        {"factorized_phm_rule": True},
        {"shared_phm_rule": False, "factorized_phm_rule": True},
        {"shared_W_phm": True},
        {"factorized_phm_W": False},
        {"shared_W_phm": True, "factorized_phm_W": False},
    ],
)
def test_a_projection_is_the_sum_of_kronecker_products(
    tmp_path: Path, imported: Imported, changes: dict[str, object]
) -> None:
    config: dict[str, object] = {**COMPACTER, **changes}
    tensors = compacter_tensors(config)

    file = parse_adapter(imported(write_hub(tmp_path / "a", config, tensors)).data)

    found = float_tensors(file)
    for layer in range(LAYERS):
        weight_OI = found[f"modules.0.layers.{layer}.ffn.down.weight"]
        assert_close(weight_OI.T, plain_product(tensors, config, layer), atol=1e-6, rtol=1e-5)


def test_without_a_bias_it_is_zero(tmp_path: Path, imported: Imported) -> None:
    config: dict[str, object] = {**COMPACTER, "phm_bias": False}

    file = parse_adapter(
        imported(write_hub(tmp_path / "a", config, compacter_tensors(config))).data
    )

    assert not float_tensors(file)["modules.0.layers.0.ffn.up.bias"].any()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"phm_dim": 3}, "phm_dim 3 does not divide the projection's sizes 32 and 8"),
        ({"phm_dim": 10**9}, "phm_dim 1000000000 or phm_rank 2 is out of bounds"),
        ({"phm_rank": 3}, "has shape [4, 8, 2], expected [4, 8, 3]"),
        ({"shared_W_phm": True}, "lacks 'shared_parameters.task.W_down_left'"),
        ({"factorized_phm_rule": True}, "lacks 'shared_parameters.task.phm_rule_left'"),
        ({"phm_bias": False}, "which nothing asks for"),
    ],
)
def test_factors_that_do_not_fit_their_settings_are_refused(
    tmp_path: Path, refused: Refuse, changes: dict[str, object], message: str
) -> None:
    folder = write_hub(tmp_path / "a", {**COMPACTER, **changes}, compacter_tensors(COMPACTER))

    assert message in refused(folder)
