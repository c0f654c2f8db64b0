"""Which projections a `peft` folder changes: it must hold what it targets, and nothing else."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from multitap_adapters.spec import Projection

from .errors import FolderRefused
from .peft_model import PROJECTIONS, PeftModel
from .peft_targets import targeted
from .settings import Settings
from .stored import StoredTensors

Place: TypeAlias = tuple[int, Projection]


def find_places(
    settings: Settings,
    model: PeftModel,
    stored: StoredTensors,
    defaults: Mapping[str, tuple[str, ...]],
    tensor: str,
) -> tuple[list[Place], bool]:
    """Return the changed projections, and whether the pooler is changed too.

    `defaults` are the modules that `peft` targets in a family where nothing is named; `tensor` ends
    the name of what every changed module holds.

    Raises:
        FolderRefused: the folder holds other modules than it targets, none of the backbone's, or
            one that no adapter file can change.
    """
    names = {model.projection(*place): place for place in model.projections()}
    others = [name for name in (model.pooler, model.embedding_projection) if name]
    modules = (*names, *others)
    wanted = set(targeted(settings, modules, defaults.get(model.target.family.model_type)))
    for name in modules:
        present = f"{name}.{tensor}" in stored
        if present and name not in wanted:
            raise FolderRefused(f"{stored.path} holds {name!r}, which target_modules does not name")
        if not present and name in wanted:
            raise FolderRefused(f"{stored.path} lacks {name!r}, which target_modules names")
    if model.embedding_projection in wanted:
        raise FolderRefused("a changed projection of the embeddings is not supported")
    found = [place for name, place in names.items() if name in wanted]
    if not found:
        raise FolderRefused(f"{settings.at} targets no projection of the backbone")
    return found, model.pooler in wanted


def group_by_layers(found: Sequence[Place]) -> list[list[Place]]:
    """Return places in groups that one module can say: projections of the same layers."""
    by_layers: dict[tuple[int, ...], list[Place]] = {}
    for projection in PROJECTIONS:
        group = [place for place in found if place[1] == projection]
        if group:
            by_layers.setdefault(tuple(layer for layer, _ in group), []).extend(group)
    return list(by_layers.values())


def left_out(group: Sequence[Place], model: PeftModel) -> tuple[int, ...]:
    """Return the layers that a group does not change."""
    kept = {layer for layer, _ in group}
    return tuple(layer for layer in range(model.target.identity.num_layers) if layer not in kept)
