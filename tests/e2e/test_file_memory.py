"""Files take little memory both ways, whatever their size: a real server with engine and canary.

64 MiB are uploaded; ``LARGE_UPLOAD_MIB=256`` uploads as much as a server takes.
"""

import hashlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest

from multitap import Client
from multitap_adapters.backbone import Backbone
from multitap_adapters.file import TensorData, serialize_adapter, tensor_shapes
from multitap_adapters.spec import Bottleneck
from random_adapters import random_spec
from served import Served, serving_process

SIZE_MIB = int(os.environ.get("LARGE_UPLOAD_MIB", "64"))
ALLOWED_MIB = 32
# A bottleneck has two matrices at each of two sites in two layers; the hidden size is 32.
UNIT_BYTES = 4 * 2 * 2 * (32 + 32 + 1)
LARGEST = 65_000

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="reads a process's peak of memory from /proc"
)


@pytest.fixture(scope="module")
def large_adapter(
    tmp_path_factory: pytest.TempPathFactory, tiny_backbone: Backbone
) -> Iterator[Path]:
    """Return a valid file of the size, less 64 KiB for its header."""
    units = ((SIZE_MIB << 20) - (64 << 10)) // UNIT_BYTES
    sizes = [LARGEST] * (units // LARGEST) + [units % LARGEST]
    spec = random_spec(tiny_backbone.identity, modules=[Bottleneck(size=size) for size in sizes])
    tensors = {
        name: TensorData("F32", shape, np.full(shape, 2**-13, "<f4").data.cast("B"))
        for name, shape in tensor_shapes(spec).items()
    }
    path = tmp_path_factory.mktemp("large") / "large.safetensors"
    path.write_bytes(serialize_adapter(spec, tensors))
    assert (SIZE_MIB << 20) - (64 << 10) < path.stat().st_size <= SIZE_MIB << 20
    yield path
    path.unlink()


@pytest.fixture
def server(tmp_path: Path, tiny_folder: Path) -> Iterator[Served]:
    """Return a server that nobody has asked anything yet."""
    with serving_process(tmp_path / "registry", tiny_folder) as served:
        yield served


def test_an_upload_in_one_request_takes_32_mib_at_most_whatever_its_size(
    server: Served, large_adapter: Path
) -> None:
    idle_mib = start_peak_mib(server.process_id)

    with large_adapter.open("rb") as file:
        response = httpx.post(
            f"{server.url}/tasks/large/versions",
            content=file,
            headers={"content-type": "application/octet-stream"},
            timeout=600,
        )

    assert (response.status_code, response.json()["version"]) == (201, 1)
    assert peak_mib(server.process_id) - idle_mib <= ALLOWED_MIB


def test_an_upload_in_parts_takes_32_mib_at_most_whatever_its_size(
    server: Served, large_adapter: Path
) -> None:
    idle_mib = start_peak_mib(server.process_id)

    with Client(server.url) as client:
        publication = client.push("large", large_adapter)

    assert publication.record.size_bytes == large_adapter.stat().st_size
    assert peak_mib(server.process_id) - idle_mib <= ALLOWED_MIB


def test_a_download_takes_32_mib_at_most_whatever_its_size(
    server: Served, large_adapter: Path
) -> None:
    with Client(server.url) as client:
        digest = client.push("large", large_adapter).record.digest
    idle_mib = start_peak_mib(server.process_id)

    found = hashlib.sha256()
    with httpx.stream("GET", f"{server.url}/tasks/large/versions/1/file", timeout=600) as response:
        for chunk in response.iter_bytes():
            found.update(chunk)

    assert f"sha256:{found.hexdigest()}" == digest
    assert peak_mib(server.process_id) - idle_mib <= ALLOWED_MIB


def start_peak_mib(process_id: int) -> float:
    """Let a process's peak of memory be what it has now, and return it (proc(5), clear_refs)."""
    Path(f"/proc/{process_id}/clear_refs").write_text("5")
    return peak_mib(process_id)


def peak_mib(process_id: int) -> float:
    """Return the most memory that a process had, in MiB."""
    status = Path(f"/proc/{process_id}/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024
