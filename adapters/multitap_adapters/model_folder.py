"""Where a backbone's files are: embedded, in a local folder, or on the hub."""

from collections.abc import Callable
from pathlib import Path

from huggingface_hub import (
    snapshot_download,  # pyright: ignore[reportUnknownVariableType]  (partly untyped)
)
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

from .embedded import embedded_folder
from .errors import UnsupportedBackbone

EMBEDDED = "embedded"
_FILES = ("config.json", "tokenizer.json", "model*.safetensors", "model.safetensors.index.json")


def download_model(name: str) -> Path:
    """Return the folder of a model on the hub, after downloading what is not there yet."""
    return Path(snapshot_download(name, allow_patterns=list(_FILES)))


def find_model_folder(name: str, *, download: Callable[[str], Path] = download_model) -> Path:
    """Return the folder that `embedded`, a path or a hub id names; may download in the last case.

    Only the operator of a server or a trainer names a backbone, at the start.

    Raises:
        UnsupportedBackbone: there is no such folder or model.
    """
    if name == EMBEDDED:
        return embedded_folder()
    folder = Path(name).expanduser()
    if folder.is_dir():
        return folder
    try:
        return download(name)
    except (HFValidationError, HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise UnsupportedBackbone(
            f"{name!r} is no folder, and no model on the hub: {reason}"
        ) from None
