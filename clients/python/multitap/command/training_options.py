"""The options of `multitap train`; what is not given keeps the trainer's own default."""

from pathlib import Path
from typing import Annotated, Literal

import typer

Kind = Literal["classification", "multilabel", "regression", "tagging", "question_answering"]
Method = Literal["houlsby", "none"]
Pooling = Literal["mean", "cls"]
DType = Literal["fp16", "fp32"]

_DATA = "What is trained on"
_METHOD = "How it is trained"
_CARD = "What the card says"

Task = Annotated[str, typer.Option("--task", help="The task's name.")]
Out = Annotated[Path, typer.Option("--out", help="The adapter file to write.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace an existing file.")]

Train = Annotated[
    Path,
    typer.Option(
        "--train",
        rich_help_panel=_DATA,
        help="Labelled rows: .jsonl or .csv, also with .gz; the kind says what a row has.",
    ),
]
Validation = Annotated[
    Path | None,
    typer.Option(
        "--validation",
        rich_help_panel=_DATA,
        help="Rows that choose the best epoch (default: a seeded tenth of the training rows).",
    ),
]
Test = Annotated[
    Path | None,
    typer.Option("--test", rich_help_panel=_DATA, help="Rows to measure once, at the end."),
]
KindOption = Annotated[
    Kind | None,
    typer.Option(
        "--kind",
        metavar="KIND",
        rich_help_panel=_DATA,
        help="What a row asks for: classification, multilabel, regression, tagging or"
        " question_answering (default: classification).",
    ),
]
PositiveLabel = Annotated[
    str | None,
    typer.Option("--positive-label", rich_help_panel=_DATA, help="Also measure F1 of this label."),
]

Backbone = Annotated[
    str,
    typer.Option("--backbone", rich_help_panel=_METHOD, help="`embedded`, a folder, or a hub id."),
]
MethodOption = Annotated[
    Method | None,
    typer.Option("--method", rich_help_panel=_METHOD, help="Adapters (default: houlsby)."),
]
Size = Annotated[
    int | None,
    typer.Option("--size", rich_help_panel=_METHOD, help="Width of the bottleneck (default: 32)."),
]
NoLayerNorms = Annotated[
    bool,
    typer.Option("--no-layer-norms", rich_help_panel=_METHOD, help="Leave layer norms frozen."),
]
PoolingOption = Annotated[
    Pooling | None,
    typer.Option("--pooling", rich_help_panel=_METHOD, help="The head's input (default: mean)."),
]
Epochs = Annotated[
    int | None,
    typer.Option("--epochs", rich_help_panel=_METHOD, help="Passes over the rows (default: 10)."),
]
LearningRate = Annotated[
    float | None,
    typer.Option("--learning-rate", rich_help_panel=_METHOD, help="At its top (default: 0.001)."),
]
BatchSize = Annotated[
    int | None,
    typer.Option("--batch-size", rich_help_panel=_METHOD, help="Rows of a step (default: 32)."),
]
Warmup = Annotated[
    float | None,
    typer.Option("--warmup", rich_help_panel=_METHOD, help="Share of the steps (default: 0.1)."),
]
WeightDecay = Annotated[
    float | None,
    typer.Option("--weight-decay", rich_help_panel=_METHOD, help="Of AdamW (default: 0.01)."),
]
Dropout = Annotated[
    float | None,
    typer.Option("--dropout", rich_help_panel=_METHOD, help="Of the head's input (default: 0.1)."),
]
HiddenDropout = Annotated[
    float | None,
    typer.Option(
        "--hidden-dropout", rich_help_panel=_METHOD, help="Inside the encoder (default: 0.0)."
    ),
]
MaxTokens = Annotated[
    int | None,
    typer.Option("--max-tokens", rich_help_panel=_METHOD, help="Longest input (default: 128)."),
]
Seed = Annotated[
    int | None,
    typer.Option("--seed", rich_help_panel=_METHOD, help="Of all that is random (default: 0)."),
]
DTypeOption = Annotated[
    DType | None,
    typer.Option("--dtype", rich_help_panel=_METHOD, help="Of the file (default: fp16)."),
]
Threads = Annotated[
    int | None,
    typer.Option(
        "--threads", min=1, rich_help_panel=_METHOD, help="Processor threads (default: all)."
    ),
]

Description = Annotated[
    str | None, typer.Option("--description", rich_help_panel=_CARD, help="What the task does.")
]
Licence = Annotated[
    str | None, typer.Option("--licence", rich_help_panel=_CARD, help="The adapter's licence.")
]
Language = Annotated[
    list[str] | None,
    typer.Option("--language", rich_help_panel=_CARD, help="A language; can be repeated."),
]
DataName = Annotated[
    str | None,
    typer.Option("--data-name", rich_help_panel=_CARD, help="Name of the data (default: FILE)."),
]
Source = Annotated[
    str | None, typer.Option("--source", rich_help_panel=_CARD, help="Where the data is from.")
]
