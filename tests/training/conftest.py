"""A tiny backbone that passes gradients, and labelled files of a toy task."""

from pathlib import Path

import pytest

from labelled_files import toy_rows, write_jsonl
from multitap_adapters.backbone import Backbone, read_backbone
from multitap_adapters.linear import GradientLinear
from multitap_training import Files


@pytest.fixture(scope="session")
def training_backbone(tiny_folder: Path) -> Backbone:
    return read_backbone(tiny_folder, linear=GradientLinear)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """Return a toy task's three splits."""
    return Files(
        train=write_jsonl(tmp_path / "train.jsonl", toy_rows(160, 1)),
        validation=write_jsonl(tmp_path / "validation.jsonl", toy_rows(40, 2)),
        test=write_jsonl(tmp_path / "test.jsonl", toy_rows(50, 3)),
    )
