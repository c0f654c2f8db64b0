"""Task names and digests."""

import pytest
from pydantic import TypeAdapter, ValidationError

from multitap_adapters.spec import Digest, TaskName

task_name = TypeAdapter[str](TaskName)
digest = TypeAdapter[str](Digest)


@pytest.mark.parametrize("name", ["a", "0", "sentiment", "bank-ing.77_x", "a" * 63])
def test_a_task_name_is_short_lower_case_and_begins_and_ends_well(name: str) -> None:
    assert task_name.validate_python(name) == name


@pytest.mark.parametrize(
    "name",
    ["", "A", "-a", "a-", ".a", "a.", "a b", "a/b", "a@1", "..", "a" * 64, "a\n", "\u00e9"],
    ids=ascii,
)
def test_another_text_is_no_task_name(name: str) -> None:
    with pytest.raises(ValidationError):
        task_name.validate_python(name)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sha256:",
        "0" * 64,
        "sha256:" + "0" * 63,
        "sha256:" + "0" * 65,
        "sha256:" + "A" * 64,
        "SHA256:" + "0" * 64,
        "sha256:" + "0" * 64 + "\n",
    ],
)
def test_a_digest_has_sixty_four_lower_case_digits(text: str) -> None:
    assert digest.validate_python("sha256:" + "0f" * 32)
    with pytest.raises(ValidationError):
        digest.validate_python(text)
