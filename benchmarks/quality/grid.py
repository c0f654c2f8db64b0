"""The classification tasks, and the grid of learning rates and seeds that both sides share.

For each task and side alone, by validation scores only: a search on a sample of the training rows
drops the learning rates that fall behind; the others run on all rows with the first seed, and the
best of them gets the other seeds too. The best epoch of a run is its result. The test split is
measured in runs on all rows, and chooses nothing.
"""

from quality_task import QualityTask, Run, Side

LEARNING_RATES = (1e-4, 5e-4, 2e-3)
SEEDS = (0, 1, 2)
# A learning rate stays in the race if it is this close to the sample's best.
KEPT_WITHIN = 0.01

TASKS = (
    QualityTask(
        name="sentiment",
        data="sst2",
        epochs=1,
        batch_size=32,
        hidden_dropout=0.1,
        search_rows=8_000,
        description="Whether a sentence of a film review speaks well or ill of the film.",
        licence="none stated: a public research benchmark",
        source="Stanford Sentiment Treebank, binary (SST-2): Socher et al. 2013; "
        "train and dev as in GLUE",
    ),
    QualityTask(
        name="question-type",
        data="trec6",
        epochs=6,
        batch_size=32,
        search_rows=1_500,
        description="What a question asks for: ABBR, DESC, ENTY, HUM, LOC or NUM.",
        licence="none stated: a public research benchmark",
        source="TREC question classification, coarse labels: Li and Roth 2002",
    ),
    QualityTask(
        name="spam",
        data="sms_spam",
        epochs=4,
        batch_size=32,
        search_rows=1_000,
        description="Whether a text message is spam or ham.",
        licence="free, no limitations besides the copyright notice and no warranty",
        source="SMS Spam Collection v.1: Almeida et al. 2011; "
        "split 80/10/10 with seed 0, stratified",
        positive_label="spam",
    ),
    QualityTask(
        name="banking-intent",
        data="banking77",
        epochs=6,
        batch_size=32,
        search_rows=1_500,
        description="Which of 77 things a bank's customer wants.",
        licence="CC BY 4.0",
        source="Banking77: Casanueva et al. 2020",
    ),
)


def search_runs(task: QualityTask, side: Side) -> list[Run]:
    """Return every learning rate on the sample, with the first seed."""
    return [Run(task, side, "search", rate, task.epochs, SEEDS[0]) for rate in LEARNING_RATES]


def result_run(task: QualityTask, side: Side, rate: float, seed: int) -> Run:
    """Return a run on all rows."""
    return Run(task, side, "result", rate, task.epochs, seed)
