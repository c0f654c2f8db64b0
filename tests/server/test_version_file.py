"""GET .../file: the bytes of a version, whole, in part, or not again."""

from collections.abc import Callable

import httpx
import pytest

from multitap_registry.contract import VersionRecord
from multitap_registry.errors import CorruptBlob
from multitap_registry.memory import MemoryRegistry
from problem_reading import read_code
from sample_adapters import sample_adapter

PATH = "/tasks/mood/versions/1/file"
CONTENT = sample_adapter(0)
SIZE = len(CONTENT)


@pytest.fixture(autouse=True)
def record(publish_task: Callable[..., VersionRecord]) -> VersionRecord:
    return publish_task("mood")


async def get(client: httpx.AsyncClient, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await client.get(PATH, headers=named)


async def test_the_file_is_what_was_published(
    client: httpx.AsyncClient, record: VersionRecord
) -> None:
    response = await get(client)

    assert (response.status_code, response.content) == (200, CONTENT)
    assert response.headers["content-type"] == "application/octet-stream"
    assert response.headers["etag"] == f'"{record.digest}"'
    assert response.headers["accept-ranges"] == "bytes"
    assert response.headers["content-length"] == str(SIZE)


@pytest.mark.parametrize("form", ['"{}"', 'W/"{}"', '"other", "{}"', "*"])
async def test_a_client_that_has_the_file_gets_no_bytes(
    client: httpx.AsyncClient, record: VersionRecord, form: str
) -> None:
    response = await get(client, if_none_match=form.format(record.digest))

    assert (response.status_code, response.content) == (304, b"")
    assert response.headers["etag"] == f'"{record.digest}"'


async def test_a_client_with_another_file_gets_this_one(client: httpx.AsyncClient) -> None:
    assert (await get(client, if_none_match='"sha256:other"')).status_code == 200


@pytest.mark.parametrize(
    ("value", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=10-19", 10, 19),
        ("bytes=10-", 10, SIZE - 1),
        ("bytes=-10", SIZE - 10, SIZE - 1),
        (f"bytes=-{SIZE + 5}", 0, SIZE - 1),
        (f"bytes=5-{SIZE + 5}", 5, SIZE - 1),
        ("Bytes=1-2", 1, 2),
    ],
)
async def test_a_single_range_is_partial_content(
    client: httpx.AsyncClient, value: str, first: int, last: int
) -> None:
    response = await get(client, range=value)

    assert response.status_code == 206
    assert response.content == CONTENT[first : last + 1]
    assert response.headers["content-range"] == f"bytes {first}-{last}/{SIZE}"


@pytest.mark.parametrize("value", [f"bytes={SIZE}-", f"bytes={SIZE}-{SIZE + 9}", "bytes=-0"])
async def test_a_range_outside_the_file_is_not_satisfiable(
    client: httpx.AsyncClient, value: str
) -> None:
    response = await get(client, range=value)

    assert read_code(response) == (416, "invalid_request")
    assert response.headers["content-range"] == f"bytes */{SIZE}"


@pytest.mark.parametrize("value", ["bytes=0-1,3-4", "lines=0-1", "bytes=-", "bytes=5-2", "x"])
async def test_other_ranges_get_the_whole_file(client: httpx.AsyncClient, value: str) -> None:
    response = await get(client, range=value)

    assert (response.status_code, response.content) == (200, CONTENT)


async def test_a_range_of_another_file_gets_the_whole_one(
    client: httpx.AsyncClient, record: VersionRecord
) -> None:
    same = await get(client, range="bytes=0-1", if_range=f'"{record.digest}"')
    other = await get(client, range="bytes=0-1", if_range='"sha256:other"')

    assert (same.status_code, other.status_code) == (206, 200)


async def test_damaged_bytes_are_never_sent(
    client: httpx.AsyncClient, registry: MemoryRegistry, record: VersionRecord
) -> None:
    registry.failure = CorruptBlob(record.digest, "sha256:" + "0" * 64)

    assert read_code(await get(client)) == (500, "corrupt_blob")
