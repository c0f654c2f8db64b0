"""A store of blobs of each kind, with what a test needs to damage it behind its back."""

import os
import secrets
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path

import pytest
from obstore.store import S3Store

from multitap_adapters.file import AdapterFile
from multitap_adapters.spec import AdapterSpec, Head, HeadLayer
from multitap_registry.blobs import BlobFolder, BlobStore, MemoryBlobs
from multitap_registry.blobs.object_connection import RequestLimits
from multitap_registry.blobs.object_place import ObjectPlace
from multitap_registry.blobs.objects import ObjectBlobs
from multitap_registry.staging import StagedUpload, StagingFolder
from object_servers import (
    ACCESS_KEY,
    BUCKET,
    SECRET_KEY,
    ObjectServer,
    running_moto,
    running_rclone,
)
from sample_adapters import SAMPLE_BACKBONE, random_file

MAX_UPLOAD_BYTES = 64 * 2**20
# Long enough for a busy machine, with one more try at once.
PATIENT = RequestLimits(connect_s=10, idle_s=20, request_s=40, retries=1, retry_s=1)


@dataclass(frozen=True)
class Place:
    """A store, and its bytes by name: ``sha256/ab/abcd...`` and others."""

    blobs: BlobStore
    read: Callable[[str], bytes]
    write: Callable[[str, bytes], object]


@pytest.fixture(scope="session")
def moto() -> Generator[ObjectServer]:
    """Return a server that has the semantics of S3, and takes every key."""
    with running_moto() as server:
        yield server


@pytest.fixture(scope="session")
def rclone_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where rclone keeps objects as files."""
    return tmp_path_factory.mktemp("rclone")


@pytest.fixture(scope="session")
def rclone(rclone_folder: Path) -> Generator[ObjectServer]:
    """Return a server that checks signatures."""
    with running_rclone(rclone_folder) as server:
        yield server


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, str]], None]:
    """Return a function that makes variables the only ones of AWS in the environment."""

    def set_variables(variables: dict[str, str]) -> None:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            monkeypatch.delenv(name)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return set_variables


@pytest.fixture
def prefix() -> str:
    """Return a prefix that no other test uses."""
    return f"test/{secrets.token_hex(4)}"


@pytest.fixture
def memory_place() -> Place:
    """Return blobs in memory."""
    blobs = MemoryBlobs()

    def digest(name: str) -> str:
        return f"sha256:{name.rpartition('/')[2]}"

    def read(name: str) -> bytes:
        return blobs.quarantined.get(name) or blobs.contents[digest(name)]

    def write(name: str, content: bytes) -> None:
        blobs.contents[digest(name)] = content

    return Place(blobs, read, write)


@pytest.fixture
def folder_place(tmp_path: Path) -> Place:
    """Return blobs in a folder."""
    folder = tmp_path / "blobs"
    folder.mkdir()
    return Place(
        BlobFolder(folder),
        lambda name: (folder / name).read_bytes(),
        lambda name, content: (folder / name).write_bytes(content),
    )


def object_place(server: ObjectServer, prefix: str) -> Place:
    """Return blobs on a server; its variables must be in the environment."""
    raw = S3Store(
        BUCKET,
        prefix=prefix,
        config={
            "access_key_id": ACCESS_KEY,
            "endpoint": server.url,
            "secret_access_key": SECRET_KEY,
        },
        client_options={"allow_http": True},
    )
    return Place(
        ObjectBlobs(ObjectPlace(BUCKET, prefix), PATIENT),
        lambda name: raw.get(name).bytes().to_bytes(),
        lambda name, content: raw.put(name, content, use_multipart=False),
    )


@pytest.fixture
def moto_place(moto: ObjectServer, prefix: str, aws: Callable[[dict[str, str]], None]) -> Place:
    """Return blobs on moto."""
    aws(moto.environment)
    return object_place(moto, prefix)


@pytest.fixture
def rclone_place(rclone: ObjectServer, prefix: str, aws: Callable[[dict[str, str]], None]) -> Place:
    """Return blobs on rclone."""
    aws(rclone.environment)
    return object_place(rclone, prefix)


@pytest.fixture(params=["memory", "folder", "moto", "rclone"])
def place(request: pytest.FixtureRequest) -> Place:
    """Return a store of each kind in turn: all keep the same contract."""
    place: Place = request.getfixturevalue(f"{request.param}_place")
    return place


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
