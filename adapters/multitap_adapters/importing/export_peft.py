"""An adapter file as a folder of the `peft` library, in the format of `peft` 0.21.2.

The format has no names for labels, and no longest input: these are left out.
"""

import re
from collections.abc import Iterator, Mapping

from multitap_adapters.family import Family
from multitap_adapters.file import AdapterFile, TensorData
from multitap_adapters.spec import AdapterSpec, HeadKind, Ia3, LayerNorms, Lora

from .errors import ExportRefused
from .heads import HeadLayout, static_layout
from .keys import norm_key, places
from .peft import CONFIG, SAFE_WEIGHTS
from .peft_ia3 import peft_ia3_key
from .peft_lora import peft_lora_key
from .peft_model import WRAPPER, PeftModel
from .target import POOLER, Target
from .written import WrittenFolder, column, plain_number, row

_TASKS: Mapping[HeadKind, str] = {
    "classification": "SEQ_CLS",
    "embedding": "FEATURE_EXTRACTION",
    "multilabel": "SEQ_CLS",
    "question_answering": "QUESTION_ANS",
    "regression": "SEQ_CLS",
    "tagging": "TOKEN_CLS",
}
_SEQUENCES = ("classification", "multilabel", "regression")


def to_peft(file: AdapterFile, target: Target) -> WrittenFolder:
    """Return the folder that says what the file says.

    Raises:
        ExportRefused: the format cannot say it.
    """
    spec, family = file.spec, target.family
    layout = _layout(spec, family)
    model = PeftModel(target, family.prefix if layout else "", layout.kind if layout else None)
    config: dict[str, object] = {
        "base_model_name_or_path": spec.card.extra.get("base_model"),
        "inference_mode": True,
        "task_type": _TASKS[spec.head.kind],
        **_method(spec, model),
    }
    stored = dict(_module_tensors(file, model))
    if layout is not None:
        config["modules_to_save"] = sorted({key.partition(".")[0] for key in layout.keys})
        if layout.pooler:
            config["modules_to_save"] = ["classifier", POOLER.partition(".")[0]]
        stored |= _head_tensors(file, layout, family)
    wrapped = {f"{WRAPPER}{key}": data for key, data in stored.items()}
    return WrittenFolder({CONFIG: config}, {SAFE_WEIGHTS: wrapped})


def _layout(spec: AdapterSpec, family: Family) -> HeadLayout | None:
    """Return the head as a model of `transformers` has it, None for a bare model."""
    head = spec.head
    if head.kind == "embedding":
        if head.layers or head.normalize or head.input != "mean":
            raise ExportRefused("a folder of peft has no head for embeddings")
        return None
    kind: HeadKind = "classification" if head.kind in _SEQUENCES else head.kind
    layout = static_layout(family.model_type, kind)
    activations = ("tanh",) if layout.pooler else layout.activations
    expected = tuple((spec.backbone.hidden_size, True, each) for each in activations)
    found = tuple((layer.out, layer.bias, layer.activation) for layer in head.layers[:-1])
    last = head.layers[-1]
    if (
        head.input != layout.input
        or found != expected
        or not last.bias
        or last.activation != "none"
    ):
        raise ExportRefused(
            f"a {family.model_type} model for {kind} has another head: "
            f"{layout.input}, {len(activations) + 1} layers with a bias"
            + (f", {activations[0]} between them" if activations else "")
        )
    return layout


def _method(spec: AdapterSpec, model: PeftModel) -> Mapping[str, object]:
    modules = spec.modules
    loras = [module for module in modules if isinstance(module, Lora)]
    if loras and len(loras) == len(modules):
        return _lora_config(loras, model)
    ia3s = [module for module in modules if isinstance(module, Ia3)]
    if ia3s and len(ia3s) == len(modules):
        return _ia3_config(ia3s, model)
    if len(modules) == 1 and isinstance(modules[0], LayerNorms):
        names = {norm_key(model.target.family, _site(place)) for place in _places(spec, 0)}
        return {
            "peft_type": "LN_TUNING",
            "target_modules": sorted(f"{model.prefix}{name}" for name in names),
        }
    methods = ", ".join(module.method for module in modules) or "no module"
    raise ExportRefused(f"a folder of peft cannot hold {methods}")


def _lora_config(loras: list[Lora], model: PeftModel) -> Mapping[str, object]:
    if len({(lora.rslora, lora.bias) for lora in loras}) > 1:
        raise ExportRefused("a folder of peft has one scaling and one bias setting for all LoRA")
    first = loras[0]
    names: list[str] = []
    ranks: dict[str, int] = {}
    alphas: dict[str, int | float] = {}
    for name, rank, alpha in (each for lora in loras for each in _scaled(lora, model)):
        names.append(name)
        if rank != first.r:
            ranks[re.escape(name)] = rank
        if alpha != first.alpha:
            alphas[re.escape(name)] = plain_number(alpha)
    return {
        "alpha_pattern": alphas,
        "bias": "lora_only" if first.bias else "none",
        "fan_in_fan_out": False,
        "init_lora_weights": True,
        "lora_alpha": plain_number(first.alpha),
        "lora_dropout": 0.0,
        "peft_type": "LORA",
        "r": first.r,
        "rank_pattern": ranks,
        "target_modules": sorted(names),
        "use_dora": False,
        "use_rslora": first.rslora,
    }


def _ia3_config(ia3s: list[Ia3], model: PeftModel) -> Mapping[str, object]:
    targets: list[str] = []
    inputs: list[str] = []
    for ia3 in ia3s:
        if set(ia3.outputs) & set(ia3.inputs):
            raise ExportRefused("peft multiplies a projection's input or its output, not both")
        for layer in range(model.target.identity.num_layers):
            for projection in () if layer in ia3.leave_out else ia3.projections():
                targets.append(model.projection(layer, projection))
                if projection in ia3.inputs:
                    inputs.append(targets[-1])
    return {
        "fan_in_fan_out": False,
        "feedforward_modules": sorted(inputs),
        "init_ia3_weights": True,
        "peft_type": "IA3",
        "target_modules": sorted(targets),
    }


def _scaled(lora: Lora, model: PeftModel) -> Iterator[tuple[str, int, float]]:
    """Yield every targeted projection's name, rank and alpha."""
    overrides = {(each.layer, each.projection): each for each in lora.overrides}
    for layer in range(model.target.identity.num_layers):
        for projection in () if layer in lora.leave_out else lora.projections:
            other = overrides.get((layer, projection))
            alpha = other.alpha if other is not None and other.alpha is not None else lora.alpha
            yield model.projection(layer, projection), lora.rank_of(layer, projection), alpha


def _module_tensors(file: AdapterFile, model: PeftModel) -> Iterator[tuple[str, TensorData]]:
    for index, module in enumerate(file.spec.modules):
        for place in _places(file.spec, index):
            data = file.tensors[f"modules.{index}.{place}"]
            if isinstance(module, Lora):
                yield peft_lora_key(model, place), data
            elif isinstance(module, Ia3):
                vector = row(data) if place.endswith("input_scale") else column(data)
                yield peft_ia3_key(model, place), vector
            else:
                name = norm_key(model.target.family, _site(place))
                tensor = place.rpartition(".")[2]
                yield f"{model.prefix}{name}.ln_tuning_layers.{tensor}", data


def _head_tensors(file: AdapterFile, layout: HeadLayout, family: Family) -> dict[str, TensorData]:
    keys = list(layout.keys)
    if layout.pooler:
        keys.insert(0, f"{family.prefix}{POOLER}")
    return {
        f"{key}.{tensor}": file.tensors[f"head.{index}.{tensor}"]
        for index, key in enumerate(keys)
        for tensor in ("weight", "bias")
    }


def _places(spec: AdapterSpec, index: int) -> Iterator[str]:
    yield from places(spec.modules[index], spec.backbone)


def _site(place: str) -> str:
    return place.rpartition(".")[0]
