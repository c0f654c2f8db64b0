"""Folders of the `peft` library: LoRA, (IA)³ and LN tuning on encoders, with the saved head."""

from collections.abc import Mapping
from pathlib import Path

from .errors import FolderRefused
from .heads import read_head, static_layout
from .parts import FolderParts, HeadChoice, HeadPart, ModulePart
from .peft_ia3 import read_peft_ia3
from .peft_lora import PoolerUpdate, read_peft_lora
from .peft_model import WRAPPER, PeftModel, describe_model
from .peft_norms import read_peft_norms
from .settings import Settings, read_settings
from .stored import StoredTensors
from .target import POOLER, Pooler, Target
from .weights import find_weights, read_weights_file

CONFIG = "adapter_config.json"
SAFE_WEIGHTS = "adapter_model.safetensors"
OLD_WEIGHTS = "adapter_model.bin"

_METHODS = ("LORA", "IA3", "LN_TUNING")
_REFUSED_TYPES = {
    "P_TUNING": "trained tokens before the text",
    "PROMPT_TUNING": "trained tokens before the text",
    "MULTITASK_PROMPT_TUNING": "trained tokens before the text",
    "PREFIX_TUNING": "prefixes of keys and values",
}


def read_peft(folder: Path, target: Target, choice: HeadChoice) -> FolderParts:
    """Read a folder that `save_pretrained` of a `peft` model wrote.

    Raises:
        FolderRefused: it cannot be served faithfully, or its tensors are not as it says.
    """
    settings = read_settings(folder / CONFIG)
    path = find_weights(folder, SAFE_WEIGHTS, OLD_WEIGHTS)
    if path is None:
        raise FolderRefused(f"{folder} has neither {SAFE_WEIGHTS} nor {OLD_WEIGHTS}")
    if choice.name is not None:
        raise FolderRefused("a folder of peft has one head, which has no name")
    method = _method(settings)
    stored = _stored(path, target)
    model = describe_model(settings, target, stored)
    update: PoolerUpdate | None = None
    modules: tuple[ModulePart, ...]
    match method:
        case "LORA":
            lora = read_peft_lora(settings, model, stored)
            modules, update = lora.modules, lora.pooler
        case "IA3":
            modules = read_peft_ia3(settings, model, stored)
        case _:
            modules = (read_peft_norms(settings, model, stored),)
    head = _head(model, choice, stored, update)
    stored.require_all_taken()
    return FolderParts(modules, head, None, _facts(settings))


def _method(settings: Settings) -> str:
    kind = settings.text("peft_type") or ""
    if kind in _METHODS:
        return kind
    reason = f" ({_REFUSED_TYPES[kind]})" if kind in _REFUSED_TYPES else ""
    raise FolderRefused(
        f"method {kind!r}{reason} is not supported; supported: {', '.join(_METHODS)}"
    )


def _stored(path: Path, target: Target) -> StoredTensors:
    stored = StoredTensors(read_weights_file(path), path)
    foreign = [name for name in stored.names() if not name.startswith(WRAPPER)]
    if foreign:
        raise FolderRefused(f"{path} holds {foreign[0]!r}, expected names that begin {WRAPPER!r}")
    stored.require_layers(target.identity.num_layers)
    return stored.rename(lambda name: name.removeprefix(WRAPPER))


def _head(
    model: PeftModel, choice: HeadChoice, stored: StoredTensors, update: PoolerUpdate | None
) -> HeadPart | None:
    heads = [name for name in stored.names() if _is_head(name)]
    if not choice.wanted:
        stored.leave(heads)
        stored.leave(name for name in stored.names() if name.startswith(f"{model.prefix}{POOLER}."))
        return None
    if model.kind is None and heads:
        raise FolderRefused(
            f"{stored.path} holds a head, and task_type does not say what it is for"
        )
    if model.kind in (None, "embedding"):
        if model.prefix and not heads:
            raise FolderRefused(
                f"{stored.path} is for a model with a head, which was not saved; "
                "without the head it can be imported as an embedding"
            )
        return None
    layout = static_layout(model.target.family.model_type, model.kind)
    pooler = _pooler(model, stored, update) if layout.pooler else None
    return read_head(layout, None, choice, model.target, stored, pooler)


def _pooler(model: PeftModel, stored: StoredTensors, update: PoolerUpdate | None) -> Pooler:
    """Return the pooler that was saved, or else the backbone's, with its update if it has one."""
    weight, bias = (f"{model.prefix}{POOLER}.{tensor}" for tensor in ("weight", "bias"))
    hidden = model.target.identity.hidden_size
    if weight in stored:
        saved = stored.take({weight: (hidden, hidden), bias: (hidden,)})
        return saved[0], saved[1]
    pooler = model.target.read_pooler()
    return pooler if update is None else update.apply(pooler)


def _is_head(name: str) -> bool:
    return name.startswith(("classifier.", "pre_classifier.", "qa_outputs."))


def _facts(settings: Settings) -> Mapping[str, str]:
    facts = {
        "source_library": "peft",
        "source_version": settings.text("peft_version"),
        "base_model": settings.text("base_model_name_or_path"),
    }
    return {name: text for name, text in facts.items() if text}
