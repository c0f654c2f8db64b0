"""What a trainer may choose, with the defaults that the starter tasks were trained with."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Literal, TypeAlias, get_args

from .errors import SettingsError
from .objectives.contract import Pooling

Kind: TypeAlias = Literal[
    "classification", "multilabel", "regression", "tagging", "question_answering"
]
Method: TypeAlias = Literal["houlsby", "none"]
DType: TypeAlias = Literal["fp16", "fp32"]


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """Hyperparameters of one run; the same settings, data and machine give the same bytes.

    The method, its start and the schedule are those of Houlsby et al. 2019, sections 2.1 and 3.1.
    """

    kind: Kind = "classification"
    method: Method = "houlsby"
    size: int = 32
    layer_norms: bool = True
    pooling: Pooling = "mean"
    epochs: int = 10
    learning_rate: float = 1e-3
    batch_size: int = 32
    warmup: float = 0.1
    weight_decay: float = 0.01
    dropout: float = 0.1
    hidden_dropout: float = 0.0
    max_tokens: int = 128
    seed: int = 0
    dtype: DType = "fp16"
    positive_label: str | None = None

    def __post_init__(self) -> None:
        """Raise SettingsError where a value is none of its choices, or out of its range."""
        choices = {
            "kind": get_args(Kind),
            "method": get_args(Method),
            "pooling": get_args(Pooling),
            "dtype": get_args(DType),
        }
        for name, allowed in choices.items():
            value = getattr(self, name)
            if value not in allowed:
                raise SettingsError(f"{name} must be {' or '.join(allowed)}, got {value!r}")
        if self.positive_label is not None and self.kind != "classification":
            raise SettingsError(f"positive_label belongs to classification, kind is {self.kind!r}")
        if self.pooling != "mean" and self.kind in ("tagging", "question_answering"):
            raise SettingsError(f"a head of kind {self.kind} sees every token, pooling has no use")
        ranges: Mapping[str, tuple[float, float]] = {
            "size": (1, 4_096),
            "epochs": (1, 1_000),
            "learning_rate": (1e-8, 1.0),
            "batch_size": (1, 4_096),
            "warmup": (0.0, 1.0),
            "weight_decay": (0.0, 1.0),
            "dropout": (0.0, 0.9),
            "hidden_dropout": (0.0, 0.9),
            "max_tokens": (3, 65_536),
            "seed": (0, 2**63 - 1),
        }
        for name, (least, most) in ranges.items():
            value = getattr(self, name)
            if not least <= value <= most:
                raise SettingsError(f"{name} must be from {least} to {most}, got {value}")

    def described(self) -> dict[str, str | int | float | bool]:
        """Return the settings that were made, for an adapter's card; the kind is its head's."""
        made = asdict(self)
        del made["kind"]
        return {name: value for name, value in made.items() if value is not None}
