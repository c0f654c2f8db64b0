"""One run from a labelled file to an adapter file."""

import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import torch
from pydantic import ValidationError
from torch import Tensor

from multitap_adapters.backbone import Backbone
from multitap_adapters.file import AdapterFileError, TensorData, serialize_adapter
from multitap_adapters.spec import (
    AdapterSpec,
    Bottleneck,
    Card,
    Head,
    HeadLayer,
    LayerNorms,
    Metric,
    Module,
    TaskName,
)

from .dataset import Dataset, described, read_dataset, tokenize
from .errors import SettingsError, TrainingError
from .examples import read_examples
from .initialisation import initial_tensors
from .learner import AdapterLearner, Learner
from .loop import LabelledRows, Loop, Progress, predict_labels
from .scores import Measurement, classification_scores
from .settings import TrainingSettings


@dataclass(frozen=True, slots=True)
class Files:
    """The labelled files of one run; `test` is measured once, at the end, and chooses nothing."""

    train: Path
    validation: Path | None = None
    test: Path | None = None


@dataclass(frozen=True, slots=True)
class CardFacts:
    """What the card says that the run itself cannot know."""

    task: TaskName
    description: str | None = None
    languages: tuple[str, ...] = ()
    licence: str | None = None
    data_name: str | None = None
    data_source: str | None = None


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """What a run made."""

    spec: AdapterSpec
    data: bytes
    epoch: int
    metrics: tuple[Metric, ...]
    interrupted: bool


def train_adapter(
    backbone: Backbone,
    settings: TrainingSettings,
    files: Files,
    facts: CardFacts,
    *,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> TrainingResult:
    """Train an adapter on a backbone whose layers pass gradients (GradientLinear).

    Ctrl-C during training keeps the best epoch so far. The scores on the card are those of the
    weights as they are saved.

    Raises:
        DataError: a file that cannot be trained on.
        SettingsError: settings that do not fit the backbone or the labels.
    """
    max_tokens = min(settings.max_tokens, backbone.config.max_tokens)
    dataset = read_dataset(
        files.train, files.validation, backbone.tokenizer, max_tokens=max_tokens, seed=settings.seed
    )
    _require_label(settings, dataset.labels)
    # Whatever can be refused is refused here, before hours of training.
    test = None if files.test is None else _test_rows(files.test, dataset, backbone, max_tokens)
    spec = _spec(backbone, settings, dataset.labels, max_tokens)
    card = _card(settings, files, facts, dataset)
    generator = torch.Generator().manual_seed(settings.seed)
    tensors = initial_tensors(spec, backbone, generator)
    learner = AdapterLearner(backbone, spec, tensors)
    score = _Scorer(learner, settings, dataset.labels)
    fit = Loop(
        learner,
        settings,
        dataset.train,
        lambda: score(dataset.validation),
        on_progress=on_progress,
    ).run()
    saved = _rounded(tensors, settings.dtype)
    metrics = _metrics("validation", score(dataset.validation), dataset.validation)
    if test is not None:
        metrics += _metrics("test", score(test), test)
    spec = spec.model_copy(update={"card": _measured(card, metrics, fit.epoch)})
    try:
        data = serialize_adapter(spec, saved)
    except AdapterFileError as error:
        raise TrainingError(f"training diverged, try a smaller learning rate: {error}") from None
    return TrainingResult(spec, data, fit.epoch, metrics, fit.interrupted)


def write_file(path: Path, data: bytes) -> None:
    """Write a whole file or none, in place of what was there.

    Raises:
        TrainingError: the disk or the folder does not take it; what was there stays.
    """
    part = path.with_name(f".multitap-{secrets.token_hex(8)}")
    try:
        with part.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise TrainingError(f"{path} cannot be written: {error.strerror or error}") from None
    finally:
        with suppress(OSError):
            part.unlink()


class _Scorer:
    """Measures a learner on rows, the score that chooses the best epoch first."""

    def __init__(self, learner: Learner, settings: TrainingSettings, labels: Sequence[str]) -> None:
        self._learner = learner
        self._settings = settings
        self._labels = labels

    def __call__(self, rows: LabelledRows) -> Measurement:
        predicted, loss = predict_labels(self._learner, rows)
        positive = self._settings.positive_label
        scores = classification_scores(predicted, rows.labels, self._labels, positive)
        return Measurement(scores, loss)


def _test_rows(path: Path, dataset: Dataset, backbone: Backbone, max_tokens: int) -> LabelledRows:
    rows, _ = tokenize(path, read_examples(path), dataset.labels, backbone.tokenizer, max_tokens)
    return rows


def _require_label(settings: TrainingSettings, labels: Sequence[str]) -> None:
    if settings.positive_label is not None and settings.positive_label not in labels:
        raise SettingsError(
            f"positive_label {settings.positive_label!r} is none of {', '.join(labels)[:200]}"
        )


def _spec(
    backbone: Backbone, settings: TrainingSettings, labels: Sequence[str], max_tokens: int
) -> AdapterSpec:
    modules: tuple[Module, ...] = ()
    if settings.method == "houlsby":
        modules += (Bottleneck(size=settings.size),)
    if settings.layer_norms:
        modules += (LayerNorms(),)
    return AdapterSpec(
        backbone=backbone.identity,
        modules=modules,
        max_tokens=max_tokens,
        head=Head(
            kind="classification",
            labels=tuple(labels),
            input=settings.pooling,
            layers=(HeadLayer(out=len(labels)),),
        ),
    )


def _rounded(tensors: Mapping[str, Tensor], dtype: str) -> dict[str, TensorData]:
    """Round the tensors in place to what a file of this dtype holds, and return that."""
    half = dtype == "fp16"
    saved: dict[str, TensorData] = {}
    with torch.no_grad():
        for name, tensor in tensors.items():
            kept = tensor.detach().half() if half else tensor.detach()
            tensor.copy_(kept)
            data = kept.contiguous().numpy().tobytes()
            saved[name] = TensorData("F16" if half else "F32", tuple(tensor.shape), data)
    return saved


def _metrics(split: str, measured: Measurement, rows: LabelledRows) -> tuple[Metric, ...]:
    return tuple(
        Metric(
            name=score.name[:200], value=round(score.value, 6), split=split, rows=len(rows.labels)
        )
        for score in measured.scores
    )


def _card(settings: TrainingSettings, files: Files, facts: CardFacts, dataset: Dataset) -> Card:
    """Return what the card says before training. Raises: SettingsError."""
    rows = len(dataset.train.labels)
    extra = {"validation": "a seeded tenth of the training rows"} if dataset.held_out else {}
    try:
        return Card(
            task=facts.task,
            description=facts.description,
            languages=facts.languages,
            licence=facts.licence,
            data=(described(files.train, rows, name=facts.data_name, source=facts.data_source),),
            seed=settings.seed,
            settings=settings.described(),
            extra=extra,
        )
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise SettingsError(f"the card's {place} cannot be used: {first['msg'].lower()}") from None


def _measured(card: Card, metrics: tuple[Metric, ...], epoch: int) -> Card:
    return card.model_copy(
        update={"metrics": metrics, "settings": card.settings | {"best_epoch": epoch}}
    )
