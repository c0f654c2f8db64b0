"""The model inside a `peft` folder: its modules' names, and what kind of task it was made for."""

from collections.abc import Iterator
from dataclasses import dataclass

from multitap_adapters.spec import HeadKind, Projection

from .errors import FolderRefused
from .heads import FAMILIES_WITH_POOLER, static_layout
from .keys import norm_key, projection_key
from .settings import Settings
from .stored import StoredTensors
from .target import POOLER, Target

WRAPPER = "base_model.model."
PROJECTIONS: tuple[Projection, ...] = (
    "query",
    "key",
    "value",
    "attention_output",
    "ffn_up",
    "ffn_down",
)
TASKS: dict[str, HeadKind] = {
    "SEQ_CLS": "classification",
    "TOKEN_CLS": "tagging",
    "QUESTION_ANS": "question_answering",
    "FEATURE_EXTRACTION": "embedding",
}


@dataclass(frozen=True, slots=True)
class PeftModel:
    """A wrapped model; `prefix` stands before the base model's names, empty for a bare one."""

    target: Target
    prefix: str
    kind: HeadKind | None

    def projection(self, layer: int, projection: Projection) -> str:
        """Return a linear layer's name."""
        return self.prefix + projection_key(self.target.family, layer, projection)

    def projections(self) -> Iterator[tuple[int, Projection]]:
        """Yield every projection of every layer."""
        for layer in range(self.target.identity.num_layers):
            for projection in PROJECTIONS:
                yield layer, projection

    def norms(self) -> dict[str, str]:
        """Return the layer norms' names, by `embeddings` or `layers.<n>.<site>`."""
        places = ["embeddings"]
        for layer in range(self.target.identity.num_layers):
            places += [f"layers.{layer}.attention", f"layers.{layer}.ffn"]
        return {place: self.prefix + norm_key(self.target.family, place) for place in places}

    @property
    def pooler(self) -> str | None:
        """The pooler's name, None where this model has none."""
        if self.target.family.model_type not in FAMILIES_WITH_POOLER:
            return None
        if not self.prefix:
            return POOLER  # a bare base model computes it, although nothing here reads it
        if self.kind != "classification":
            return None
        layout = static_layout(self.target.family.model_type, "classification")
        return f"{self.prefix}{POOLER}" if layout.pooler else None

    @property
    def embedding_projection(self) -> str | None:
        """The linear layer between embeddings and layers, None where there is none."""
        identity = self.target.identity
        if identity.embedding_size == identity.hidden_size:
            return None
        return f"{self.prefix}embeddings_project"


def describe_model(settings: Settings, target: Target, stored: StoredTensors) -> PeftModel:
    """Return the model that a folder's tensors belong to, their wrapper's prefix removed already.

    Raises:
        FolderRefused: they are for another family, or the kind of task is not supported.
    """
    family = target.family
    bare = family.layer_prefix.partition(".")[0] + "."
    prefixed = [name for name in stored.names() if name.startswith(family.prefix)]
    if not prefixed and not any(name.startswith((bare, "embeddings.")) for name in stored.names()):
        found = sorted({name.partition(".")[0] for name in stored.names()})
        hint = (
            "; its pooler is random and not saved, so that its heads cannot be used"
            if "deberta" in found
            else ""
        )
        raise FolderRefused(
            f"{stored.path} holds tensors of {', '.join(found) or 'nothing'}, "
            f"the backbone is {family.model_type}{hint}"
        )
    task = settings.text("task_type")
    if task is not None and task not in TASKS:
        raise FolderRefused(f"task_type {task!r} is not supported; supported: {', '.join(TASKS)}")
    kind = None if task is None else TASKS[task]
    return PeftModel(target, family.prefix if prefixed else "", kind)
