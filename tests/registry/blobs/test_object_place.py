"""URLs of object stores and AWS's variables: what is taken, and what is refused without a value."""

import pytest

from multitap_registry.blobs.object_place import ObjectPlace, check_environment
from multitap_registry.errors import InvalidBlobUrl, StorageUnavailable

EXPECTED = "expected s3://bucket/prefix"


@pytest.mark.parametrize(
    ("url", "bucket", "prefix"),
    [
        ("s3://adapters", "adapters", ""),
        ("s3://adapters/", "adapters", ""),
        ("s3://my.adapters-2/multitap", "my.adapters-2", "multitap"),
        ("s3://adapters/a/b_c/(d)/", "adapters", "a/b_c/(d)"),
    ],
)
def test_url_is_a_bucket_and_a_prefix(url: str, bucket: str, prefix: str) -> None:
    assert ObjectPlace.parse(url) == ObjectPlace(bucket, prefix)


def test_place_is_written_as_its_url() -> None:
    assert str(ObjectPlace.parse("s3://adapters/a/")) == "s3://adapters/a"
    assert str(ObjectPlace.parse("s3://adapters/")) == "s3://adapters"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("gs://adapters", "the scheme 'gs'"),
        ("S3://adapters", "the scheme 'S3'"),
        ("file:///srv/blobs", "the scheme 'file'"),
        ("/srv/blobs", "no scheme"),
        ("s3:/adapters", "no scheme"),
        ("key:secret@x://adapters", "no scheme"),
        ("", "no scheme"),
        ("s3://", "the bucket ''"),
        ("s3:///prefix", "the bucket ''"),
        ("s3://a b/prefix", "the bucket 'a b'"),
        ("s3://adapters//b", "the prefix '/b'"),
        ("s3://adapters/../b", "the prefix '../b'"),
        ("s3://adapters/a/./b", "the prefix 'a/./b'"),
        ("s3://adapters/a%2Fb", "the prefix 'a%2Fb'"),
        ("s3://adapters/" + "a" * 600, "the prefix 'aaa"),
    ],
)
def test_other_urls_are_refused_with_what_was_expected(url: str, reason: str) -> None:
    with pytest.raises(InvalidBlobUrl, match="URL of blobs") as caught:
        ObjectPlace.parse(url)

    assert reason in str(caught.value)
    assert str(caught.value).endswith(EXPECTED)


@pytest.mark.parametrize(
    "url",
    [
        "s3://key:secret@adapters/prefix",
        "s3://adapters/prefix?secret=secret",
        "s3://adapters#secret",
        "s3://adapters:secret",
    ],
)
def test_url_with_keys_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(InvalidBlobUrl, match="AWS_SECRET_ACCESS_KEY") as caught:
        ObjectPlace.parse(url)

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "a/b+c=", "AWS_REGION": "eu-west-1"},
        {"AWS_ENDPOINT_URL": "https://objects.example.org:9000/base"},
        {"AWS_ENDPOINT": "http://127.0.0.1:9000", "AWS_ALLOW_HTTP": "TRUE"},
        {"AWS_ENDPOINT": "http://[::1]:9000", "aws_allow_http": "1"},
        {"AWS_PROFILE": "a name with blanks", "PATH": ""},
    ],
)
def test_usual_variables_are_taken(environ: dict[str, str]) -> None:
    check_environment(environ)


@pytest.mark.parametrize("value", ["", " ", "secret\n", "sec ret", "sécret", "secret\x00"])
@pytest.mark.parametrize(
    "name",
    ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION"],
)
def test_variable_that_no_request_can_carry_is_refused_by_its_name(name: str, value: str) -> None:
    with pytest.raises(StorageUnavailable, match=f"^{name} is empty or holds") as caught:
        check_environment({name: value})

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "objects.example.org",
        "ftp://objects.example.org",
        "https://",
        "https://key:secret@objects.example.org",
        "https://objects.example.org?secret=secret",
        "https://objects.example.org:99999",
        "https://objects.example.org:secret",
        "https://[::1",
        "https://a^b",
    ],
)
def test_endpoint_that_is_no_address_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(StorageUnavailable, match="AWS_ENDPOINT is no https://host") as caught:
        check_environment({"AWS_ENDPOINT": url})

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("allowed", [{}, {"AWS_ALLOW_HTTP": "false"}, {"AWS_ALLOW_HTTP": ""}])
def test_endpoint_without_encryption_must_be_allowed(allowed: dict[str, str]) -> None:
    with pytest.raises(StorageUnavailable, match="AWS_ALLOW_HTTP=true allows it"):
        check_environment({"AWS_ENDPOINT": "http://127.0.0.1:9000"} | allowed)
