"""GET /tasks, GET /tasks/{task} and PUT /tasks/{task}/aliases/{alias}."""

from collections.abc import Callable

import httpx
import pytest

from multitap.wire import Task, TaskList, Version
from multitap_registry.contract import VersionRecord
from multitap_registry.errors import StorageFull, StorageUnavailable
from multitap_registry.memory import MemoryRegistry
from multitap_registry.reference import Reference
from problem_reading import read_code, read_faults, read_problem
from publishing import publish
from sample_adapters import SAMPLE_BACKBONE, random_file, sample_spec

Publish = Callable[..., VersionRecord]
FOREIGN = SAMPLE_BACKBONE.model_copy(update={"digest": "sha256:" + "f" * 64})


async def list_tasks(client: httpx.AsyncClient, **params: str) -> TaskList:
    response = await client.get("/tasks", params=params)
    assert response.status_code == 200
    return TaskList.model_validate_json(response.content)


async def test_an_empty_registry_lists_no_task(client: httpx.AsyncClient) -> None:
    assert (await client.get("/tasks")).json() == {"tasks": [], "next": None}


async def test_a_task_shows_its_kind_labels_and_aliases(
    client: httpx.AsyncClient, publish_task: Publish
) -> None:
    publish_task("mood")
    publish_task("mood")
    task = Task.model_validate_json((await client.get("/tasks/mood")).content)

    assert (task.task, task.kind, task.labels) == ("mood", "classification", ["no", "yes"])
    assert (task.live, task.aliases, task.versions) == (1, {"live": 1}, 2)
    assert task.servable
    assert task.created_at.tzinfo is not None


async def test_times_are_rfc_3339_in_utc(client: httpx.AsyncClient, publish_task: Publish) -> None:
    publish_task("mood")

    assert (await client.get("/tasks/mood")).json()["created_at"].endswith("Z")


async def test_a_task_for_another_backbone_is_listed_as_not_servable(
    client: httpx.AsyncClient, registry: MemoryRegistry
) -> None:
    publish(registry, "mood", random_file(sample_spec(backbone=FOREIGN)))

    assert [task.servable for task in (await list_tasks(client)).tasks] == [False]


async def test_pages_follow_each_other_by_cursor(
    client: httpx.AsyncClient, publish_task: Publish
) -> None:
    for name in ("a", "b", "c"):
        publish_task(name)
    first = await list_tasks(client, limit="2")
    assert first.next is not None
    second = await list_tasks(client, limit="2", after=first.next)

    assert [task.task for page in (first, second) for task in page.tasks] == ["a", "b", "c"]
    assert second.next is None


async def test_tasks_are_found_by_a_part_of_their_name_and_by_kind(
    client: httpx.AsyncClient, publish_task: Publish
) -> None:
    publish_task("spam-en")
    publish_task("mood")

    assert [task.task for task in (await list_tasks(client, q="spam")).tasks] == ["spam-en"]
    assert (await list_tasks(client, kind="tagging")).tasks == []


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ("limit=0", "query.limit"),
        ("limit=1001", "query.limit"),
        ("limit=x", "query.limit"),
        ("limit=1&limit=2", "query.limit"),
        ("kind=poem", "query.kind"),
        ("page=2", "query.page"),
        ("after=" + "x" * 201, "query.after"),
    ],
)
async def test_a_wrong_or_unknown_query_parameter_is_named(
    client: httpx.AsyncClient, query: str, place: str
) -> None:
    response = await client.get(f"/tasks?{query}")

    assert read_code(response) == (422, "invalid_request")
    assert [at for at, _ in read_faults(response)] == [place]


@pytest.mark.parametrize("name", ["nothing", "Not!A!Task", "x" * 5_000])
async def test_a_task_that_is_not_there_is_not_found(client: httpx.AsyncClient, name: str) -> None:
    response = await client.get(f"/tasks/{name}")

    assert read_code(response) == (404, "task_not_found")
    assert len(read_problem(response).detail) < 200


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
