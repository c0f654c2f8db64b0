"""The training loop: AdamW, warm-up and linear decay, and the best epoch on validation.

Interrupting it keeps the best epoch so far, or the weights as they are where none has ended.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from multitap_adapters.packing import PackedRows

from .batches import ordered_batches, shuffled_batches
from .labelled_rows import LabelledRows
from .learner import Dropout, Learner
from .scores import Measurement, Score
from .settings import TrainingSettings

_MAX_GRADIENT_NORM = 1.0
_MEASURING_ROWS = 128


class Loss(Protocol):
    """What is made small: the mean loss of a batch's outputs, given its rows' targets."""

    def __call__(self, outputs: Tensor, targets: Sequence[Tensor], /) -> Tensor:
        """Return one value."""
        ...


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run stands after a step; `best` is the best validation score so far."""

    epoch: int
    epochs: int
    step: int
    steps: int
    loss: float
    tokens_per_s: float
    best: Score | None


@dataclass(frozen=True, slots=True)
class Fit:
    """The best epoch's weights, in the order of the learner's parameters."""

    state: tuple[Tensor, ...]
    epoch: int
    measurement: Measurement
    interrupted: bool


class Loop:
    """One run over one learner."""

    def __init__(
        self,
        learner: Learner,
        settings: TrainingSettings,
        train: LabelledRows,
        loss: Loss,
        measure: Callable[[], Measurement],
        *,
        on_progress: Callable[[Progress], None] = lambda _: None,
    ) -> None:
        """Prepare a run; `measure` measures the learner on validation."""
        self._learner = learner
        self._settings = settings
        self._train = train
        self._loss = loss
        self._measure = measure
        self._on_progress = on_progress
        self._dropout = Dropout(head=settings.dropout, hidden=settings.hidden_dropout)
        self._best: Fit | None = None
        per_epoch = math.ceil(len(train) / settings.batch_size)
        self._steps = per_epoch * settings.epochs
        self._step = 0
        self._optimizer = torch.optim.AdamW(
            learner.parameters(),
            lr=settings.learning_rate,
            weight_decay=settings.weight_decay,
            fused=True,
        )
        self._schedule = torch.optim.lr_scheduler.LambdaLR(
            self._optimizer, lambda step: rate(step, self._steps, settings.warmup)
        )

    def run(self) -> Fit:
        """Train, and return the best epoch; Ctrl-C ends it early."""
        generator = torch.Generator().manual_seed(self._settings.seed)
        interrupted = False
        with torch.random.fork_rng(devices=[]):  # pyright: ignore[reportUnknownMemberType]  torch's
            torch.manual_seed(self._settings.seed)  # pyright: ignore[reportUnknownMemberType]  torch's
            try:
                for epoch in range(1, self._settings.epochs + 1):
                    self._run_epoch(epoch, generator)
                    self._keep_if_best(epoch)
            except KeyboardInterrupt:
                interrupted = True
        if self._best is None:
            self._keep_if_best(0)
        best = self._best
        assert best is not None  # noqa: S101  kept just above
        self._restore(best.state)
        return Fit(best.state, best.epoch, best.measurement, interrupted)

    def _run_epoch(self, epoch: int, generator: torch.Generator) -> None:
        start_s, tokens = time.monotonic(), 0
        for rows in shuffled_batches(self._train.lengths, self._settings.batch_size, generator):
            batch = self._train.packed(rows)
            loss = self._learn(batch, self._train.targets_of(rows))
            tokens += batch.tokens
            self._on_progress(
                Progress(
                    epoch=epoch,
                    epochs=self._settings.epochs,
                    step=self._step,
                    steps=self._steps,
                    loss=loss,
                    tokens_per_s=tokens / max(time.monotonic() - start_s, 1e-9),
                    best=self._best.measurement.scores[0] if self._best else None,
                )
            )

    def _learn(self, batch: PackedRows, targets: Sequence[Tensor]) -> float:
        loss = self._loss(self._learner.logits(batch, self._dropout), targets)
        self._optimizer.zero_grad()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(self._learner.parameters(), _MAX_GRADIENT_NORM)
        self._optimizer.step()  # pyright: ignore[reportUnknownMemberType]  torch's
        self._schedule.step()  # pyright: ignore[reportUnknownMemberType]  torch's
        self._step += 1
        return float(loss.detach())

    def _keep_if_best(self, epoch: int) -> None:
        measurement = self._measure()
        if self._best is None or measurement.beats(self._best.measurement):
            state = tuple(leaf.detach().clone() for leaf in self._learner.parameters())
            self._best = Fit(state, epoch, measurement, interrupted=False)

    def _restore(self, state: Sequence[Tensor]) -> None:
        with torch.no_grad():
            for leaf, value in zip(self._learner.parameters(), state, strict=True):
                leaf.copy_(value)


def rate(step: int, steps: int, warmup: float) -> float:
    """Return the share of the learning rate at a step: a linear rise, then a linear fall to 0."""
    rise = max(1, int(steps * warmup))
    if step < rise:
        return (step + 1) / rise
    return max(0.0, (steps - step) / max(1, steps - rise))


def predict(learner: Learner, rows: LabelledRows, loss: Loss) -> tuple[list[Tensor], float]:
    """Return the head's output for every row, in the rows' order, and the mean loss of a row."""
    outputs: dict[int, Tensor] = {}
    total = 0.0
    with torch.inference_mode():
        for batch in ordered_batches(rows.lengths, _MEASURING_ROWS):
            packed = rows.packed(batch)
            logits_RO = learner.logits(packed, Dropout())
            total += float(loss(logits_RO, rows.targets_of(batch))) * len(batch)
            outputs.update(zip(batch, by_row(logits_RO, packed.lengths), strict=True))
    return [outputs[row] for row in range(len(rows))], total / len(rows)


def by_row(outputs: Tensor, lengths: Sequence[int]) -> Sequence[Tensor]:
    """Return each row's part of a head's outputs: `[R, O]` of one that pools, or `[T, O]`."""
    pooled = outputs.shape[0] == len(lengths)
    return outputs.unbind() if pooled else torch.split(outputs, list(lengths))
