"""One run from a labelled file to an adapter file."""

import os
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

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
    LayerNorms,
    Metric,
    Module,
    TaskName,
)

from .dataset import Dataset, described, read_dataset
from .errors import SettingsError, TrainingError
from .initialisation import initial_tensors
from .labelled_rows import LabelledRows
from .learner import AdapterLearner, Learner
from .loop import Loop, Progress, predict
from .objectives.classification import Classification
from .objectives.contract import Kind, Objective
from .objectives.multilabel import Multilabel
from .objectives.question_answering import QuestionAnswering
from .objectives.regression import Regression
from .objectives.tagging import Tagging
from .scores import Measurement
from .settings import DType, TrainingSettings
from .source import read_examples

ExampleT = TypeVar("ExampleT")


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
    match settings.kind:
        case "classification":
            kind = Classification(settings.positive_label)
            return _train(kind, backbone, settings, files, facts, on_progress)
        case "multilabel":
            return _train(Multilabel(), backbone, settings, files, facts, on_progress)
        case "regression":
            return _train(Regression(), backbone, settings, files, facts, on_progress)
        case "tagging":
            return _train(Tagging(), backbone, settings, files, facts, on_progress)
        case "question_answering":
            return _train(QuestionAnswering(), backbone, settings, files, facts, on_progress)


def _train(
    kind: Kind[ExampleT],
    backbone: Backbone,
    settings: TrainingSettings,
    files: Files,
    facts: CardFacts,
    on_progress: Callable[[Progress], None],
) -> TrainingResult:
    tokenizer = backbone.tokenizer
    max_tokens = min(settings.max_tokens, backbone.config.max_tokens)
    dataset = read_dataset(
        kind, files.train, files.validation, tokenizer, max_tokens=max_tokens, seed=settings.seed
    )
    # Whatever can be refused is refused here, before hours of training.
    test = None
    if files.test is not None:
        examples = read_examples(files.test, kind.fields, kind.parse)
        test = dataset.objective.encode(files.test, examples, tokenizer, max_tokens)
    spec = _spec(backbone, settings, dataset.objective.head(settings.pooling), max_tokens)
    card = _card(settings, files, facts, dataset)
    generator = torch.Generator().manual_seed(settings.seed)
    tensors = initial_tensors(spec, backbone, generator)
    learner = AdapterLearner(backbone, spec, tensors)
    score = Scorer(learner, dataset.objective)
    fit = Loop(
        learner,
        settings,
        dataset.train,
        dataset.objective.loss,
        lambda: score(dataset.validation),
        on_progress=on_progress,
    ).run()
    objective = dataset.objective.finish(tensors)
    score = Scorer(learner, objective)
    saved = _rounded(tensors, settings.dtype, objective.whole)
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


class Scorer(Generic[ExampleT]):
    """Measures a learner on rows, the score that chooses the best epoch first."""

    def __init__(self, learner: Learner, objective: Objective[ExampleT]) -> None:
        self._learner = learner
        self._objective = objective

    def __call__(self, rows: LabelledRows) -> Measurement:
        """Return the scores of a split, and its loss."""
        outputs, loss = predict(self._learner, rows, self._objective.loss)
        return Measurement(self._objective.scores(outputs, rows), loss)


def _spec(
    backbone: Backbone, settings: TrainingSettings, head: Head, max_tokens: int
) -> AdapterSpec:
    modules: tuple[Module, ...] = ()
    if settings.method == "houlsby":
        modules += (Bottleneck(size=settings.size),)
    if settings.layer_norms:
        modules += (LayerNorms(),)
    return AdapterSpec(
        backbone=backbone.identity, modules=modules, max_tokens=max_tokens, head=head
    )


def _rounded(
    tensors: Mapping[str, Tensor], dtype: DType, whole: frozenset[str]
) -> dict[str, TensorData]:
    """Round the tensors in place to what a file of this dtype holds, and return that.

    Tensors in `whole` stay fp32: a regression's unit may be one that fp16 cannot hold.
    """
    saved: dict[str, TensorData] = {}
    with torch.no_grad():
        for name, tensor in tensors.items():
            half = dtype == "fp16" and name not in whole
            kept = tensor.detach().half() if half else tensor.detach()
            tensor.copy_(kept)
            data = kept.contiguous().numpy().tobytes()
            saved[name] = TensorData("F16" if half else "F32", tuple(tensor.shape), data)
    return saved


def _metrics(split: str, measured: Measurement, rows: LabelledRows) -> tuple[Metric, ...]:
    return tuple(
        Metric(name=score.name[:200], value=round(score.value, 6), split=split, rows=len(rows))
        for score in measured.scores
    )


def _card(
    settings: TrainingSettings, files: Files, facts: CardFacts, dataset: Dataset[ExampleT]
) -> Card:
    """Return what the card says before training. Raises: SettingsError."""
    rows = len(dataset.train)
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
