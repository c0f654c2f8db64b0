"""`multitap inspect`: what is inside an adapter file, without a server."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .console import facts, show, table, to_json, write_json
from .failures import CommandError, extra
from .options import Json
from .wording import one_line, size

if TYPE_CHECKING:
    from rich.table import Table

    from multitap_adapters.file import AdapterFile
    from multitap_adapters.spec import AdapterSpec, Card


def inspect(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The adapter file.")],
    *,
    json: Json = False,
) -> None:
    """Check an adapter file, and show what it holds."""
    adapter = _read(file)
    if json:
        document = {
            "digest": adapter.digest,
            "size_bytes": adapter.size_bytes,
            "spec": adapter.spec.model_dump(mode="json"),
        }
        write_json(to_json(document))
        return
    card = adapter.spec.card
    show(facts(_file_facts(adapter)))
    for part in (_modules(adapter.spec), _metrics(card), facts(_card_facts(card))):
        if part.row_count:
            show("", part)


def _read(file: Path) -> "AdapterFile":
    with extra("server"):
        from multitap_adapters.file import (  # noqa: PLC0415 (an extra: numpy)
            AdapterFileError,
            read_adapter,
        )
    try:
        return read_adapter(file)
    except AdapterFileError as error:
        count = "1 fault" if error.total == 1 else f"{error.total} faults"
        message = f"{file} is no adapter: {count}"
        raise CommandError(message, [str(fault) for fault in error.faults]) from error


def _file_facts(adapter: "AdapterFile") -> dict[str, str]:
    spec = adapter.spec
    backbone, head = spec.backbone, spec.head
    layers = " → ".join(
        f"{layer.out}" + ("" if layer.activation == "none" else f" {layer.activation}")
        for layer in head.layers
    )
    return {
        "digest": adapter.digest,
        "size": f"{size(adapter.size_bytes)}, {len(adapter.tensors)} tensors",
        "backbone": f"{backbone.model_type}, {backbone.num_layers} layers of "
        f"{backbone.hidden_size}",
        "  weights": backbone.digest,
        "  config": backbone.config_digest,
        "  tokenizer": backbone.tokenizer_digest,
        "longest input": f"{spec.max_tokens} tokens",
        "head": f"{head.kind}, {head.input} → {layers}",
        "labels": f"{len(head.labels)}: {one_line(', '.join(head.labels))}",
    }


def _modules(spec: "AdapterSpec") -> "Table":
    rows = table("module", "method", "settings")
    for index, module in enumerate(spec.modules):
        settings = module.model_dump(mode="json", exclude={"method"}, exclude_defaults=True)
        described = ", ".join(f"{name} {value}" for name, value in settings.items())
        rows.add_row(str(index), module.method, one_line(described) or "as usual")
    return rows


def _metrics(card: "Card") -> "Table":
    rows = table("metric", "value", "split", "rows", right=["value", "rows"])
    for metric in card.metrics:
        rows.add_row(
            one_line(metric.name), f"{metric.value:.4f}", one_line(metric.split), str(metric.rows)
        )
    return rows


def _card_facts(card: "Card") -> dict[str, str]:
    shown = {
        "task": card.task,
        "description": card.description,
        "languages": ", ".join(card.languages),
        "licence": card.licence,
        "seed": None if card.seed is None else str(card.seed),
        "parent": card.parent,
    }
    for number, data in enumerate(card.data, start=1):
        parts = [f"{data.name}, {data.rows} rows", data.licence, data.source, data.sha256]
        shown["data" if number == 1 else f"data {number}"] = "; ".join(
            part for part in parts if part
        )
    settings = ", ".join(f"{name} {value}" for name, value in card.settings.items())
    shown["settings"] = settings
    shown |= dict(card.extra)
    return {one_line(name): one_line(text) for name, text in shown.items() if text}
