"""Choosing a store by its URL, and what is not imported or installed without one."""

import subprocess
import sys
from pathlib import Path

import pytest

from blob_places import SetVariables
from multitap_registry.blobs import BlobFolder, open_blobs
from multitap_registry.errors import InvalidBlobUrl, StorageUnavailable
from multitap_registry.folder import open_registry

WITHOUT_LIBRARY = """
import pathlib, sys
sys.modules["obstore"] = None
from multitap_registry.folder import open_registry

with open_registry(pathlib.Path(sys.argv[1])) as registry:
    registry.check()
try:
    with open_registry(pathlib.Path(sys.argv[1]), blobs="s3://adapters/a"):
        pass
except Exception as error:
    print(type(error).__name__, error)
"""


def test_no_url_is_the_folder(tmp_path: Path) -> None:
    assert isinstance(open_blobs(tmp_path / "blobs", None), BlobFolder)
    assert (tmp_path / "blobs").is_dir()


@pytest.mark.parametrize("url", ["gs://adapters", "adapters", ""])
def test_unknown_url_does_not_open_and_frees_the_folder(tmp_path: Path, url: str) -> None:
    with pytest.raises(InvalidBlobUrl), open_registry(tmp_path, blobs=url):
        pass

    with open_registry(tmp_path) as registry:
        registry.check()


def test_only_an_object_store_needs_the_library(tmp_path: Path) -> None:
    done = subprocess.run(  # noqa: S603 (this interpreter and a script from above)
        [sys.executable, "-c", WITHOUT_LIBRARY, str(tmp_path)],
        check=True,
        capture_output=True,
        text=True,
    )

    assert done.stdout == (
        "StorageUnavailable blobs in s3://adapters/a need obstore; "
        'get it with: pip install "multitap[s3]"\n'
    )


def test_opening_asks_nobody(tmp_path: Path, aws: SetVariables) -> None:
    aws({"AWS_ENDPOINT": "https://nobody.invalid", "AWS_ACCESS_KEY_ID": "a"} | SECRET)

    with open_registry(tmp_path, blobs="s3://adapters/a") as registry:
        assert list(registry.tasks(limit=1).records) == []
    assert not (tmp_path / "blobs").exists()


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({"AWS_ACCESS_KEY_ID": "a"}, "AWS_ACCESS_KEY_ID is set without AWS_SECRET_ACCESS_KEY"),
        ({"AWS_SECRET_ACCESS_KEY": "a"}, "AWS_SECRET_ACCESS_KEY is set without AWS_ACCESS_KEY_ID"),
        ({"AWS_CHECKSUM_ALGORITHM": "none"}, "a variable AWS_... has a value that is not taken"),
        ({"AWS_REGION": "eu west"}, "AWS_REGION is empty or holds a blank"),
    ],
)
def test_variables_that_cannot_be_used_are_named_when_opening(
    tmp_path: Path, aws: SetVariables, variables: dict[str, str], reason: str
) -> None:
    aws(variables)

    with pytest.raises(StorageUnavailable) as caught:
        open_blobs(tmp_path, "s3://adapters/a")

    assert reason in str(caught.value)


SECRET = {"AWS_SECRET_ACCESS_KEY": "a"}
