"""Every golden folder is imported whole, and computes what the library computed."""

import random
from collections import Counter
from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from golden_folders import REFUSED, GoldenFamily, golden_family, goldens_folder
from mixed_batches import run_mix
from multitap_adapters.adapter import Adapter
from multitap_adapters.encoder import BareTaps
from multitap_adapters.file import AdapterFile, parse_adapter
from multitap_adapters.head import HeadStack
from multitap_adapters.importing.errors import FolderRefused
from multitap_adapters.importing.importer import import_folder, tensor_data
from multitap_adapters.importing.parts import HeadChoice
from multitap_adapters.importing.weights import read_weights_file
from multitap_adapters.loading import float_tensors
from multitap_adapters.spec import Head, HeadLayer
from safetensors_files import load_tensors

Spec = dict[str, object]

_ADAPTERS = (
    "adapter_plus",
    "channel",
    "compacter",
    "compacterpp",
    "double_seq_bn",
    "double_seq_bn_inv",
    "gelu_new",
    "head_cls1_pool",
    "head_cls3_noact",
    "head_multilabel",
    "head_qa",
    "head_regression",
    "head_tagging",
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
_PEFT = (
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
_CASES = {
    "bert": (*(f"bert/{name}" for name in _ADAPTERS), *(f"peft_bert/{name}" for name in _PEFT)),
    "roberta": (
        *(f"roberta/{name}" for name in _ADAPTERS),
        *(f"peft_roberta/{name}" for name in _PEFT),
    ),
    "distilbert": tuple(f"distilbert/{name}" for name in _ADAPTERS if name != "head_cls1_pool"),
}
_ALL = [(family, name) for family, names in _CASES.items() for name in names]
_LABELS = {"lora_bin2": 2, "lora_tok": 5}
_PFEIFFER: Spec = {
    "method": "bottleneck",
    "sites": ("ffn",),
    "size": 4,
    "activation": "relu",
    "norm_before": True,
}
_HOULSBY: Spec = {"method": "bottleneck", "size": 4, "activation": "silu"}
_LORA: Spec = {"method": "lora", "projections": ("query", "value"), "r": 4, "alpha": 8.0}
_MODULES: dict[str, list[Spec]] = {
    "adapter_plus": [
        _PFEIFFER
        | {"activation": "gelu", "scaling": "channel", "norm_after": False, "residual": "input"}
    ],
    "channel": [_PFEIFFER | {"scaling": "channel"}],
    "compacter": [_HOULSBY | {"activation": "gelu"}],
    "compacterpp": [_PFEIFFER | {"activation": "gelu"}],
    "double_seq_bn": [_HOULSBY],
    "double_seq_bn_inv": [{"method": "invertible", "size": 16, "activation": "silu"}, _HOULSBY],
    "gelu_new": [_PFEIFFER | {"activation": "gelu_tanh"}],
    "houlsby_lnbefore": [_HOULSBY | {"norm_before": True}],
    "ia3": [{"method": "ia3", "outputs": ("key", "value", "ffn_up")}],
    "peft ia3": [
        {
            "method": "ia3",
            "outputs": ("query", "value"),
            "inputs": ("attention_output", "ffn_down"),
        }
    ],
    "leakyrelu": [_PFEIFFER | {"activation": "leaky_relu"}],
    "leave_out": [_HOULSBY | {"leave_out": (0, 2)}],
    "ln_tuning": [{"method": "layer_norm"}],
    "lora": [_LORA | {"r": 8}],
    "lora_all_linear": [
        _LORA
        | {
            "projections": (
                "query",
                "key",
                "value",
                "attention_output",
                "ffn_up",
                "ffn_down",
            ),
            "alpha": 4.0,
        }
    ],
    "lora_bias_only": [_LORA | {"bias": True}],
    "lora_bin2": [_LORA | {"r": 8, "alpha": 16.0}],
    "lora_default": [_LORA],
    "lora_layers": [_LORA | {"leave_out": (1,)}],
    "lora_patterns": [
        _LORA
        | {
            "overrides": (
                {"layer": 0, "projection": "query", "r": 6, "alpha": None},
                {"layer": 1, "projection": "query", "r": 2, "alpha": None},
                {"layer": 2, "projection": "query", "r": None, "alpha": 3.0},
                {"layer": 1, "projection": "value", "r": 2, "alpha": None},
                {"layer": 2, "projection": "value", "r": None, "alpha": 3.0},
            )
        }
    ],
    "lora_rslora": [_LORA | {"rslora": True}],
    "lora_tok": [_LORA],
    "mh_only": [_PFEIFFER | {"sites": ("attention",), "norm_before": False}],
    "par_bn": [
        _PFEIFFER | {"arrangement": "parallel", "size": 32, "scaling": 4.0, "norm_before": False}
    ],
    "rf_float": [_PFEIFFER | {"size": 25}],
    "rf_huge": [_PFEIFFER | {"size": 1}],
    "rf_map": [_PFEIFFER | {"size": (32, 4, 2)}],
    "scaled_par_bn": [
        _PFEIFFER
        | {"arrangement": "parallel", "size": 32, "scaling": "learned", "norm_before": False}
    ],
    "scaling4": [_PFEIFFER | {"scaling": 4.0}],
    "seq_bn_inv": [{"method": "invertible", "size": 16}, _PFEIFFER],
    "seq_ln_after": [_PFEIFFER | {"new_norm_after": True}],
    "seq_ln_after_res_before": [
        _PFEIFFER | {"new_norm_after": True, "residual_before_new_norm": True}
    ],
    "seq_new_ln_before_bin": [_PFEIFFER | {"new_norm_before": True}],
    "seq_no_orig_ln_after": [_PFEIFFER | {"norm_after": False, "residual": "input"}],
    "seq_resid_after_ln": [_PFEIFFER | {"residual": "input"}],
    "seq_resid_post_add": [_PFEIFFER | {"residual": "sum"}],
    "tanh": [_PFEIFFER | {"activation": "tanh"}],
}
_LABELLED = ("neg", "neu", "pos")
_HEADS: dict[str, tuple[str, tuple[str, ...]]] = {
    "head_cls1_pool": ("classification", ("LABEL_0", "LABEL_1", "LABEL_2")),
    "head_cls3_noact": ("classification", ("LABEL_0", "LABEL_1")),
    "head_multilabel": ("multilabel", tuple(f"LABEL_{i}" for i in range(5))),
    "head_qa": ("question_answering", ()),
    "head_regression": ("regression", ()),
    "head_tagging": ("tagging", tuple(f"LABEL_{i}" for i in range(5))),
}

Families = Callable[[str], GoldenFamily]


@pytest.fixture(scope="module")
def families(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Families:
    """Return a family's copy, made when it is first asked for."""
    goldens = goldens_folder(pytestconfig.rootpath)
    made: dict[str, GoldenFamily] = {}

    def family(name: str) -> GoldenFamily:
        if name not in made:
            made[name] = golden_family(goldens, name, tmp_path_factory.mktemp(name))
        return made[name]

    return family


def _labels(name: str) -> tuple[str, ...] | None:
    family, case = name.split("/")
    if not family.startswith("peft"):
        return None
    return tuple(f"label {i}" for i in range(_LABELS.get(case, 3)))


def _import(family: GoldenFamily, name: str) -> AdapterFile:
    choice = HeadChoice(labels=_labels(name))
    return parse_adapter(import_folder(family.cases[name], family.target, head=choice).data)


def _adapter(family: GoldenFamily, name: str) -> tuple[Adapter, HeadStack]:
    """Return an adapter's taps, under a head of no interest, and its own head."""
    file = _import(family, name)
    tensors = float_tensors(file)
    plain = Head(kind="classification", labels=("a", "b"), input="cls", layers=(HeadLayer(out=2),))
    hidden = file.spec.backbone.hidden_size
    others = {n: t for n, t in tensors.items() if not n.startswith("head.")}
    blank = {"head.0.weight": torch.zeros(2, hidden), "head.0.bias": torch.zeros(2)}
    spec = file.spec.model_copy(update={"head": plain})
    return (
        Adapter(spec, others | blank, norm_eps=family.eps),
        HeadStack(file.spec.head, tensors),
    )


def _expected(family: GoldenFamily, name: str) -> dict[str, Tensor]:
    return load_tensors(family.cases[name] / "expected.safetensors")


def _require_logits(
    head: HeadStack, hidden: list[Tensor], expected: dict[str, Tensor], rows: list[int]
) -> None:
    """Compare a head's outputs with the library's, for these of its rows, padding left out."""
    lengths = [len(row_TH) for row_TH in hidden]
    with torch.inference_mode():
        found = head(torch.cat(hidden), lengths)
    if "start_logits" in expected:
        whole = torch.stack([expected["start_logits"], expected["end_logits"]], dim=-1)
    else:
        whole = expected["logits"]
    if head.head.input == "tokens":
        pairs = zip(rows, lengths, strict=True)
        whole = torch.cat([whole[row, :length] for row, length in pairs])
    else:
        whole = whole[rows]
    assert_close(found, whole, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("family", "name"), _ALL)
def test_a_folder_gives_the_modules_and_the_head_that_it_describes(
    families: Families, family: str, name: str
) -> None:
    spec = _import(families(family), name).spec

    case = name.partition("/")[2]
    described = "peft ia3" if name.startswith("peft") and case == "ia3" else case
    kind, labels = _HEADS.get(case, ("classification", _labels(name) or _LABELLED))
    found = [module.model_dump(exclude_defaults=True) for module in spec.modules]
    expected = [
        type(module).model_validate(wanted).model_dump(exclude_defaults=True)
        for module, wanted in zip(spec.modules, _MODULES.get(described, [_PFEIFFER]), strict=True)
    ]
    assert found == expected
    assert (spec.head.kind, spec.head.labels) == (
        "tagging" if case == "lora_tok" else kind,
        labels,
    )
    assert spec.max_tokens == families(family).target.max_tokens
    assert spec.card.task == ("task" if "peft" not in name else None)


@pytest.mark.parametrize(("family", "name"), [(f, n) for f, n in _ALL if "compacter" not in n])
def test_every_value_of_a_folder_stands_in_the_file_and_no_other(
    families: Families, family: str, name: str
) -> None:
    golden = families(family)
    stored = [
        tensor_data(tensor).data
        for path in golden.cases[name].iterdir()
        if "expected" not in path.name and path.suffix in (".safetensors", ".bin")
        for key, tensor in read_weights_file(path).items()
        # the new norm before stands there twice
        if "new_ln_before" not in name or "adapter_norm_before" not in key
    ]
    file = _import(golden, name)
    found = [bytes(data.data) for data in file.tensors.values()]
    if "cls1_pool" in name or (name.startswith("peft_bert") and "tok" not in name):
        found.remove(bytes(tensor_data(golden.target.read_pooler()[0]).data))
        found.remove(bytes(tensor_data(golden.target.read_pooler()[1]).data))

    assert Counter(found) == Counter(stored)


@pytest.mark.parametrize(("family", "name"), [(f, n) for f, n in _ALL if not n.startswith("peft")])
def test_a_head_over_the_librarys_hidden_states_gives_the_librarys_outputs(
    families: Families, family: str, name: str
) -> None:
    golden = families(family)
    expected, file = _expected(golden, name), _import(golden, name)
    hidden = [
        expected["last_hidden_state"][index, : row.tokens] for index, row in enumerate(golden.rows)
    ]

    head = HeadStack(file.spec.head, float_tensors(file))

    _require_logits(head, hidden, expected, list(range(len(hidden))))


@pytest.mark.parametrize(("family", "name"), _ALL)
def test_an_imported_adapter_computes_what_the_library_computed(
    families: Families, family: str, name: str
) -> None:
    golden = families(family)
    (adapter, head), expected = _adapter(golden, name), _expected(golden, name)

    (hidden,) = run_mix(golden.encoder, [(adapter, golden.rows)])

    if "last_hidden_state" in expected:
        whole = expected["last_hidden_state"]
        assert_close(
            hidden,
            [whole[index, : len(row_TH)] for index, row_TH in enumerate(hidden)],
            rtol=1e-5,
            atol=1e-5,
        )
    _require_logits(head, hidden, expected, list(range(len(hidden))))


@pytest.mark.parametrize("family", _CASES)
@pytest.mark.parametrize("seed", range(3))
def test_imported_adapters_in_a_random_mix_compute_what_the_library_computed(
    families: Families, family: str, seed: int
) -> None:
    golden = families(family)
    choose = random.Random(seed)  # noqa: S311  (test data)
    names = choose.sample(_CASES[family], len(_CASES[family]))
    parts = [
        (name, *_adapter(golden, name), choose.sample(range(4), choose.randint(1, 4)))
        for name in names
    ]
    taps = [(adapter, [golden.rows[i] for i in rows]) for _, adapter, _, rows in parts]

    *mixed, bare = run_mix(golden.encoder, [*taps, (BareTaps(), golden.rows)])

    for (name, _, head, rows), hidden in zip(parts, mixed, strict=True):
        _require_logits(head, hidden, _expected(golden, name), rows)
    expected = _expected(golden, f"{family}/seq_bn")["no_adapter_last_hidden_state"]
    for row_TH, whole_TH in zip(bare, expected, strict=True):
        assert_close(row_TH, whole_TH[: len(row_TH)], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("family", _CASES)
def test_what_is_not_imported_is_refused_by_name(families: Families, family: str) -> None:
    golden = families(family)
    refused = {name for name in golden.cases if name not in _CASES[family]}

    for name in refused:
        with pytest.raises(FolderRefused) as error:
            _import(golden, name)
        case = name.partition("/")[2]
        assert REFUSED[case] in str(error.value)
    assert refused == {name for name in golden.cases if name.partition("/")[2] in REFUSED}


@pytest.mark.parametrize("name", ["peft_bert/lora_default", "peft_bert/lora_tok"])
def test_a_folder_without_labels_says_how_many_it_needs(families: Families, name: str) -> None:
    golden = families("bert")
    count = 5 if "tok" in name else 3

    with pytest.raises(FolderRefused, match=f"does not name its {count} labels"):
        import_folder(golden.cases[name], golden.target)
