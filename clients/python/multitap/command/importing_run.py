"""One import or export; imports torch, so it is imported late."""

import hashlib
import os
import secrets
from pathlib import Path
from typing import Literal

from multitap_adapters.errors import AdapterError
from multitap_adapters.file import AdapterFile, AdapterFileError, read_adapter
from multitap_adapters.importing.export import export_adapter
from multitap_adapters.importing.importer import ImportedAdapter, import_folder
from multitap_adapters.importing.parts import HeadChoice
from multitap_adapters.importing.target import read_target
from multitap_adapters.model_folder import find_model_folder

from .console import facts, show, to_json, write_json
from .failures import CommandError
from .import_request import ImportRequest
from .wording import one_line, shorten_list, size

_SHOWN = 80  # characters of labels


def import_request(request: ImportRequest) -> ImportedAdapter:
    """Read the folder into an adapter file's bytes.

    Raises:
        CommandError: the backbone or the folder cannot be used; the message says why.
    """
    try:
        target = read_target(find_model_folder(request.backbone))
        return import_folder(
            request.folder,
            target,
            head=HeadChoice(
                labels=request.labels,
                name=request.head,
                multilabel=request.multilabel,
                wanted=not request.no_head,
            ),
            language=request.language,
            task=request.name,
        )
    except AdapterError as error:
        raise CommandError(str(error)) from error


def run_import(request: ImportRequest, out: Path, *, json: bool) -> None:
    """Write the file, whole or not at all, and say what it holds. Raises: CommandError."""
    imported = import_request(request)
    part = out.with_name(f".{out.name}.{secrets.token_hex(4)}.part")
    try:
        with part.open("xb") as file:
            file.write(imported.data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)
    digest = f"sha256:{hashlib.sha256(imported.data).hexdigest()}"
    if json:
        document = {
            "file": str(out),
            "digest": digest,
            "size_bytes": len(imported.data),
            "spec": imported.spec.model_dump(mode="json"),
        }
        write_json(to_json(document))
        return
    show(
        facts({"file": f"{out}, {size(len(imported.data))}", "digest": digest, **_facts(imported)})
    )


def _facts(imported: ImportedAdapter) -> dict[str, str]:
    spec = imported.spec
    task = spec.card.task or "TASK"
    rows = {
        "modules": ", ".join(module.method for module in spec.modules) or "none",
        "head": f"{spec.head.kind}, {spec.head.input}",
        "labels": shorten_list(spec.head.labels, _SHOWN),
        "longest input": f"{spec.max_tokens} tokens",
        "task": one_line(task),
    }
    return {name: text for name, text in rows.items() if text}


def run_export(
    path: Path, to: Literal["adapterhub", "peft"], folder: Path, *, name: str | None
) -> None:
    """Write the folder, whole or not at all. Raises: CommandError."""
    try:
        export_adapter(_read(path), to, folder, name=name)
    except AdapterError as error:
        raise CommandError(str(error)) from error
    show(f"wrote {folder}")


def _read(path: Path) -> AdapterFile:
    try:
        return read_adapter(path)
    except AdapterFileError as error:
        raise CommandError(f"{path} is no adapter: {error}") from error
