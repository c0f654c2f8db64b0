"""An adapter file as a folder of the `adapters` library, `adapters` 1.3.0's format.

Only safetensors are written: `model.load_adapter(folder, use_safetensors=True)`.
"""

from collections.abc import Mapping, Sequence

from multitap_adapters.family import Family
from multitap_adapters.file import AdapterFile, TensorData
from multitap_adapters.spec import (
    Activation,
    AdapterSpec,
    Bottleneck,
    Head,
    HeadKind,
    Ia3,
    Invertible,
    Lora,
    Module,
    Projection,
)

from .activations import write_activation
from .adapterhub import CONFIG, SAFE_WEIGHTS
from .bottlenecks import bottleneck_size
from .errors import ExportRefused
from .hub_heads import HEAD_CONFIG, SAFE_HEAD
from .hub_lora import hub_lora_key
from .keys import bottleneck_key, coupling_key, places, site_key
from .written import WrittenFolder, column, plain_number

VERSION = "adapters.1.3.0"
_MODEL_CLASSES = {
    "bert": "BertAdapterModel",
    "distilbert": "DistilBertAdapterModel",
    "electra": "ElectraAdapterModel",
    "roberta": "RobertaAdapterModel",
    "xlm-roberta": "XLMRobertaAdapterModel",
}
_HEAD_TYPES: Mapping[HeadKind, str] = {
    "classification": "classification",
    "multilabel": "multilabel_classification",
    "question_answering": "question_answering",
    "regression": "classification",
    "tagging": "tagging",
}
_ATTENTION = {"query": "q", "key": "k", "value": "v"}
_LORA_PLACES = frozenset({*_ATTENTION, "ffn_up", "ffn_down"})
_RESIDUALS: Mapping[str, bool | str] = {"sub_layer": True, "sum": "post_add", "input": False}

Tensors = Mapping[str, TensorData]


def to_adapterhub(file: AdapterFile, family: Family, name: str) -> WrittenFolder:
    """Return the folder that says what the file says.

    Raises:
        ExportRefused: the format cannot say it.
    """
    spec = file.spec
    model_class = _MODEL_CLASSES.get(family.model_type)
    if model_class is None:
        raise ExportRefused(f"the adapters library has no {family.model_type} models")
    config = _config(spec)
    stored: dict[str, TensorData] = {}
    for index, module in enumerate(spec.modules):
        stored |= _module_tensors(module, file, index, family, name)
    shared: dict[str, object] = {
        "model_type": family.model_type,
        "hidden_size": spec.backbone.hidden_size,
        "model_class": model_class,
        "model_name": spec.card.extra.get("base_model"),
        "name": name,
        "version": VERSION,
    }
    prefixed = {f"{family.prefix}{key}": data for key, data in stored.items()}
    documents: dict[str, Mapping[str, object]] = {CONFIG: {**shared, "config": config}}
    tensors: dict[str, Tensors] = {SAFE_WEIGHTS: prefixed}
    if spec.head.kind != "embedding":
        documents[HEAD_CONFIG] = {**shared, "config": _head_config(spec)}
        tensors[SAFE_HEAD] = _head_tensors(spec.head, file, name)
    elif spec.head.layers or spec.head.normalize or spec.head.input != "mean":
        raise ExportRefused("the adapters library has no head for embeddings")
    return WrittenFolder(documents, tensors)


def _config(spec: AdapterSpec) -> Mapping[str, object]:
    match spec.modules:
        case (Lora() as lora,):
            return _lora_config(lora)
        case (Ia3() as ia3,):
            return _ia3_config(ia3)
        case (Bottleneck() as bottleneck,):
            return _bottleneck_config(bottleneck, None, spec)
        case (Invertible() as invertible, Bottleneck() as bottleneck):
            return _bottleneck_config(bottleneck, invertible, spec)
        case (Invertible() as invertible,):
            return _bottleneck_config(None, invertible, spec)
        case _:
            methods = ", ".join(module.method for module in spec.modules) or "no module"
            raise ExportRefused(f"one folder of the adapters library cannot hold {methods}")


def _bottleneck_config(
    module: Bottleneck | None, invertible: Invertible | None, spec: AdapterSpec
) -> Mapping[str, object]:
    if module is not None and invertible is not None and module.activation != invertible.activation:
        raise ExportRefused(
            "the adapters library has one non-linearity for bottlenecks and invertible adapters, "
            f"the file {module.activation!r} and {invertible.activation!r}"
        )
    activation = module.activation if module is not None else "relu"
    config: dict[str, object] = {
        "cross_adapter": False,
        "dropout": 0.0,
        "init_weights": "bert",
        "inv_adapter": None,
        "inv_adapter_reduction_factor": None,
        "mh_adapter": False,
        "non_linearity": write_activation(invertible.activation if invertible else activation),
        "output_adapter": False,
        "phm_layer": False,
        "reduction_factor": 16,
        "use_gating": False,
    }
    if invertible is not None:
        half = spec.backbone.embedding_size // 2
        config["inv_adapter"] = "nice"
        config["inv_adapter_reduction_factor"] = reduction_factor(half, invertible.size)
    if module is not None:
        config |= _placement(module, spec.backbone.hidden_size)
    return config


def _placement(module: Bottleneck, hidden: int) -> Mapping[str, object]:
    factor: object
    if isinstance(module.size, int):
        factor = reduction_factor(hidden, module.size)
    else:
        factor = {str(i): reduction_factor(hidden, size) for i, size in enumerate(module.size)}
    return {
        "adapter_residual_before_ln": module.residual_before_new_norm,
        "is_parallel": module.arrangement == "parallel",
        "leave_out": list(module.leave_out),
        "ln_after": module.new_norm_after,
        "ln_before": module.new_norm_before,
        "mh_adapter": "attention" in module.sites,
        "original_ln_after": module.norm_after,
        "original_ln_before": module.norm_before,
        "output_adapter": "ffn" in module.sites,
        "reduction_factor": factor,
        "residual_before_ln": _RESIDUALS[module.residual],
        "scaling": module.scaling,
    }


def reduction_factor(width: int, size: int) -> int | float:
    """Return a factor that the library turns into exactly this size."""
    factor = width // size if width % size == 0 else width / (size + 0.5)
    if bottleneck_size(width, float(factor), "the file") != size:
        raise ExportRefused(f"no reduction factor turns {width} into {size}")
    return factor


def _lora_config(module: Lora) -> Mapping[str, object]:
    for field, reason in (("rslora", "rslora"), ("bias", "trained biases")):
        if getattr(module, field):
            raise ExportRefused(f"the adapters library has no LoRA with {reason}")
    if module.overrides:
        raise ExportRefused("the adapters library has one rank and alpha for all projections")
    return {
        **_projections(module.projections),
        "alpha": plain_number(module.alpha),
        "composition_mode": "add",
        "init_weights": "lora",
        "leave_out": list(module.leave_out),
        "r": module.r,
    }


def _ia3_config(module: Ia3) -> Mapping[str, object]:
    if module.inputs:
        raise ExportRefused("the adapters library has no (IA)³ of a projection's input")
    return {
        **_projections(module.outputs),
        "alpha": 1,
        "composition_mode": "scale",
        "init_weights": "ia3",
        "leave_out": list(module.leave_out),
        "r": 1,
    }


def _projections(projections: Sequence[Projection]) -> Mapping[str, object]:
    beyond = [place for place in projections if place not in _LORA_PLACES]
    if beyond:
        raise ExportRefused(f"the adapters library has no LoRA of {beyond[0]!r}")
    attention = [short for place, short in _ATTENTION.items() if place in projections]
    return {
        "architecture": "lora",
        "attn_matrices": attention or ["q", "v"],
        "dropout": 0.0,
        "intermediate_lora": "ffn_up" in projections,
        "output_lora": "ffn_down" in projections,
        "selfattn_lora": bool(attention),
        "use_dora": False,
        "use_gating": False,
    }


def _module_tensors(
    module: Module, file: AdapterFile, index: int, family: Family, name: str
) -> dict[str, TensorData]:
    found: dict[str, TensorData] = {}
    for place in places(module, file.spec.backbone):
        data = file.tensors[f"modules.{index}.{place}"]
        if isinstance(module, Bottleneck):
            found[bottleneck_key(family, name, module, place)] = data
            _, layer, site, *tensor = place.split(".")
            if tensor[0] == "norm_before":
                # The library has this norm under two names.
                at = site_key(family, name, int(layer), "ffn" if site == "ffn" else "attention")
                found[f"{at}.adapter_down.0.{tensor[1]}"] = data
        elif isinstance(module, Invertible):
            found[coupling_key(name, place)] = data
        else:
            key = hub_lora_key(family, name, place)
            found[key] = column(data) if isinstance(module, Ia3) else data
    return found


def _head_config(spec: AdapterSpec) -> Mapping[str, object]:
    head, hidden = spec.head, spec.backbone.hidden_size
    *inner, last = head.layers
    if head.input == "mean":
        raise ExportRefused("heads of the adapters library see the first token, not the mean")
    if any(layer.out != hidden or not layer.bias for layer in inner):
        raise ExportRefused(
            f"inner layers of the adapters library's heads have {hidden} outputs and a bias"
        )
    functions: set[Activation] = {layer.activation for layer in inner}
    if len(functions) > 1 or last.activation != "none":
        raise ExportRefused(
            "heads of the adapters library have one non-linearity, and none after the last layer"
        )
    function: Activation = functions.pop() if functions else "none"
    labels = head.labels or tuple(f"LABEL_{i}" for i in range(last.out))
    config: dict[str, object] = {
        "activation_function": None if function == "none" else write_activation(function),
        "dropout_prob": None,
        "head_type": _HEAD_TYPES[head.kind],
        "label2id": {label: number for number, label in enumerate(labels)},
        "layers": len(head.layers),
        "num_labels": last.out,
    }
    if head.input == "tokens":
        if not last.bias:
            raise ExportRefused(f"a {head.kind} head of the adapters library has a bias")
        return config
    return config | {"bias": last.bias, "use_pooler": False}


def _head_tensors(head: Head, file: AdapterFile, name: str) -> Tensors:
    inner = head.layers[:-1]
    step = 3 if inner and inner[0].activation != "none" else 2
    return {
        f"heads.{name}.{1 + step * index}.{tensor}": file.tensors[f"head.{index}.{tensor}"]
        for index, layer in enumerate(head.layers)
        for tensor in (("weight", "bias") if layer.bias else ("weight",))
    }
