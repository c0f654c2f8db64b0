"""Aliases: moved with PUT, rolled back, deleted, and their histories."""

from collections.abc import Callable

import httpx
import pytest

from multitap.logs import AliasHistory
from multitap.wire import Version
from multitap_registry.contract import VersionRecord
from multitap_registry.errors import StorageFull, StorageUnavailable
from multitap_registry.memory import MemoryRegistry
from multitap_registry.reference import Reference
from problem_reading import read_code, read_faults
from publishing import publish
from sample_adapters import SAMPLE_BACKBONE, random_file, sample_spec

Publish = Callable[..., VersionRecord]
FOREIGN = SAMPLE_BACKBONE.model_copy(update={"digest": "sha256:" + "f" * 64})
LIVE = "/tasks/mood/aliases/live"


async def put(
    client: httpx.AsyncClient, body: object, path: str = "/tasks/mood/aliases/live"
) -> httpx.Response:
    return await client.put(path, json=body)


@pytest.fixture
def versions(publish_task: Publish) -> None:
    publish_task("mood")
    publish_task("mood")


@pytest.mark.usefixtures("versions")
async def test_moving_an_alias_answers_with_the_version(client: httpx.AsyncClient) -> None:
    response = await put(client, {"version": 2, "reason": "better"})
    version = Version.model_validate_json(response.content)

    assert (response.status_code, version.version, version.aliases) == (200, 2, ["live"])
    assert (await client.get("/tasks/mood")).json()["live"] == 2


@pytest.mark.usefixtures("versions")
async def test_the_next_prediction_goes_where_live_points(client: httpx.AsyncClient) -> None:
    await put(client, {"version": 2})

    assert (await client.post("/predict/mood", json={"inputs": "x"})).json()["version"] == 2


@pytest.mark.usefixtures("versions")
async def test_expected_says_where_the_alias_must_be(client: httpx.AsyncClient) -> None:
    right = await put(client, {"version": 2, "expected": 1})
    wrong = await put(client, {"version": 1, "expected": 1})

    assert right.status_code == 200
    assert read_code(wrong) == (409, "alias_conflict")


@pytest.mark.usefixtures("versions")
async def test_expected_null_means_that_the_alias_must_not_exist(
    client: httpx.AsyncClient,
) -> None:
    path = "/tasks/mood/aliases/candidate"
    made = await put(client, {"version": 2, "expected": None}, path)
    again = await put(client, {"version": 1, "expected": None}, path)

    assert made.status_code == 200
    assert read_code(again) == (409, "alias_conflict")


@pytest.mark.usefixtures("versions")
async def test_without_expected_the_alias_moves_from_anywhere(client: httpx.AsyncClient) -> None:
    await put(client, {"version": 2})

    assert (await put(client, {"version": 1})).status_code == 200


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/tasks/nothing/aliases/live", (404, "task_not_found")),
        ("/tasks/Bad!/aliases/live", (404, "task_not_found")),
        ("/tasks/mood/aliases/Bad!", (422, "invalid_request")),
        ("/tasks/mood/aliases/7", (422, "invalid_request")),
    ],
)
@pytest.mark.usefixtures("versions")
async def test_an_alias_is_moved_only_where_its_name_allows_it(
    client: httpx.AsyncClient, path: str, code: tuple[int, str]
) -> None:
    assert read_code(await put(client, {"version": 1}, path)) == code


@pytest.mark.parametrize("version", [3, 10**17])
@pytest.mark.usefixtures("versions")
async def test_an_alias_cannot_point_at_nothing(client: httpx.AsyncClient, version: int) -> None:
    assert read_code(await put(client, {"version": version})) == (404, "version_not_found")


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({}, "version"),
        ({"version": 0}, "version"),
        ({"version": "1"}, "version"),
        ({"version": 1.0}, "version"),
        ({"version": True}, "version"),
        ({"version": 2**64}, "version"),
        ({"version": 1, "expected": 0}, "expected"),
        ({"version": 1, "reason": "x" * 1_001}, "reason"),
        ({"version": 1, "force": True}, "force"),
    ],
)
@pytest.mark.usefixtures("versions")
async def test_a_wrong_field_of_a_move_is_named(
    client: httpx.AsyncClient, body: object, place: str
) -> None:
    response = await put(client, body)

    assert read_code(response) == (422, "invalid_request")
    assert [at for at, _ in read_faults(response)] == [place]


@pytest.mark.usefixtures("versions")
async def test_an_alias_cannot_move_to_a_version_that_is_not_servable_here(
    client: httpx.AsyncClient, registry: MemoryRegistry
) -> None:
    publish(registry, "mood", random_file(sample_spec(backbone=FOREIGN)))
    response = await put(client, {"version": 3})

    assert read_code(response) == (409, "backbone_mismatch")
    assert registry.resolve(Reference("mood")).version == 1


@pytest.mark.usefixtures("versions")
async def test_a_full_disk_is_storage_full_and_the_alias_stays(
    client: httpx.AsyncClient, registry: MemoryRegistry
) -> None:
    registry.failure = StorageFull("no space in /var/secret")
    response = await put(client, {"version": 2})

    assert read_code(response) == (507, "storage_full")
    assert "secret" not in response.text
    assert (await client.get("/tasks/mood")).json()["live"] == 1


@pytest.mark.usefixtures("versions")
async def test_a_broken_disk_is_unavailable(
    client: httpx.AsyncClient, registry: MemoryRegistry
) -> None:
    registry.failure = StorageUnavailable("the disk failed")

    assert read_code(await put(client, {"version": 2})) == (503, "unavailable")


@pytest.fixture
async def moved(client: httpx.AsyncClient, versions: None) -> None:  # noqa: ARG001 (an order)
    await client.put(LIVE, json={"version": 2, "reason": "better"}, headers={"x-request-id": "r-2"})


@pytest.mark.usefixtures("moved")
async def test_a_history_tells_every_move_oldest_first(client: httpx.AsyncClient) -> None:
    response = await client.get(f"{LIVE}/history")
    made, moved = response.json()["history"]

    assert (made["from"], made["to"], made["reason"]) == (None, 1, None)
    assert (moved["from"], moved["to"], moved["by"]) == (1, 2, "anonymous")
    assert (moved["move"], moved["reason"], moved["rollback"]) == (2, "better", False)
    assert moved["at"].endswith("Z")
    assert AliasHistory.model_validate_json(response.content).history[1].origin == 1


@pytest.mark.usefixtures("moved")
async def test_a_rollback_needs_no_body_and_answers_with_the_version(
    client: httpx.AsyncClient,
) -> None:
    response = await client.post(f"{LIVE}/rollback")
    version = Version.model_validate_json(response.content)

    assert (response.status_code, version.version, version.aliases) == (200, 1, ["live"])
    history = (await client.get(f"{LIVE}/history")).json()["history"]
    assert (history[-1]["to"], history[-1]["rollback"]) == (1, True)


@pytest.mark.usefixtures("moved")
async def test_a_rollback_can_say_where_the_alias_must_be_and_why(
    client: httpx.AsyncClient,
) -> None:
    wrong = await client.post(f"{LIVE}/rollback", json={"expected": 1})
    right = await client.post(f"{LIVE}/rollback", json={"expected": 2, "reason": "worse"})

    assert read_code(wrong) == (409, "alias_conflict")
    assert right.status_code == 200
    history = (await client.get(f"{LIVE}/history")).json()["history"]
    assert [move["reason"] for move in history] == [None, "better", "worse"]


@pytest.mark.usefixtures("versions")
async def test_an_alias_that_never_moved_has_nothing_to_roll_back_to(
    client: httpx.AsyncClient,
) -> None:
    response = await client.post(f"{LIVE}/rollback")

    assert read_code(response) == (409, "nothing_to_roll_back_to")


@pytest.mark.usefixtures("versions")
async def test_a_rollback_passes_over_versions_that_were_deleted(
    client: httpx.AsyncClient, publish_task: Publish
) -> None:
    publish_task("mood")
    await client.put(LIVE, json={"version": 2})
    await client.put(LIVE, json={"version": 3})
    await client.delete("/tasks/mood/versions/2")

    assert (await client.post(f"{LIVE}/rollback")).json()["version"] == 1


@pytest.mark.usefixtures("versions")
async def test_an_alias_is_not_rolled_back_to_what_is_not_servable_here(
    client: httpx.AsyncClient, registry: MemoryRegistry
) -> None:
    publish(registry, "mood", random_file(sample_spec(backbone=FOREIGN)))
    for version in (3, 1):
        registry.point("mood", "live", version, by="a server of that backbone")
    response = await client.post(f"{LIVE}/rollback")

    assert read_code(response) == (409, "backbone_mismatch")
    assert registry.resolve(Reference("mood")).version == 1


@pytest.mark.parametrize(
    ("body", "place"),
    [({"expected": 0}, "expected"), ({"reason": "a\0b"}, "reason"), ({"version": 1}, "version")],
)
@pytest.mark.usefixtures("moved")
async def test_a_wrong_field_of_a_rollback_is_named(
    client: httpx.AsyncClient, body: object, place: str
) -> None:
    response = await client.post(f"{LIVE}/rollback", json=body)

    assert read_code(response) == (422, "invalid_request")
    assert [at for at, _ in read_faults(response)] == [place]


@pytest.mark.usefixtures("moved")
async def test_a_body_of_a_rollback_must_be_json(client: httpx.AsyncClient) -> None:
    response = await client.post(f"{LIVE}/rollback", content=b"expected=2")

    assert read_code(response) == (415, "unsupported_media_type")


@pytest.mark.usefixtures("versions")
async def test_a_deleted_alias_is_gone_and_its_history_stays(client: httpx.AsyncClient) -> None:
    response = await client.delete(f"{LIVE}?reason=by+hand")
    history = (await client.get(f"{LIVE}/history")).json()["history"]

    assert (response.status_code, response.content) == (204, b"")
    assert (await client.get("/tasks/mood")).json()["aliases"] == {}
    assert (history[-1]["to"], history[-1]["reason"]) == (None, "by hand")
    assert read_code(await client.post("/predict/mood", json={"inputs": "x"})) == (
        404,
        "alias_not_found",
    )


@pytest.mark.usefixtures("versions")
async def test_an_alias_is_deleted_from_where_it_was_expected_only(
    client: httpx.AsyncClient,
) -> None:
    assert read_code(await client.delete(f"{LIVE}?expected=2")) == (409, "alias_conflict")
    assert (await client.delete(f"{LIVE}?expected=1")).status_code == 204


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/tasks/nothing/aliases/live", "task_not_found"),
        ("/tasks/Bad!/aliases/live", "task_not_found"),
        ("/tasks/mood/aliases/next", "alias_not_found"),
        ("/tasks/mood/aliases/Bad!", "alias_not_found"),
        ("/tasks/mood/aliases/7", "alias_not_found"),
    ],
)
@pytest.mark.usefixtures("versions")
async def test_an_alias_that_is_not_there_is_not_found(
    client: httpx.AsyncClient, path: str, code: str
) -> None:
    for response in (
        await client.get(f"{path}/history"),
        await client.post(f"{path}/rollback"),
        await client.delete(path),
    ):
        assert read_code(response) == (404, code)
