"""Full fine-tuning of the same backbone, by the same loop: what adapters are compared with.

Every weight of the encoder is trained, embeddings included; head, pooling, loss, data, batches,
schedule and the choice of the best epoch are the adapter's.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor

from multitap_adapters.backbone import Backbone, read_weights
from multitap_adapters.encoder import Encoder
from multitap_adapters.linear import Linear, TrainableLinear
from multitap_adapters.packing import PackedRows
from multitap_adapters.spec import AdapterSpec, Metric
from multitap_training import Files, Progress, TrainingSettings
from multitap_training.dataset import read_dataset
from multitap_training.initialisation import initial_tensors
from multitap_training.learner import AdapterLearner, Dropout
from multitap_training.loop import Loop
from multitap_training.objectives.classification import Classification
from multitap_training.objectives.contract import Kind
from multitap_training.objectives.multilabel import Multilabel
from multitap_training.objectives.question_answering import QuestionAnswering
from multitap_training.objectives.regression import Regression
from multitap_training.objectives.tagging import Tagging
from multitap_training.scores import Measurement
from multitap_training.source import read_examples
from multitap_training.trainer import Scorer

ExampleT = TypeVar("ExampleT")


@dataclass(frozen=True, slots=True)
class FullTraining:
    """The best epoch and its scores, as an adapter's card states them."""

    epoch: int
    metrics: tuple[Metric, ...]
    interrupted: bool


class FullLearner:
    """A backbone whose every weight is trained, under a head as an adapter's file has it."""

    def __init__(self, backbone: Backbone, folder: Path, spec: AdapterSpec, seed: int) -> None:
        """Read the weights anew from the backbone's folder; `spec` has a head and no modules."""
        self._leaves: list[Tensor] = []
        encoder = self._encoder(backbone, folder)
        generator = torch.Generator().manual_seed(seed)
        head = initial_tensors(spec, backbone, generator)
        self._learner = AdapterLearner(replace(backbone, encoder=encoder), spec, head)

    def parameters(self) -> Sequence[Tensor]:
        """Return every weight."""
        return [*self._leaves, *self._learner.parameters()]

    def logits(self, rows: PackedRows, dropout: Dropout) -> Tensor:
        """Return `[R, O]`, or `[T, O]` of a head over tokens."""
        return self._learner.logits(rows, dropout)

    def _encoder(self, backbone: Backbone, folder: Path) -> Encoder:
        config = backbone.config
        products = {
            f"{part}.weight"
            for layer in range(config.num_layers)
            for part in config.family.layer_names(layer).parts()
            if "LayerNorm" not in part
        }
        weights = {
            name: tensor.float()
            if name in products or name.replace(".bias", ".weight") in products
            else self._leaf(tensor)
            for name, tensor in read_weights(folder, config).items()
        }
        return Encoder(config, weights, self._linear)

    def _linear(self, weight_OI: Tensor, bias_O: Tensor) -> Linear:
        return TrainableLinear(self._leaf(weight_OI), self._leaf(bias_O))

    def _leaf(self, tensor: Tensor) -> Tensor:
        leaf = tensor.detach().float().clone().requires_grad_()
        self._leaves.append(leaf)
        return leaf


def train_full(
    backbone: Backbone,
    folder: Path,
    settings: TrainingSettings,
    files: Files,
    *,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> FullTraining:
    """Train every weight of the backbone in `folder`, as `train_adapter` trains an adapter."""
    match settings.kind:
        case "classification":
            kind = Classification(settings.positive_label)
            return _train(kind, backbone, folder, settings, files, on_progress)
        case "multilabel":
            return _train(Multilabel(), backbone, folder, settings, files, on_progress)
        case "regression":
            return _train(Regression(), backbone, folder, settings, files, on_progress)
        case "tagging":
            return _train(Tagging(), backbone, folder, settings, files, on_progress)
        case "question_answering":
            return _train(QuestionAnswering(), backbone, folder, settings, files, on_progress)


def _train(
    kind: Kind[ExampleT],
    backbone: Backbone,
    folder: Path,
    settings: TrainingSettings,
    files: Files,
    on_progress: Callable[[Progress], None],
) -> FullTraining:
    tokenizer = backbone.tokenizer
    max_tokens = min(settings.max_tokens, backbone.config.max_tokens)
    dataset = read_dataset(
        kind, files.train, files.validation, tokenizer, max_tokens=max_tokens, seed=settings.seed
    )
    objective = dataset.objective
    spec = AdapterSpec(
        backbone=backbone.identity,
        modules=(),
        max_tokens=max_tokens,
        head=objective.head(settings.pooling),
    )
    learner = FullLearner(backbone, folder, spec, settings.seed)
    measure = Scorer(learner, objective)
    fit = Loop(
        learner,
        settings,
        dataset.train,
        objective.loss,
        lambda: measure(dataset.validation),
        on_progress=on_progress,
    ).run()
    metrics = _metrics("validation", fit.measurement, len(dataset.validation))
    if files.test is not None:
        examples = read_examples(files.test, kind.fields, kind.parse)
        test = objective.encode(files.test, examples, tokenizer, max_tokens)
        metrics += _metrics("test", measure(test), len(test))
    return FullTraining(fit.epoch, metrics, fit.interrupted)


def _metrics(split: str, measured: Measurement, rows: int) -> tuple[Metric, ...]:
    return tuple(
        Metric(name=score.name, value=round(score.value, 6), split=split, rows=rows)
        for score in measured.scores
    )
