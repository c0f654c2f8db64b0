"""A store of blobs of each kind, and the servers that they need."""

from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from blob_places import Place, SetVariables, folder_place, memory_place, object_place
from multitap_adapters.file import AdapterFile
from multitap_adapters.spec import AdapterSpec, Head, HeadLayer
from multitap_registry.staging import StagedUpload, StagingFolder
from object_servers import ObjectServer, running_rclone
from sample_adapters import SAMPLE_BACKBONE, random_file

MAX_UPLOAD_BYTES = 64 * 2**20


@pytest.fixture(scope="session")
def rclone_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where rclone keeps objects as files."""
    return tmp_path_factory.mktemp("rclone")


@pytest.fixture(scope="session")
def rclone(rclone_folder: Path) -> Generator[ObjectServer]:
    """Return a server that checks signatures."""
    with running_rclone(rclone_folder) as server:
        yield server


@pytest.fixture(params=["memory", "folder", "moto", "rclone"])
def place(request: pytest.FixtureRequest, tmp_path: Path, prefix: str, aws: SetVariables) -> Place:
    """Return a store of each kind in turn: all keep the same contract."""
    if request.param == "memory":
        return memory_place()
    if request.param == "folder":
        (tmp_path / "blobs").mkdir()
        return folder_place(tmp_path / "blobs")
    server: ObjectServer = request.getfixturevalue(request.param)
    aws(server.environment)
    return object_place(server, prefix)


@pytest.fixture
def staging(tmp_path: Path) -> StagingFolder:
    """Return where uploads are staged."""
    (tmp_path / "staging").mkdir()
    return StagingFolder(tmp_path / "staging", max_upload_bytes=MAX_UPLOAD_BYTES)


@pytest.fixture
def upload(staging: StagingFolder) -> Generator[Callable[[bytes], StagedUpload]]:
    """Return a function that stages and seals bytes; all are gone at the end."""
    uploads: list[StagedUpload] = []

    def stage(content: bytes) -> StagedUpload:
        uploads.append(staging.begin_upload())
        uploads[-1].write(content)
        uploads[-1].seal()
        return uploads[-1]

    yield stage
    for staged in uploads:
        staged.__exit__(None, None, None)


@pytest.fixture
def store(place: Place, upload: Callable[[bytes], StagedUpload]) -> Callable[[bytes], AdapterFile]:
    """Return a function that stores bytes in the place under test."""

    def store_bytes(content: bytes) -> AdapterFile:
        staged = upload(content)
        place.blobs.store(staged)
        return staged.seal()

    return store_bytes


@pytest.fixture(scope="session")
def large_adapter() -> bytes:
    """Return an adapter file of 24 MiB."""
    layers = (HeadLayer(out=2_048), HeadLayer(out=3_062), HeadLayer(out=2))
    head = Head(kind="classification", labels=("no", "yes"), input="cls", layers=layers)
    content = random_file(AdapterSpec(backbone=SAMPLE_BACKBONE, max_tokens=32, head=head))
    assert 24 * 2**20 < len(content) < 25 * 2**20
    return content
