"""One task of every kind but classification, each trained once a side with declared settings.

Nothing is searched here: the learning rates are those that the classification tasks' search chose
(grid.py), epochs and batch size were fixed beforehand, and there is one seed.
"""

from collections.abc import Mapping
from pathlib import Path

from quality_task import QualityTask, Run, Side
from question_pairs import question_pairs

from multitap_training import Files

LEARNING_RATES: Mapping[Side, float] = {"adapter": 2e-3, "full": 1e-4}
SEED = 0


def validation_as_test(folder: Path, out: Path) -> Files:  # noqa: ARG001  (QualityTask.files)
    """Return the splits of a set whose test labels are hidden: its validation is the test.

    The epoch is chosen on the tenth of the training rows that training holds out.
    """
    return Files(train=folder / "train.jsonl.gz", test=folder / "validation.jsonl.gz")


KIND_TASKS = (
    QualityTask(
        name="entities",
        data="wnut17",
        kind="tagging",
        epochs=5,
        batch_size=32,
        description="Corporations, creative works, groups, locations, persons and products in "
        "noisy texts of the web.",
        licence="CC BY 4.0",
        source="WNUT 2017 emerging and rare entities: Derczynski et al. 2017",
        reported=(("f1", "F1 of whole entities"),),
    ),
    QualityTask(
        name="part-of-speech",
        data="ud_ewt_pos",
        kind="tagging",
        epochs=2,
        batch_size=32,
        description="The universal part of speech of every word.",
        licence="CC BY-SA 4.0",
        source="Universal Dependencies, English Web Treebank: Silveira et al. 2014",
        reported=(("accuracy", "accuracy of words"),),
    ),
    QualityTask(
        name="similarity",
        data="stsb",
        kind="regression",
        epochs=4,
        batch_size=32,
        description="How similar two sentences are, from 0 to 5.",
        licence="scores CC BY-SA 4.0; each source of texts has its own licence",
        source="STS benchmark: Cer et al. 2017",
        reported=(("pearson", "Pearson"), ("spearman", "Spearman")),
    ),
    QualityTask(
        name="question-pairs",
        data="trec6",
        kind="multilabel",
        epochs=6,
        batch_size=32,
        description="What two questions ask for, in one text: any of ABBR, DESC, ENTY, HUM, LOC "
        "and NUM.",
        licence="none stated: a public research benchmark",
        source="TREC question classification, coarse labels, shuffled and joined two by two: "
        "Li and Roth 2002",
        files=question_pairs,
        reported=(("micro_f1", "micro F1"), ("exact_match", "exact set")),
    ),
    QualityTask(
        name="answers",
        data="squad_v1",
        kind="question_answering",
        epochs=1,
        batch_size=16,
        max_tokens=384,
        description="The part of a context that answers a question.",
        licence="CC BY-SA 4.0",
        source="SQuAD 1.1: Rajpurkar et al. 2016; a published subset of 14,348 training questions",
        files=validation_as_test,
        reported=(("exact_match", "exact match"), ("f1", "F1")),
    ),
)


def kind_run(task: QualityTask, side: Side) -> Run:
    """Return a side's one run."""
    return Run(task, side, "result", LEARNING_RATES[side], task.epochs, SEED)
