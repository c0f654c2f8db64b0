"""GET /tasks, and GET and DELETE /tasks/{task}."""

from collections.abc import Callable

import httpx
import pytest

from multitap.wire import Task, TaskList
from multitap_adapters.spec import Card, TrainingData
from multitap_registry.contract import VersionRecord
from multitap_registry.memory import MemoryRegistry
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


@pytest.fixture
def described(registry: MemoryRegistry) -> None:
    card = Card(
        description="Moods of film reviews",
        languages=("de", "en"),
        licence="CC-BY-4.0",
        data=(TrainingData(name="SST-2", rows=3),),
    )
    spec = sample_spec(("Sad", "Glad")).model_copy(update={"card": card})
    publish(registry, "mood", random_file(spec))
    registry.tag("mood", 1, by="ann", add=["team/a"])
    publish(registry, "plain", random_file(sample_spec()))


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        ("label", "glad"),
        ("tag", "team/a"),
        ("language", "DE"),
        ("licence", "cc-by"),
        ("text", "film"),
        ("text", "sst-2"),
    ],
)
@pytest.mark.usefixtures("described")
async def test_tasks_are_found_by_labels_tags_and_their_card(
    client: httpx.AsyncClient, condition: str, text: str
) -> None:
    assert [task.task for task in (await list_tasks(client, **{condition: text})).tasks] == ["mood"]
    assert (await list_tasks(client, **{condition: "other"})).tasks == []


@pytest.mark.usefixtures("described")
async def test_every_condition_must_hold(client: httpx.AsyncClient) -> None:
    assert (await list_tasks(client, label="glad", language="fr")).tasks == []


async def test_a_task_without_aliases_is_deleted(
    client: httpx.AsyncClient, registry: MemoryRegistry, publish_task: Publish
) -> None:
    publish_task("mood")
    registry.delete_alias("mood", "live", by="ann")
    response = await client.delete("/tasks/mood")

    assert (response.status_code, response.content) == (204, b"")
    assert read_code(await client.get("/tasks/mood")) == (404, "task_not_found")


async def test_a_task_with_aliases_is_deleted_by_force_only(
    client: httpx.AsyncClient, publish_task: Publish
) -> None:
    publish_task("mood")
    refused = await client.delete("/tasks/mood")

    assert read_code(refused) == (409, "version_in_use")
    assert "'live'" in read_problem(refused).detail
    assert (await client.delete("/tasks/mood?force=true")).status_code == 204
    assert (await list_tasks(client)).tasks == []


async def test_a_task_that_comes_back_goes_on_with_its_numbers(
    client: httpx.AsyncClient, publish_task: Publish
) -> None:
    publish_task("mood")
    await client.delete("/tasks/mood?force=true")

    assert publish_task("mood").version == 2


@pytest.mark.parametrize(
    ("query", "place"),
    [("force=perhaps", "query.force"), ("reason=a%00b", "query.reason"), ("x=1", "query.x")],
)
async def test_a_wrong_parameter_of_a_deletion_is_named(
    client: httpx.AsyncClient, publish_task: Publish, query: str, place: str
) -> None:
    publish_task("mood")
    response = await client.delete(f"/tasks/mood?{query}")

    assert read_code(response) == (422, "invalid_request")
    assert [at for at, _ in read_faults(response)] == [place]


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
