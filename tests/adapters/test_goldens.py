"""What the `adapters` library and `peft` computed, case by case and mixed in one batch."""

import os
import random
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from golden_adapters import Goldens
from golden_peft import peft_case
from mixed_batches import Part, run_mix
from multitap_adapters.adapter import Adapter
from multitap_adapters.encoder import BareTaps
from multitap_adapters.head import HeadStack
from multitap_adapters.loading import float_tensors
from safetensors_files import load_tensors

_CASES = (
    "adapter_plus",
    "channel",
    "compacter",
    "compacterpp",
    "double_seq_bn",
    "double_seq_bn_inv",
    "gelu_new",
    "head_cls1_pool",
    "head_cls3_noact",
    "houlsby_lnbefore",
    "ia3",
    "leakyrelu",
    "leave_out",
    "lora",
    "mh_only",
    "par_bn",
    "rf_float",
    "rf_huge",
    "rf_map",
    "scaled_par_bn",
    "scaling4",
    "seq_bn",
    "seq_bn_inv",
    "seq_ln_after",
    "seq_ln_after_res_before",
    "seq_new_ln_before_bin",
    "seq_no_orig_ln_after",
    "seq_resid_after_ln",
    "seq_resid_post_add",
    "tanh",
)
_PEFT_CASES = (
    "ia3",
    "ln_tuning",
    "lora_all_linear",
    "lora_bias_only",
    "lora_bin2",
    "lora_default",
    "lora_layers",
    "lora_patterns",
    "lora_rslora",
    "lora_tok",
)


@pytest.fixture(scope="module")
def folder(pytestconfig: pytest.Config) -> Path:
    """Return the folder of the BERT cases."""
    beside = pytestconfig.rootpath.parent / "shared"
    found = Path(os.environ.get("MULTITAP_SHARED", beside)) / "goldens" / "bert"
    if not found.is_dir():
        pytest.skip(f"no golden adapters in {found}; MULTITAP_SHARED names the folder above")
    return found


@pytest.fixture(scope="module")
def goldens(folder: Path) -> Goldens:
    """Return the backbone, the rows and the cases."""
    return Goldens(folder)


@dataclass(frozen=True)
class Case:
    """One case of either library; its hidden states where the library's are known."""

    adapter: Adapter
    head: HeadStack
    hidden: list[Tensor] | None
    logits: list[Tensor]

    def check(self, rows: list[int], hidden: list[Tensor]) -> None:
        """Compare the hidden states of some of the rows, and the logits of the case's head."""
        if self.hidden is not None:
            expected = [self.hidden[row] for row in rows]
            assert_close(hidden, expected, rtol=1e-5, atol=1e-5)
        for row, hidden_TH in zip(rows, hidden, strict=True):
            with torch.inference_mode():
                found = self.head(hidden_TH, [len(hidden_TH)])
            assert_close(found, self.logits[row].reshape(found.shape), rtol=1e-5, atol=1e-5)


def _case(goldens: Goldens, name: str) -> Case:
    case = goldens.case(name)
    tensors = float_tensors(case.file)
    adapter = Adapter(case.file.spec, tensors, norm_eps=goldens.config.layer_norm_eps)
    return Case(adapter, adapter.head, case.hidden, list(case.logits))


def _peft_case(goldens: Goldens, folder: Path, name: str) -> Case:
    case = peft_case(goldens, folder.with_name("peft_bert") / name)
    adapter = Adapter(case.spec, case.tensors, norm_eps=goldens.config.layer_norm_eps)
    return Case(adapter, HeadStack(case.head, case.tensors), None, case.logits)


@pytest.mark.parametrize("name", _CASES)
def test_an_adapter_computes_what_the_library_computed(goldens: Goldens, name: str) -> None:
    case = _case(goldens, name)

    (hidden,) = run_mix(goldens.encoder, [(case.adapter, goldens.rows)])

    case.check(list(range(len(hidden))), hidden)


@pytest.mark.parametrize("name", _PEFT_CASES)
def test_an_adapter_computes_what_peft_computed(goldens: Goldens, folder: Path, name: str) -> None:
    case = _peft_case(goldens, folder, name)

    (hidden,) = run_mix(goldens.encoder, [(case.adapter, goldens.rows)])

    case.check(list(range(len(hidden))), hidden)


def test_the_backbone_without_adapter_computes_what_the_library_computed(
    goldens: Goldens, folder: Path
) -> None:
    expected = load_tensors(folder / "seq_bn" / "expected.safetensors")

    (hidden,) = run_mix(goldens.encoder, [(BareTaps(), goldens.rows)])

    for row_TH, whole_TH in zip(hidden, expected["no_adapter_last_hidden_state"], strict=True):
        assert_close(row_TH, whole_TH[: len(row_TH)], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("seed", range(3))
def test_all_cases_mixed_in_one_batch_compute_what_the_libraries_computed(
    goldens: Goldens, folder: Path, seed: int
) -> None:
    choose = random.Random(seed)  # noqa: S311  (test data)
    cases = [
        *(_case(goldens, name) for name in _CASES),
        *(_peft_case(goldens, folder, name) for name in _PEFT_CASES),
    ]
    choose.shuffle(cases)
    bare = load_tensors(folder / "seq_bn" / "expected.safetensors")["no_adapter_last_hidden_state"]
    rows = range(len(goldens.rows))
    orders = [choose.sample(rows, choose.randint(1, 4)) for _ in cases]
    parts: list[Part] = [
        (case.adapter, [goldens.rows[row] for row in order])
        for case, order in zip(cases, orders, strict=True)
    ]
    parts.insert(len(parts) // 2, (BareTaps(), goldens.rows))

    found = run_mix(goldens.encoder, parts)

    for row_TH, whole_TH in zip(found.pop(len(parts) // 2), bare, strict=True):
        assert_close(row_TH, whole_TH[: len(row_TH)], rtol=1e-5, atol=1e-5)
    for case, order, hidden in zip(cases, orders, found, strict=True):
        case.check(order, hidden)
