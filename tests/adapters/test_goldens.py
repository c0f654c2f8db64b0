"""What the `adapters` library computed, case by case and mixed in one batch."""

import os
import random
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from golden_adapters import GoldenCase, Goldens
from mixed_batches import run_mix
from multitap_adapters.adapter import Adapter
from multitap_adapters.encoder import BareTaps
from multitap_adapters.loading import float_tensors
from safetensors_files import load_tensors

_CASES = (
    "adapter_plus",
    "channel",
    "double_seq_bn",
    "gelu_new",
    "head_cls1_pool",
    "head_cls3_noact",
    "houlsby_lnbefore",
    "leakyrelu",
    "leave_out",
    "mh_only",
    "par_bn",
    "rf_float",
    "rf_huge",
    "rf_map",
    "scaled_par_bn",
    "scaling4",
    "seq_bn",
    "seq_ln_after",
    "seq_ln_after_res_before",
    "seq_no_orig_ln_after",
    "seq_resid_after_ln",
    "seq_resid_post_add",
    "tanh",
)


# Cases that a family does not have: a DistilBERT has no pooler.
_MISSING = {"distilbert": {"head_cls1_pool"}}


@pytest.fixture(scope="module", params=["bert", "roberta", "distilbert"])
def folder(request: pytest.FixtureRequest, pytestconfig: pytest.Config) -> Path:
    """Return the folder of one family's cases."""
    beside = pytestconfig.rootpath.parent / "shared"
    found = Path(os.environ.get("MULTITAP_SHARED", beside)) / "goldens" / str(request.param)
    if not found.is_dir():
        pytest.skip(f"no golden adapters in {found}; MULTITAP_SHARED names the folder above")
    return found


@pytest.fixture(scope="module")
def goldens(folder: Path) -> Goldens:
    """Return the backbone, the rows and the cases."""
    return Goldens(folder)


def _adapter(goldens: Goldens, case: GoldenCase) -> Adapter:
    tensors = float_tensors(case.file)
    return Adapter(case.file.spec, tensors, norm_eps=goldens.config.layer_norm_eps)


def _logits(adapter: Adapter, hidden: list[Tensor]) -> Tensor:
    with torch.inference_mode():
        return adapter.head(torch.cat(hidden), [len(row_TH) for row_TH in hidden])


@pytest.mark.parametrize("name", _CASES)
def test_an_adapter_computes_what_the_library_computed(
    goldens: Goldens, folder: Path, name: str
) -> None:
    if name in _MISSING.get(folder.name, ()):
        pytest.skip(f"a {folder.name} has no {name}")
    case = goldens.case(name)
    adapter = _adapter(goldens, case)

    (hidden,) = run_mix(goldens.encoder, [(adapter, goldens.rows)])

    assert_close(hidden, case.hidden, rtol=1e-5, atol=1e-5)
    assert_close(_logits(adapter, hidden), case.logits, rtol=1e-5, atol=1e-5)


def test_the_backbone_without_adapter_computes_what_the_library_computed(
    goldens: Goldens, folder: Path
) -> None:
    expected = load_tensors(folder / "seq_bn" / "expected.safetensors")

    (hidden,) = run_mix(goldens.encoder, [(BareTaps(), goldens.rows)])

    for row_TH, whole_TH in zip(hidden, expected["no_adapter_last_hidden_state"], strict=True):
        assert_close(row_TH, whole_TH[: len(row_TH)], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("seed", range(3))
def test_all_cases_mixed_in_one_batch_compute_what_the_library_computed(
    goldens: Goldens, folder: Path, seed: int
) -> None:
    choose = random.Random(seed)  # noqa: S311  (test data)
    present = [name for name in _CASES if name not in _MISSING.get(folder.name, ())]
    names = choose.sample(present, len(present))
    cases = [goldens.case(name) for name in names]
    adapters = [_adapter(goldens, case) for case in cases]
    orders = [choose.sample(range(len(goldens.rows)), choose.randint(1, 4)) for _ in cases]

    parts = run_mix(
        goldens.encoder,
        [(a, [goldens.rows[i] for i in order]) for a, order in zip(adapters, orders, strict=True)],
    )

    for case, adapter, order, hidden in zip(cases, adapters, orders, parts, strict=True):
        assert_close(hidden, [case.hidden[i] for i in order], rtol=1e-5, atol=1e-5)
        assert_close(_logits(adapter, hidden), case.logits[order], rtol=1e-5, atol=1e-5)
