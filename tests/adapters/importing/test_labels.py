"""Labels come from the folder or are given, as many as the head has outputs."""

import pytest

from multitap_adapters.file.strict_json import JsonValue
from multitap_adapters.importing.errors import FolderRefused
from multitap_adapters.importing.labels import choose_labels, read_label_map
from multitap_adapters.importing.settings import Settings
from multitap_adapters.spec import HeadKind


def test_given_labels_replace_those_of_the_folder() -> None:
    assert choose_labels("classification", 2, ("a", "b"), None) == ("a", "b")
    assert choose_labels("classification", 2, ("a", "b"), ("c", "d")) == ("c", "d")


@pytest.mark.parametrize("kind", ["regression", "question_answering", "embedding"])
def test_a_kind_without_labels_has_none_whatever_the_folder_says(kind: HeadKind) -> None:
    assert choose_labels(kind, 1, ("LABEL_0",), None) == ()
    with pytest.raises(FolderRefused, match=f"a {kind} head has no labels, got 1"):
        choose_labels(kind, 1, None, ("a",))


@pytest.mark.parametrize(
    ("found", "given", "message"),
    [
        (None, None, "the folder does not name its 3 labels: give 3 of them, in order"),
        (("a", "b"), None, "the folder names 2 labels, but the head has 3 outputs"),
        (None, ("a",), "got 1 labels, but the head has 3 outputs"),
    ],
)
def test_a_wrong_number_of_labels_is_told_with_the_right_one(
    found: tuple[str, ...] | None, given: tuple[str, ...] | None, message: str
) -> None:
    with pytest.raises(FolderRefused) as error:
        choose_labels("tagging", 3, found, given)

    assert str(error.value) == message


@pytest.mark.parametrize("numbers", [[1, 0], ["1", "0"]])
def test_labels_stand_in_the_order_of_their_numbers(numbers: list[JsonValue]) -> None:
    mapping: dict[str, JsonValue] = {"b": numbers[0], "a": numbers[1]}

    assert read_label_map(Settings({"label2id": mapping}, "a.json")) == ("a", "b")


@pytest.mark.parametrize("document", [{}, {"label2id": None}, {"label2id": {}}])
def test_no_map_names_nothing(document: dict[str, JsonValue]) -> None:
    assert read_label_map(Settings(document, "a.json")) is None


@pytest.mark.parametrize("value", [{"a": 1, "b": 2}, {"a": 0, "b": 0}, {"a": True}, {"a": "x"}, []])
def test_a_map_that_does_not_count_from_0_is_refused(value: JsonValue) -> None:
    with pytest.raises(FolderRefused, match=r"label2id in a\.json"):
        read_label_map(Settings({"label2id": value}, "a.json"))
