"""Head files of the `adapters` library: its own flexible heads, and those of `transformers`."""

import re
from pathlib import Path

from multitap_adapters.spec import HeadKind

from .activations import read_activation
from .errors import FolderRefused
from .heads import FAMILIES_WITH_POOLER, MAX_LAYERS, HeadLayout, read_head, static_layout
from .labels import read_label_map
from .parts import HeadChoice, HeadPart
from .settings import Settings, read_settings
from .stored import StoredTensors, counted
from .target import Target
from .weights import find_weights, read_weights_file

HEAD_CONFIG = "head_config.json"
SAFE_HEAD = "model_head.safetensors"
OLD_HEAD = "pytorch_model_head.bin"

_FLEXIBLE: dict[str, HeadKind] = {
    "classification": "classification",
    "multilabel_classification": "multilabel",
    "tagging": "tagging",
    "question_answering": "question_answering",
}
_DEFAULT_LAYERS = {"classification": 2, "multilabel_classification": 2}
_STATIC: dict[str, HeadKind] = {
    "SequenceClassification": "classification",
    "TokenClassification": "tagging",
    "QuestionAnswering": "question_answering",
}
_STATIC_CLASS = re.compile(r"(\w+)For(\w+)")
_MODEL_CLASSES = {
    "Bert": "bert",
    "Camembert": "camembert",
    "DistilBert": "distilbert",
    "Electra": "electra",
    "Roberta": "roberta",
    "XLMRoberta": "xlm-roberta",
}


def find_head_folder(folder: Path, choice: HeadChoice) -> Path | None:
    """Return where the head is: in the folder itself, or in a sub-folder if it has that name.

    Raises:
        FolderRefused: a head of a name is asked for, and there is none.
    """
    if choice.name is None:
        return folder if (folder / HEAD_CONFIG).is_file() else None
    places = [folder, *sorted(path for path in folder.iterdir() if path.is_dir())]
    found: dict[str, Path] = {}
    for place in places:
        if (place / HEAD_CONFIG).is_file():
            found.setdefault(read_settings(place / HEAD_CONFIG).text("name") or "", place)
    if choice.name not in found:
        names = ", ".join(repr(name) for name in found) or "none"
        raise FolderRefused(f"{folder} has no head {choice.name!r}; it has: {names}")
    return found[choice.name]


def read_hub_head(folder: Path, target: Target, choice: HeadChoice) -> HeadPart:
    """Read the head that a folder's `head_config.json` describes.

    Raises:
        FolderRefused: it cannot be served faithfully, or its tensors are not as it says.
    """
    settings = read_settings(folder / HEAD_CONFIG)
    path = find_weights(folder, SAFE_HEAD, OLD_HEAD)
    if path is None:
        raise FolderRefused(f"{folder} has {HEAD_CONFIG}, and neither {SAFE_HEAD} nor {OLD_HEAD}")
    stored = StoredTensors(read_weights_file(path), path)
    inner = settings.inner("config")
    if inner is None:
        layout, labels = _static(settings, target), read_label_map(settings)
        _require_outputs(settings, layout, stored)
    else:
        name = settings.text("name") or ""
        layout, labels = _flexible(inner, name, target), read_label_map(inner)
        _leave_other_heads(stored, name)
        _require_outputs(inner, layout, stored)
    part = read_head(layout, labels, choice, target, stored)
    stored.require_all_taken()
    return part


def _flexible(settings: Settings, name: str, target: Target) -> HeadLayout:
    head_type = settings.text("head_type")
    kind = _FLEXIBLE.get(head_type or "")
    if kind is None:
        raise FolderRefused(
            f"head type {head_type!r} is not supported; supported: {', '.join(_FLEXIBLE)}"
        )
    layers = settings.integer("layers", _DEFAULT_LAYERS.get(head_type or "", 1))
    if not 1 <= layers <= MAX_LAYERS:
        raise FolderRefused(f"layers in {settings.at} is {layers}, expected 1 to {MAX_LAYERS}")
    function = settings.text("activation_function")
    # Each layer is a dropout, a linear layer and, but for the last one, a non-linearity if any.
    step = 3 if function else 2
    pooler = settings.flag("use_pooler", default=False)
    if pooler and target.family.model_type not in FAMILIES_WITH_POOLER:
        raise FolderRefused(f"use_pooler: {target.family.model_type} models have no pooler")
    return HeadLayout(
        kind=kind,
        input="tokens" if kind in ("tagging", "question_answering") else "cls",
        keys=tuple(f"heads.{name}.{1 + step * layer}" for layer in range(layers)),
        activations=(read_activation(function) if function else "none",) * (layers - 1),
        pooler=pooler,
        last_bias=settings.flag("bias", default=True),
    )


def _static(settings: Settings, target: Target) -> HeadLayout:
    model_class = settings.text("model_class") or ""
    match = _STATIC_CLASS.fullmatch(model_class)
    kind = _STATIC.get(match[2]) if match else None
    if match is None or kind is None:
        raise FolderRefused(
            f"the head of model class {model_class!r} is not supported; supported: "
            f"{', '.join(_STATIC)} of {', '.join(_MODEL_CLASSES)}"
        )
    model_type = _MODEL_CLASSES.get(match[1])
    if model_type is None or model_type != target.family.model_type:
        raise FolderRefused(
            f"the head is one of a {model_class}, the backbone is {target.family.model_type}"
        )
    return static_layout(model_type, kind)


def _require_outputs(settings: Settings, layout: HeadLayout, stored: StoredTensors) -> None:
    key = f"{layout.keys[-1]}.weight"
    if "num_labels" not in settings or key not in stored:
        return
    count, shape = settings.integer("num_labels", 0), stored.shape(key)
    if shape[:1] != (count,):
        raise FolderRefused(f"{key!r} has shape {list(shape)}, but num_labels is {count}")


def _leave_other_heads(stored: StoredTensors, name: str) -> None:
    """Leave out what the library saves too much: heads whose names begin with this one's."""
    own, longer = f"heads.{name}.", f"heads.{name}"
    others = [key for key in stored.names() if key.startswith(longer) and not key.startswith(own)]
    stored.leave(others)
    if not any(key.startswith(own) for key in stored.names()):
        found = sorted({key.split(".")[1] for key in stored.names() if key.startswith("heads.")})
        held = counted(found) if found else "none"
        raise FolderRefused(f"{stored.path} has no head {name!r}; it has {held}")
