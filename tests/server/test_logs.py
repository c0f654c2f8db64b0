"""GET /events and GET /audit."""

from collections.abc import Callable

import httpx
import pytest

from multitap.logs import AuditLine, AuditList, EventList
from multitap_registry.contract import GENESIS, AuditEntry, VersionRecord, line_hash
from multitap_registry.errors import StorageUnavailable
from multitap_registry.memory import MemoryRegistry
from problem_reading import read_code, read_faults

Publish = Callable[..., VersionRecord]


@pytest.fixture
async def changed(client: httpx.AsyncClient, publish_task: Publish) -> None:
    publish_task("mood")
    publish_task("mood")
    await client.put(
        "/tasks/mood/aliases/live",
        json={"version": 2, "reason": "better"},
        headers={"x-request-id": "trace-7"},
    )


@pytest.mark.usefixtures("changed")
async def test_events_are_listed_in_order_without_gaps(client: httpx.AsyncClient) -> None:
    response = await client.get("/events")
    page = EventList.model_validate_json(response.content)

    assert [(event.seq, event.type, event.version) for event in page.events] == [
        (1, "version.published", 1),
        (2, "alias.moved", 1),
        (3, "version.published", 2),
        (4, "alias.moved", 2),
    ]
    assert (page.next, page.last) == (4, 4)
    assert "alias" not in response.json()["events"][0]
    assert response.json()["events"][3]["by"] == "anonymous"


@pytest.mark.usefixtures("changed")
async def test_pages_of_events_follow_each_other(client: httpx.AsyncClient) -> None:
    first = (await client.get("/events?limit=3")).json()
    second = (await client.get(f"/events?after={first['next']}")).json()
    third = (await client.get(f"/events?after={second['next']}")).json()

    assert [event["seq"] for event in first["events"]] == [1, 2, 3]
    assert [event["seq"] for event in second["events"]] == [4]
    assert third == {"events": [], "next": 4, "last": 4}


async def test_a_wait_for_an_event_that_does_not_come_is_an_empty_page(
    client: httpx.AsyncClient,
) -> None:
    response = await client.get("/events?after=3&wait_s=0.01")

    assert response.json() == {"events": [], "next": 3, "last": 0}


@pytest.mark.parametrize("route", ["events", "audit"])
@pytest.mark.parametrize(
    "query", ["after=-1", "after=x", f"after={10**18}", "limit=0", "limit=1001", "x=1"]
)
async def test_a_wrong_parameter_of_a_log_is_named(
    client: httpx.AsyncClient, route: str, query: str
) -> None:
    response = await client.get(f"/{route}?{query}")

    assert read_code(response) == (422, "invalid_request")
    assert [at for at, _ in read_faults(response)] == [f"query.{query.partition('=')[0]}"]


@pytest.mark.parametrize("wait", ["-1", "61", "nan", "inf"])
async def test_a_wait_is_bounded(client: httpx.AsyncClient, wait: str) -> None:
    assert read_code(await client.get(f"/events?wait_s={wait}")) == (422, "invalid_request")


@pytest.mark.usefixtures("changed")
async def test_a_log_that_cannot_be_read_is_unavailable(
    client: httpx.AsyncClient, registry: MemoryRegistry
) -> None:
    registry.failure = StorageUnavailable("the disk failed")

    assert read_code(await client.get("/events")) == (503, "unavailable")
    assert read_code(await client.get("/audit")) == (503, "unavailable")


@pytest.mark.usefixtures("changed")
async def test_an_audit_line_says_who_what_why_and_in_which_request(
    client: httpx.AsyncClient, registry: MemoryRegistry
) -> None:
    line = (await client.get("/audit?after=3")).json()["lines"][0]

    assert (line["seq"], line["action"], line["outcome"]) == (4, "alias.moved", "done")
    assert (line["task"], line["version"], line["alias"]) == ("mood", 2, "live")
    assert (line["by"], line["reason"], line["request_id"]) == ("anonymous", "better", "trace-7")
    digests = [registry.version("mood", number).digest for number in (1, 2)]
    assert [line["old_digest"], line["new_digest"]] == digests


@pytest.mark.usefixtures("changed")
async def test_the_chain_of_audit_lines_can_be_checked_from_outside(
    client: httpx.AsyncClient,
) -> None:
    first = AuditList.model_validate_json((await client.get("/audit?limit=3")).content)
    second = AuditList.model_validate_json((await client.get(f"/audit?after={first.next}")).content)
    lines = [*first.lines, *second.lines]

    assert [line.seq for line in lines] == [1, 2, 3, 4]
    assert [line.previous for line in lines] == [GENESIS, *(line.hash for line in lines[:-1])]
    assert [line.hash for line in lines] == [own_hash(line) for line in lines]
    assert (await client.get("/audit?after=4")).json() == {"lines": [], "next": 4}


def own_hash(line: AuditLine) -> str:
    """Hash what a line says, as the registry does."""
    fields = line.model_dump(exclude={"seq", "previous", "hash"})
    return line_hash(line.seq, AuditEntry(**fields), line.previous)


@pytest.mark.parametrize(
    ("method", "path", "body", "action"),
    [
        ("DELETE", "/tasks/mood/versions/1?reason=why", None, "version.deleted"),
        ("DELETE", "/tasks/mood/aliases/live?reason=why", None, "alias.deleted"),
        ("DELETE", "/tasks/mood?force=true&reason=why", None, "task.deleted"),
        ("POST", "/tasks/mood/aliases/live/rollback", {"reason": "why"}, "alias.moved"),
    ],
)
@pytest.mark.usefixtures("changed")
async def test_every_change_leaves_its_reason_and_its_request(
    client: httpx.AsyncClient, method: str, path: str, body: object, action: str
) -> None:
    response = await client.request(method, path, json=body, headers={"x-request-id": "r-9"})
    line = (await client.get("/audit?after=4")).json()["lines"][-1]

    assert response.is_success
    assert (line["action"], line["reason"], line["request_id"]) == (action, "why", "r-9")


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
@pytest.mark.usefixtures("changed")
async def test_a_change_of_tags_leaves_its_request(
    client: httpx.AsyncClient, registry: MemoryRegistry, method: str
) -> None:
    registry.tag("mood", 1, by="ann", add=["there"])
    tag = "there" if method == "DELETE" else "new"
    await client.request(
        method, f"/tasks/mood/versions/1/tags/{tag}", headers={"x-request-id": "r-9"}
    )
    line = (await client.get("/audit?after=5")).json()["lines"][-1]

    assert (line["action"], line["request_id"]) == ("version.tagged", "r-9")
