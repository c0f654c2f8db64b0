"""The schedule, the best epoch, and what an interruption leaves."""

from collections.abc import Callable, Iterator, Sequence

import pytest
import torch
from torch import Tensor

from multitap_adapters.packing import PackedRows
from multitap_training import Progress, Score, TrainingSettings
from multitap_training.labelled_rows import LabelledRows
from multitap_training.learner import Dropout
from multitap_training.loop import Fit, Loop, predict, rate
from multitap_training.objectives.classification import ClassificationObjective
from multitap_training.scores import Measurement

ROWS = LabelledRows(
    token_ids=[[label, 2 + place % 3] for place in range(20) for label in (0, 1)],
    type_ids=[[0, 0]] * 40,
    targets=[torch.tensor(0), torch.tensor(1)] * 20,
)


LOSS = ClassificationObjective(("a", "b")).loss


class CountingLearner:
    """A linear model of a row's first token; remembers the dropout that it was asked for."""

    def __init__(self) -> None:
        self.weights = torch.zeros(2, 2, requires_grad=True)
        self.dropouts: set[Dropout] = set()
        self.sizes: list[int] = []

    def parameters(self) -> Sequence[Tensor]:
        return [self.weights]

    def logits(self, rows: PackedRows, dropout: Dropout) -> Tensor:
        self.dropouts.add(dropout)
        self.sizes.append(len(rows.lengths))
        starts = [2 * row for row in range(len(rows.lengths))]
        return self.weights[rows.token_ids_T[starts]]


@pytest.fixture
def learner() -> CountingLearner:
    return CountingLearner()


def run(
    learner: CountingLearner,
    measure: Callable[[], Measurement],
    on_progress: Callable[[Progress], None] = lambda _: None,
    *,
    epochs: int = 3,
) -> Fit:
    settings = TrainingSettings(epochs=epochs, batch_size=10, learning_rate=0.1, hidden_dropout=0.2)
    return Loop(learner, settings, ROWS, LOSS, measure, on_progress=on_progress).run()


def measured(accuracy: float, loss: float = 1.0) -> Measurement:
    return Measurement((Score("accuracy", accuracy),), loss)


def scripted(*accuracies: float) -> Callable[[], Measurement]:
    values: Iterator[float] = iter(accuracies)
    return lambda: measured(next(values))


def test_the_rate_rises_over_a_tenth_and_falls_to_nothing() -> None:
    rates = [rate(step, 100, 0.1) for step in range(101)]

    assert rates[:10] == pytest.approx([0.1 * step for step in range(1, 11)])
    assert rates[10:] == pytest.approx([(100 - step) / 90 for step in range(10, 101)])
    assert rates[100] == 0.0
    assert max(rates) == 1.0


@pytest.mark.parametrize(("steps", "warmup"), [(1, 0.1), (3, 0.1), (5, 0.0), (5, 1.0)])
def test_short_runs_have_a_rate_at_every_step(steps: int, warmup: float) -> None:
    rates = [rate(step, steps, warmup) for step in range(steps)]

    assert all(0 < value <= 1 for value in rates)
    assert rate(steps, steps, warmup) == 0.0


def test_the_best_epoch_is_kept_and_put_back(learner: CountingLearner) -> None:
    states: list[Tensor] = []

    def measure() -> Measurement:
        states.append(learner.weights.detach().clone())
        return measured([0.5, 0.9, 0.7][len(states) - 1])

    fit = run(learner, measure)

    assert (fit.epoch, fit.measurement.scores[0].value, fit.interrupted) == (2, 0.9, False)
    assert torch.equal(learner.weights, states[1])
    assert torch.equal(fit.state[0], states[1])
    assert not torch.equal(states[1], states[2])


def test_of_equal_epochs_the_one_with_the_least_loss_is_kept(learner: CountingLearner) -> None:
    measurements = iter([measured(0.5, 0.9), measured(0.5, 0.7), measured(0.5, 0.8)])

    assert run(learner, lambda: next(measurements)).epoch == 2


def test_of_equal_epochs_with_equal_loss_the_first_is_kept(learner: CountingLearner) -> None:
    assert run(learner, scripted(0.5, 0.5, 0.5)).epoch == 1


def test_the_loop_learns(learner: CountingLearner) -> None:
    run(learner, scripted(0.1, 0.2, 0.3))

    outputs, loss = predict(learner, ROWS, LOSS)

    assert [int(row_O.argmax()) for row_O in outputs] == [int(target) for target in ROWS.targets]
    assert loss < 0.5


def test_progress_tells_every_step_and_the_best_score_so_far(learner: CountingLearner) -> None:
    seen: list[Progress] = []
    run(learner, scripted(0.5, 0.9), seen.append, epochs=2)

    assert [p.step for p in seen] == list(range(1, 9))
    assert {(p.steps, p.epochs) for p in seen} == {(8, 2)}
    assert [p.epoch for p in seen] == [1] * 4 + [2] * 4
    assert [p.best and p.best.value for p in seen] == [None] * 4 + [0.5] * 4
    assert all(p.tokens_per_s > 0 for p in seen)
    assert seen[-1].loss < seen[0].loss


def test_an_interruption_keeps_the_best_so_far(learner: CountingLearner) -> None:
    def interrupt(progress: Progress) -> None:
        if progress.epoch == 3:
            raise KeyboardInterrupt

    fit = run(learner, scripted(0.9, 0.5), interrupt)

    assert (fit.epoch, fit.interrupted) == (1, True)
    assert torch.equal(learner.weights, fit.state[0])


def test_an_interruption_before_the_first_epoch_ends_keeps_the_weights_as_they_are(
    learner: CountingLearner,
) -> None:
    def interrupt(progress: Progress) -> None:
        if progress.step == 2:
            raise KeyboardInterrupt

    fit = run(learner, scripted(0.4), interrupt)

    assert (fit.epoch, fit.interrupted, fit.measurement.scores[0].value) == (0, True, 0.4)
    assert learner.weights.any()


def test_an_interruption_while_an_epoch_is_measured_keeps_the_best_before(
    learner: CountingLearner,
) -> None:
    calls: list[int] = []

    def measure() -> Measurement:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return measured(0.8)

    fit = run(learner, measure)

    assert (fit.epoch, fit.interrupted) == (1, True)


def test_dropout_is_for_training_only(learner: CountingLearner) -> None:
    run(learner, scripted(1.0), epochs=1)
    assert learner.dropouts == {Dropout(head=0.1, hidden=0.2)}
    learner.dropouts.clear()

    predict(learner, ROWS, LOSS)

    assert learner.dropouts == {Dropout()}


def test_measuring_uses_larger_batches_and_keeps_the_rows_order(learner: CountingLearner) -> None:
    with torch.no_grad():
        learner.weights.copy_(torch.tensor([[0.0, 5.0], [5.0, 0.0]]))

    outputs, loss = predict(learner, ROWS, LOSS)

    assert [int(row_O.argmax()) for row_O in outputs] == [1, 0] * 20
    assert loss == pytest.approx(5.0067, abs=1e-4)  # log(1 + exp(5))
    assert learner.sizes == [40]


def test_the_loop_leaves_torchs_own_random_numbers_alone(learner: CountingLearner) -> None:
    torch.manual_seed(7)  # pyright: ignore[reportUnknownMemberType]  torch's
    expected = torch.rand(3)
    torch.manual_seed(7)  # pyright: ignore[reportUnknownMemberType]  torch's

    run(learner, scripted(1.0), epochs=1)

    assert torch.equal(torch.rand(3), expected)
