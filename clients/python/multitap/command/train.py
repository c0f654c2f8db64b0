"""`multitap train`: make an adapter from labelled text."""

from pathlib import Path

from . import training_options as option
from .failures import CommandError, extra
from .options import Json
from .train_request import TrainRequest


def train(
    *,
    task: option.Task,
    train: option.Train,
    out: option.Out,
    validation: option.Validation = None,
    test: option.Test = None,
    kind: option.KindOption = None,
    positive_label: option.PositiveLabel = None,
    backbone: option.Backbone = "embedded",
    method: option.MethodOption = None,
    size: option.Size = None,
    no_layer_norms: option.NoLayerNorms = False,
    pooling: option.PoolingOption = None,
    epochs: option.Epochs = None,
    learning_rate: option.LearningRate = None,
    batch_size: option.BatchSize = None,
    warmup: option.Warmup = None,
    weight_decay: option.WeightDecay = None,
    dropout: option.Dropout = None,
    hidden_dropout: option.HiddenDropout = None,
    max_tokens: option.MaxTokens = None,
    seed: option.Seed = None,
    dtype: option.DTypeOption = None,
    threads: option.Threads = None,
    description: option.Description = None,
    licence: option.Licence = None,
    language: option.Language = None,
    data_name: option.DataName = None,
    source: option.Source = None,
    overwrite: option.Overwrite = False,
    json: Json = False,
) -> None:
    """Train an adapter; Ctrl-C keeps the best epoch so far."""
    require_free(out, overwrite=overwrite)
    settings = chosen(
        kind=kind,
        method=method,
        size=size,
        layer_norms=False if no_layer_norms else None,
        pooling=pooling,
        epochs=epochs,
        learning_rate=learning_rate,
        batch_size=batch_size,
        warmup=warmup,
        weight_decay=weight_decay,
        dropout=dropout,
        hidden_dropout=hidden_dropout,
        max_tokens=max_tokens,
        seed=seed,
        dtype=dtype,
        positive_label=positive_label,
    )
    request = TrainRequest(
        out=out,
        train=train,
        validation=validation,
        test=test,
        backbone=backbone,
        threads=threads,
        settings=settings,
        task=task,
        description=description,
        licence=licence,
        languages=tuple(language or ()),
        data_name=data_name,
        source=source,
    )
    with extra("training"):
        from .training_run import run_training  # noqa: PLC0415 (an extra: torch)
    run_training(request, json=json)


def require_free(out: Path, *, overwrite: bool) -> None:
    """Return where the file can be written. Raises: CommandError."""
    if out.is_dir():
        raise CommandError(f"{out} is a folder")
    if not out.parent.is_dir():
        raise CommandError(f"{out.parent} is no folder")
    if out.exists() and not overwrite:
        raise CommandError(f"{out} exists; replace it with --overwrite")


def chosen(**values: str | float | None) -> dict[str, str | int | float | bool]:
    """Return the values that were given."""
    return {name: value for name, value in values.items() if value is not None}
