"""Adapter files as folders of the other libraries: what comes back is what went out."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from torch.testing import assert_close

from multitap_adapters.file import AdapterFile, parse_adapter, read_adapter
from multitap_adapters.importing.errors import ExportRefused
from multitap_adapters.importing.export import Format, export_adapter
from multitap_adapters.importing.export_adapterhub import reduction_factor
from multitap_adapters.importing.importer import import_folder
from multitap_adapters.importing.parts import HeadChoice
from multitap_adapters.importing.target import Target, read_target
from multitap_adapters.spec import (
    BackboneIdentity,
    Bottleneck,
    Card,
    Head,
    HeadLayer,
    Ia3,
    Invertible,
    LayerNorms,
    Lora,
    LoraOverride,
    Module,
)
from random_adapters import random_adapter, random_adapter_bytes, random_spec
from safetensors_files import load_tensors
from tiny_backbone import FAMILY_CONFIGS, tiny_backbone_folder

POOLED = Head(
    kind="classification",
    labels=("no", "yes"),
    input="cls",
    layers=(HeadLayer(out=32, activation="tanh"), HeadLayer(out=2)),
)
SINGLE = Head(kind="classification", labels=("no", "yes"), input="cls", layers=(HeadLayer(out=2),))
TOKENS = Head(kind="tagging", labels=("O", "B"), input="tokens", layers=(HeadLayer(out=2),))
SPANS = Head(kind="question_answering", input="tokens", layers=(HeadLayer(out=2),))
MEAN = Head(kind="embedding", input="mean")
PFEIFFER = Bottleneck(sites=("ffn",), size=4, activation="relu", norm_before=True)


def back(
    file: AdapterFile, to: Format, folder: Path, target: Target, name: str | None = None
) -> AdapterFile:
    """Export a file, and import what that gives."""
    export_adapter(file, to, folder, name=name)
    head = file.spec.head
    choice = HeadChoice(
        labels=head.labels or None if to == "peft" else None,
        multilabel=to == "peft" and head.kind == "multilabel",
    )
    return parse_adapter(import_folder(folder, target, head=choice).data)


def require_same(first: AdapterFile, second: AdapterFile) -> None:
    """Compare modules, heads, and every tensor bit for bit."""
    assert first.spec.modules == second.spec.modules
    assert first.spec.head == second.spec.head
    assert first.spec.backbone == second.spec.backbone
    assert dict(first.tensors) == dict(second.tensors)


HUB_MODULES: list[tuple[Module, ...]] = [
    (Bottleneck(size=8),),
    (PFEIFFER,),
    (PFEIFFER.model_copy(update={"residual": "sum", "norm_after": False}),),
    (PFEIFFER.model_copy(update={"residual": "input", "activation": "gelu_tanh"}),),
    (
        PFEIFFER.model_copy(
            update={
                "new_norm_before": True,
                "new_norm_after": True,
                "residual_before_new_norm": True,
            }
        ),
    ),
    (Bottleneck(arrangement="parallel", sites=("ffn",), size=16, scaling=4.0),),
    (Bottleneck(size=3, scaling="learned", activation="leaky_relu"),),
    (Bottleneck(size=(5, 40), scaling="channel", activation="silu"),),
    (Bottleneck(size=(1, 7), leave_out=(0,), activation="none"),),
    (Invertible(size=8), PFEIFFER),
    (Invertible(size=3, activation="mish"),),
    (Lora(projections=("query", "value", "ffn_up"), r=4, alpha=2.5),),
    (Lora(projections=("ffn_down",), r=2, alpha=8.0, leave_out=(1,)),),
    (Ia3(outputs=("key", "value", "ffn_up")),),
]


@pytest.mark.parametrize("modules", HUB_MODULES)
def test_every_module_of_adapters_comes_back(
    tmp_path: Path, target: Target, modules: tuple[Module, ...]
) -> None:
    file = random_adapter(target.identity, modules=modules, head=POOLED)

    require_same(file, back(file, "adapterhub", tmp_path / "a", target))


@pytest.mark.parametrize("size", range(1, 70))
def test_a_factor_gives_back_its_size(size: int) -> None:
    for width in (32, 64, 768):
        assert int(width // reduction_factor(width, size)) == size


@pytest.mark.parametrize(
    "head",
    [
        POOLED,
        SINGLE,
        TOKENS,
        SPANS,
        MEAN,
        Head(kind="regression", input="cls", layers=(HeadLayer(out=1),)),
        Head(kind="multilabel", labels=("a",), input="cls", layers=(HeadLayer(out=1, bias=False),)),
        Head(
            kind="classification",
            labels=("a", "b", "c"),
            input="cls",
            layers=(HeadLayer(out=32), HeadLayer(out=32), HeadLayer(out=3)),
        ),
    ],
)
def test_every_head_of_adapters_comes_back(tmp_path: Path, target: Target, head: Head) -> None:
    file = random_adapter(target.identity, modules=(PFEIFFER,), head=head)

    require_same(file, back(file, "adapterhub", tmp_path / "a", target))


PEFT_MODULES: list[tuple[Module, ...]] = [
    (Lora(projections=("query", "value"), r=4, alpha=8.0),),
    (
        Lora(
            projections=(
                "query",
                "key",
                "value",
                "attention_output",
                "ffn_up",
                "ffn_down",
            ),
            r=2,
            alpha=3.5,
            rslora=True,
            bias=True,
        ),
    ),
    (
        Lora(
            projections=("query", "value"),
            r=4,
            alpha=8.0,
            overrides=(LoraOverride(layer=1, projection="value", r=2, alpha=3.0),),
        ),
    ),
    (
        Lora(projections=("query",), r=4, alpha=8.0, leave_out=(0,)),
        Lora(projections=("value",), r=2, alpha=1.0, leave_out=(1,)),
    ),
    (Ia3(outputs=("key", "value"), inputs=("ffn_down",)),),
    (
        Ia3(outputs=("key",), leave_out=(0,)),
        Ia3(inputs=("ffn_up",)),
    ),
    (LayerNorms(),),
    (LayerNorms(embeddings=False, sites=("ffn",), leave_out=(1,)),),
]


@pytest.mark.parametrize("modules", PEFT_MODULES)
def test_every_module_of_peft_comes_back(
    tmp_path: Path, target: Target, modules: tuple[Module, ...]
) -> None:
    file = random_adapter(target.identity, modules=modules, head=POOLED)

    require_same(file, back(file, "peft", tmp_path / "a", target))


@pytest.mark.parametrize(
    "head",
    [
        POOLED,
        TOKENS,
        SPANS,
        MEAN,
        POOLED.model_copy(update={"kind": "multilabel"}),
        Head(
            kind="regression",
            input="cls",
            layers=(HeadLayer(out=32, activation="tanh"), HeadLayer(out=1)),
        ),
    ],
)
def test_every_head_of_peft_comes_back(tmp_path: Path, target: Target, head: Head) -> None:
    modules = (Lora(projections=("query",), r=2, alpha=2.0),)
    file = random_adapter(target.identity, modules=modules, head=head)

    require_same(file, back(file, "peft", tmp_path / "a", target))


@pytest.mark.parametrize("family", FAMILY_CONFIGS)
@pytest.mark.parametrize("to", ["adapterhub", "peft"])
def test_every_family_comes_back(tmp_path: Path, family: str, to: Format) -> None:
    config = FAMILY_CONFIGS[family]
    target = read_target(tiny_backbone_folder(tmp_path / "backbone", config=config))
    between = {"electra": "gelu", "distilbert": "relu"}.get(family, "tanh")
    first = HeadLayer.model_validate({"out": 32, "activation": between})
    head = POOLED.model_copy(update={"layers": (first, HeadLayer(out=2))})
    modules: tuple[Module, ...] = (Lora(projections=("query", "ffn_down"), r=2, alpha=2.0),)
    file = random_adapter(target.identity, modules=modules, head=head)

    if (family, to) == ("camembert", "adapterhub"):
        with pytest.raises(ExportRefused, match="the adapters library has no camembert models"):
            export_adapter(file, to, tmp_path / "a")
    else:
        require_same(file, back(file, to, tmp_path / "a", target))


@pytest.mark.parametrize(
    ("to", "modules", "head", "message"),
    [
        ("adapterhub", (), POOLED, "cannot hold no module"),
        ("adapterhub", (LayerNorms(),), POOLED, "cannot hold layer_norm"),
        ("adapterhub", (Bottleneck(size=2), LayerNorms()), POOLED, "hold bottleneck, layer_norm"),
        ("adapterhub", (PFEIFFER, PFEIFFER), POOLED, "cannot hold bottleneck, bottleneck"),
        (
            "adapterhub",
            (Invertible(size=2, activation="tanh"), PFEIFFER),
            POOLED,
            "one non-linearity for bottlenecks and invertible adapters",
        ),
        ("adapterhub", (Bottleneck(size=2, activation="selu"),), POOLED, "no non-linearity 'selu'"),
        (
            "adapterhub",
            (Lora(projections=("attention_output",), r=1, alpha=1.0),),
            POOLED,
            "no LoRA of 'attention_output'",
        ),
        (
            "adapterhub",
            (Lora(projections=("query",), r=1, alpha=1.0, rslora=True),),
            POOLED,
            "no LoRA with rslora",
        ),
        (
            "adapterhub",
            (Lora(projections=("query",), r=1, alpha=1.0, bias=True),),
            POOLED,
            "no LoRA with trained biases",
        ),
        (
            "adapterhub",
            (
                Lora(
                    projections=("query",),
                    r=1,
                    alpha=1.0,
                    overrides=(LoraOverride(layer=0, projection="query", r=2),),
                ),
            ),
            POOLED,
            "one rank and alpha for all projections",
        ),
        ("adapterhub", (Ia3(inputs=("ffn_up",)),), POOLED, r"\(IA\)³ of a projection's input"),
        ("adapterhub", (PFEIFFER,), MEAN.model_copy(update={"normalize": True}), "no head for emb"),
        (
            "adapterhub",
            (PFEIFFER,),
            SINGLE.model_copy(update={"input": "mean"}),
            "see the first token, not the mean",
        ),
        (
            "adapterhub",
            (PFEIFFER,),
            POOLED.model_copy(update={"layers": (HeadLayer(out=16), HeadLayer(out=2))}),
            "have 32 outputs and a bias",
        ),
        (
            "adapterhub",
            (PFEIFFER,),
            POOLED.model_copy(
                update={
                    "layers": (
                        HeadLayer(out=32, activation="relu"),
                        HeadLayer(out=32, activation="tanh"),
                        HeadLayer(out=2),
                    )
                }
            ),
            "have one non-linearity",
        ),
        (
            "adapterhub",
            (PFEIFFER,),
            TOKENS.model_copy(update={"layers": (HeadLayer(out=2, bias=False),)}),
            "a tagging head of the adapters library has a bias",
        ),
        (
            "adapterhub",
            (
                PFEIFFER.model_copy(
                    update={"arrangement": "parallel", "norm_before": False, "residual": "input"}
                ),
            ),
            POOLED,
            "cannot say all of this file's modules",
        ),
        ("peft", (), POOLED, "cannot hold no module"),
        ("peft", (PFEIFFER,), POOLED, "cannot hold bottleneck"),
        ("peft", (LayerNorms(),), SINGLE, "a bert model for classification has another head"),
        ("peft", (LayerNorms(),), MEAN.model_copy(update={"input": "cls"}), "no head for emb"),
        (
            "peft",
            (
                Lora(projections=("query",), r=1, alpha=1.0),
                Lora(projections=("key",), r=1, alpha=1.0, rslora=True),
            ),
            POOLED,
            "one scaling and one bias setting",
        ),
        (
            "peft",
            (
                Lora(projections=("query",), r=1, alpha=1.0),
                Lora(projections=("key",), r=1, alpha=1.0),
            ),
            POOLED,
            "cannot say all of this file's modules",
        ),
        (
            "peft",
            (Ia3(outputs=("ffn_up",), inputs=("ffn_up",)),),
            POOLED,
            "a projection's input or its output, not both",
        ),
    ],
)
def test_what_a_format_cannot_say_is_refused_and_nothing_is_written(
    tmp_path: Path,
    target: Target,
    to: Format,
    modules: Sequence[Module],
    head: Head,
    message: str,
) -> None:
    file = random_adapter(target.identity, modules=modules, head=head)

    with pytest.raises(ExportRefused, match=message) as error:
        export_adapter(file, to, tmp_path / "a")

    assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_there_is_kept(tmp_path: Path, target: Target) -> None:
    file = random_adapter(target.identity, modules=(PFEIFFER,), head=POOLED)
    (tmp_path / "a").mkdir()

    with pytest.raises(ExportRefused, match=f"{tmp_path / 'a'} exists"):
        export_adapter(file, "adapterhub", tmp_path / "a")


def test_the_adapter_has_the_name_that_is_given_or_else_its_tasks(
    tmp_path: Path, target: Target
) -> None:
    spec = random_spec(target.identity, modules=(PFEIFFER,), head=POOLED)
    spec = spec.model_copy(update={"card": Card(task="films.v2")})
    file = parse_adapter(random_adapter_bytes(spec))

    export_adapter(file, "adapterhub", tmp_path / "a")
    export_adapter(file, "adapterhub", tmp_path / "b", name="mine")

    assert json.loads((tmp_path / "a" / "adapter_config.json").read_text())["name"] == "films-v2"
    assert "heads.mine.4.weight" in load_tensors(tmp_path / "b" / "model_head.safetensors")


@pytest.mark.parametrize("name", ["a.b", "../x", "a\nb"])
def test_a_name_that_no_adapter_can_have_is_refused(
    tmp_path: Path, target: Target, name: str
) -> None:
    file = random_adapter(target.identity, modules=(PFEIFFER,), head=POOLED)

    with pytest.raises(ExportRefused, match="cannot call an adapter"):
        export_adapter(file, "adapterhub", tmp_path / "a", name=name)


def test_a_model_type_that_is_not_known_is_refused(tmp_path: Path) -> None:
    identity = BackboneIdentity(
        model_type="other",
        hidden_size=8,
        intermediate_size=8,
        embedding_size=8,
        num_layers=1,
        digest="sha256:" + "0" * 64,
        config_digest="sha256:" + "0" * 64,
        tokenizer_digest="sha256:" + "0" * 64,
    )

    with pytest.raises(ExportRefused, match="model_type 'other' is not supported"):
        export_adapter(random_adapter(identity), "peft", tmp_path / "a")


def test_a_folder_of_adapters_is_laid_out_as_the_library_lays_it_out(
    tmp_path: Path, target: Target
) -> None:
    file = random_adapter(target.identity, modules=(PFEIFFER,), head=POOLED)

    export_adapter(file, "adapterhub", tmp_path / "a", name="task")

    config = json.loads((tmp_path / "a" / "adapter_config.json").read_text())
    stored = load_tensors(tmp_path / "a" / "adapter.safetensors")
    assert (config["model_type"], config["hidden_size"], config["version"]) == (
        "bert",
        32,
        "adapters.1.3.0",
    )
    assert config["config"]["reduction_factor"] == 8
    key = "bert.encoder.layer.0.output.adapters.task.adapter_down.0.weight"
    written = file.tensors["modules.0.layers.0.ffn.down.weight"].to_numpy()
    assert_close(stored[key].numpy(), written)


def test_a_folder_of_peft_is_laid_out_as_the_library_lays_it_out(
    tmp_path: Path, target: Target
) -> None:
    modules = (Lora(projections=("query",), r=2, alpha=4.0, leave_out=(1,)),)
    file = random_adapter(target.identity, modules=modules, head=POOLED)

    export_adapter(file, "peft", tmp_path / "a")

    config = json.loads((tmp_path / "a" / "adapter_config.json").read_text())
    assert config["target_modules"] == ["bert.encoder.layer.0.attention.self.query"]
    assert (config["peft_type"], config["task_type"], config["lora_alpha"]) == (
        "LORA",
        "SEQ_CLS",
        4,
    )
    assert sorted(load_tensors(tmp_path / "a" / "adapter_model.safetensors")) == [
        "base_model.model.bert.encoder.layer.0.attention.self.query.lora_A.weight",
        "base_model.model.bert.encoder.layer.0.attention.self.query.lora_B.weight",
        "base_model.model.bert.pooler.dense.bias",
        "base_model.model.bert.pooler.dense.weight",
        "base_model.model.classifier.bias",
        "base_model.model.classifier.weight",
    ]


def test_a_file_on_disk_is_exported(tmp_path: Path, target: Target) -> None:
    spec = random_spec(target.identity, modules=(PFEIFFER,), head=POOLED)
    (tmp_path / "a.safetensors").write_bytes(random_adapter_bytes(spec))
    file = read_adapter(tmp_path / "a.safetensors")

    require_same(file, back(file, "adapterhub", tmp_path / "a", target))
