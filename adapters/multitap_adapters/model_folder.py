"""Where a backbone's files are: embedded, in a local folder, or on the hub."""

from pathlib import Path

from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

from .embedded import embedded_folder
from .errors import UnsupportedBackbone

EMBEDDED = "embedded"
_FILES = ("config.json", "tokenizer.json", "model.safetensors", "model*.safetensors*")


def find_model_folder(name: str) -> Path:
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
        return Path(snapshot_download(name, allow_patterns=list(_FILES)))
    except (HFValidationError, HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise UnsupportedBackbone(
            f"{name!r} is no folder, and no model on the hub: {reason}"
        ) from None
