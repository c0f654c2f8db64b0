"""From an adapter file to a folder of another library, checked by reading it back."""

import shutil
import tempfile
from pathlib import Path
from typing import Literal

from multitap_adapters.family import FAMILIES
from multitap_adapters.file import AdapterFile
from multitap_adapters.spec import AdapterSpec, Bottleneck, Ia3, LayerNorms, Lora, Module

from .errors import ExportRefused, FolderRefused
from .export_adapterhub import to_adapterhub
from .export_peft import to_peft
from .importer import read_folder, tensor_data
from .parts import HeadChoice
from .target import Pooler, Target

Format = Literal["adapterhub", "peft"]


def export_adapter(file: AdapterFile, to: Format, folder: Path, *, name: str | None = None) -> None:
    """Write a new folder that the other library can load: all of it, or nothing.

    `name` is the adapter's name in the `adapters` library; the card's task by default. The folder
    is read back before it gets its name, and must give the same modules, head and tensors.

    Raises:
        ExportRefused: the folder is there already, or the format cannot say what the file says.
        OSError: it cannot be written.
    """
    if folder.exists():
        raise ExportRefused(f"{folder} exists")
    target = _target(file.spec)
    if to == "peft":
        written = to_peft(file, target)
    else:
        written = to_adapterhub(file, target.family, _name(file.spec, name))
    part = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        written.write(part)
        _require_same(file, part, target, to)
        part.chmod(0o755)
        part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _target(spec: AdapterSpec) -> Target:
    """Return the backbone as far as the file knows it, which is enough to read a folder back."""
    family = FAMILIES.get(spec.backbone.model_type)
    if family is None:
        raise ExportRefused(f"model_type {spec.backbone.model_type!r} is not supported")

    def no_pooler() -> Pooler:
        raise FolderRefused("the head needs the backbone's pooler")

    return Target(spec.backbone, family, spec.max_tokens, {}, no_pooler)


def _name(spec: AdapterSpec, name: str | None) -> str:
    chosen = name or spec.card.extra.get("source_name") or spec.card.task or "adapter"
    if name is not None and ("." in name or not name.isprintable()):
        raise ExportRefused(f"the adapters library cannot call an adapter {name!r}")
    return chosen.replace(".", "-")


def _require_same(file: AdapterFile, folder: Path, target: Target, to: Format) -> None:
    head = file.spec.head
    choice = HeadChoice(wanted=head.kind != "embedding")
    if to == "peft":
        choice = HeadChoice(
            labels=head.labels or None,
            multilabel=head.kind == "multilabel",
            wanted=head.kind != "embedding",
        )
    try:
        back = read_folder(folder, target, choice)
    except FolderRefused as error:
        raise ExportRefused(f"the {to} format cannot say all of this file: {error}") from error
    tensors = {
        f"modules.{index}.{place}": tensor_data(tensor)
        for index, part in enumerate(back.modules)
        for place, tensor in part.tensors.items()
    }
    if back.head is not None:
        tensors |= {f"head.{place}": tensor_data(t) for place, t in back.head.tensors.items()}
    modules = [_plain(part.module) for part in back.modules]
    if modules != [_plain(module) for module in file.spec.modules]:
        raise ExportRefused(f"the {to} format cannot say all of this file's modules")
    if back.head is not None and back.head.head != head:
        raise ExportRefused(f"the {to} format cannot say all of this file's head")
    if tensors != dict(file.tensors):
        raise ExportRefused(f"the {to} format cannot hold this file's tensors")


def _plain(module: Module) -> Module:
    """Return the module with its lists in one order, which has no meaning."""
    match module:
        case Lora():
            overrides = sorted(module.overrides, key=lambda each: (each.layer, each.projection))
            changes: dict[str, object] = {
                "projections": tuple(sorted(module.projections)),
                "overrides": tuple(overrides),
            }
        case Bottleneck():
            sizes = module.size
            same = sizes if isinstance(sizes, int) or len(set(sizes)) > 1 else sizes[0]
            changes = {"sites": tuple(sorted(module.sites)), "size": same}
        case Ia3():
            changes = {
                "outputs": tuple(sorted(module.outputs)),
                "inputs": tuple(sorted(module.inputs)),
            }
        case LayerNorms():
            changes = {"sites": tuple(sorted(module.sites))}
        case _:
            changes = {}
    return module.model_copy(update=changes)
