"""PUT and DELETE /tasks/{task}/versions/{version}/tags/{tag}."""

from collections.abc import Callable

import httpx
import pytest

from multitap_registry.contract import VersionRecord
from multitap_registry.rules import MAX_TAGS
from problem_reading import read_code, read_faults

TAGS = "/tasks/mood/versions/1/tags"


@pytest.fixture(autouse=True)
def _mood(publish_task: Callable[..., VersionRecord]) -> None:
    publish_task("mood")


async def test_tags_are_given_and_taken(client: httpx.AsyncClient) -> None:
    given = [await client.put(f"{TAGS}/{tag}") for tag in ("good", "v1.2", "good")]
    taken = await client.delete(f"{TAGS}/good")

    assert [response.json()["tags"] for response in given] == [
        ["good"],
        ["good", "v1.2"],
        ["good", "v1.2"],
    ]
    assert (taken.status_code, taken.json()["tags"]) == (200, ["v1.2"])
    assert (await client.get("/tasks/mood/versions/1")).json()["tags"] == ["v1.2"]


@pytest.mark.parametrize("path", ["team/a", "team%2Fa"])
async def test_a_tag_may_have_slashes(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.put(f"{TAGS}/{path}")).json()["tags"] == ["team/a"]
    assert (await client.delete(f"{TAGS}/{path}")).json()["tags"] == []


async def test_taking_a_tag_that_is_not_there_is_no_error(client: httpx.AsyncClient) -> None:
    assert (await client.delete(f"{TAGS}/good")).status_code == 200


@pytest.mark.parametrize("tag", ["-x", "a%20b", "%C3%A4", "x" * 65])
async def test_a_tag_that_breaks_the_grammar_is_named(client: httpx.AsyncClient, tag: str) -> None:
    for response in (await client.put(f"{TAGS}/{tag}"), await client.delete(f"{TAGS}/{tag}")):
        assert read_code(response) == (422, "invalid_request")
        assert [at for at, _ in read_faults(response)] == ["tag"]


async def test_a_version_has_no_more_tags_than_it_may(client: httpx.AsyncClient) -> None:
    for number in range(MAX_TAGS):
        await client.put(f"{TAGS}/{number}")
    response = await client.put(f"{TAGS}/more")

    assert read_code(response) == (422, "invalid_request")
    assert read_faults(response) == [
        ("tag", "version 1 of task 'mood' would have 33 tags, at most 32 expected")
    ]


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/tasks/nothing/versions/1/tags/x", "task_not_found"),
        ("/tasks/mood/versions/2/tags/x", "version_not_found"),
        ("/tasks/mood/versions/live/tags/x", "version_not_found"),
    ],
)
async def test_only_versions_that_are_there_have_tags(
    client: httpx.AsyncClient, path: str, code: str
) -> None:
    assert read_code(await client.put(path)) == (404, code)
    assert read_code(await client.delete(path)) == (404, code)
