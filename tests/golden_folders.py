"""The folders that the `adapters` library and `peft` wrote, with what they computed: the goldens.

Their place is `goldens/` of the folder that MULTITAP_SHARED names, or of `shared` beside the
repository; it is not part of the repository, and its README says how it is laid out.
"""

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest
from torch import Tensor

from multitap_adapters.config import parse_config
from multitap_adapters.encoder import Encoder
from multitap_adapters.importing.target import Target, read_target
from multitap_adapters.tokenizer import TokenizedRow
from safetensors_files import load_tensors
from tiny_backbone import tiny_tokenizer

REFUSED = {
    "dora": "use_dora",
    "gating": "use_gating",
    "head_mc": "multiple_choice",
}


def goldens_folder(root: Path) -> Path:
    """Return the folder of all families; skip the test where it is not there."""
    beside = root.parent / "shared"
    found = Path(os.environ.get("MULTITAP_SHARED", beside)) / "goldens"
    if not found.is_dir():
        pytest.skip(f"no golden adapters in {found}; MULTITAP_SHARED names the folder above")
    return found


@dataclass(frozen=True)
class GoldenFamily:
    """One family's backbone, its rows without padding, and the folders of its cases."""

    cases: dict[str, Path]
    target: Target
    encoder: Encoder
    rows: list[TokenizedRow]
    eps: float


def golden_family(goldens: Path, family: str, place: Path) -> GoldenFamily:
    """Copy a family's folders to a place of the test's own, and read its backbone."""
    cases: dict[str, Path] = {}
    for name in (family, f"peft_{family}"):
        if (goldens / name).is_dir():
            shutil.copytree(goldens / name, place / name)
            cases |= {
                f"{name}/{path.name}": path for path in (place / name).iterdir() if path.is_dir()
            }
    backbone = place / "backbone"
    backbone.mkdir()
    shutil.copy(place / family / "config.json", backbone / "config.json")
    shutil.copy(place / family / "base.safetensors", backbone / "model.safetensors")
    (backbone / "tokenizer.json").write_text(tiny_tokenizer().to_str(), encoding="utf-8")
    document = cast("dict[str, object]", json.loads((backbone / "config.json").read_text()))
    config = parse_config(document)
    return GoldenFamily(
        cases=cases,
        target=read_target(backbone),
        encoder=Encoder(config, load_tensors(backbone / "model.safetensors")),
        rows=_rows(load_tensors(place / family / "inputs.safetensors")),
        eps=config.layer_norm_eps,
    )


def _rows(inputs: dict[str, Tensor]) -> list[TokenizedRow]:
    lengths = [int(mask.sum()) for mask in inputs["attention_mask"]]
    kinds = inputs.get("token_type_ids", inputs["input_ids"].new_zeros(inputs["input_ids"].shape))
    return [
        TokenizedRow(
            [int(token) for token in inputs["input_ids"][row, :length]],
            [int(kind) for kind in kinds[row, :length]],
            length,
        )
        for row, length in enumerate(lengths)
    ]
