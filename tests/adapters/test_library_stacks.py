"""Stacked modules compute what the `adapters` library's Stack computed (stacks/generate.py)."""

from pathlib import Path

import pytest
from torch import Tensor
from torch.testing import assert_close

from mixed_batches import run_alone, run_mix
from multitap_adapters.adapter import Adapter
from multitap_adapters.loading import float_tensors
from multitap_adapters.spec import AdapterSpec
from safetensors_files import load_tensors
from stack_cases import STACKS, model, rows
from tiny_model import TinyModel


@pytest.fixture(scope="module")
def tiny() -> TinyModel:
    """Return the backbone of the cases."""
    return model()


@pytest.fixture(scope="module")
def expected() -> dict[str, Tensor]:
    """Return the library's hidden states, by case and row."""
    return load_tensors(Path(__file__).parent / "stacks" / "expected.safetensors")


def _adapter(tiny: TinyModel, name: str) -> Adapter:
    """Return a case's modules in one adapter, without those that the library leaves out."""
    case = STACKS[name]
    file = case.file(tiny)
    kept = [index for index in range(len(file.spec.modules)) if index not in case.ignored]
    modules = tuple(file.spec.modules[index] for index in kept)
    spec = AdapterSpec(
        backbone=file.spec.backbone, modules=modules, max_tokens=32, head=file.spec.head
    )
    places = {f"modules.{old}.": f"modules.{new}." for new, old in enumerate(kept)}
    tensors: dict[str, Tensor] = {}
    for tensor_name, tensor in float_tensors(file).items():
        kind, index, rest = tensor_name.split(".", 2)
        place = f"{kind}.{index}."
        if kind == "head" or place in places:
            tensors[places.get(place, place) + rest] = tensor
    return Adapter(spec, tensors, norm_eps=tiny.config.layer_norm_eps)


def test_every_case_has_its_answers(expected: dict[str, Tensor]) -> None:
    assert expected.keys() == {f"{name}.{row}" for name in STACKS for row in range(len(rows()))}


@pytest.mark.parametrize("name", STACKS)
def test_a_stack_computes_what_the_library_computed(
    tiny: TinyModel, expected: dict[str, Tensor], name: str
) -> None:
    adapter = _adapter(tiny, name)

    for index, row in enumerate(rows()):
        hidden_TH = run_alone(tiny.encoder, adapter, row)
        assert_close(hidden_TH, expected[f"{name}.{index}"], rtol=1e-5, atol=1e-5)


def test_all_stacks_mixed_in_one_batch_compute_what_the_library_computed(
    tiny: TinyModel, expected: dict[str, Tensor]
) -> None:
    parts = run_mix(tiny.encoder, [(_adapter(tiny, name), rows()) for name in STACKS])

    for name, part in zip(STACKS, parts, strict=True):
        for index, hidden_TH in enumerate(part):
            assert_close(hidden_TH, expected[f"{name}.{index}"], rtol=1e-5, atol=1e-5)
