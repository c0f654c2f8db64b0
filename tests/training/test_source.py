"""Every form of a labelled file, and every fault of one, with its file and line."""

import gzip
import json
from pathlib import Path

import pytest

from labelled_files import Row, write_jsonl
from multitap_training import DataError
from multitap_training.objectives.classification import Classification
from multitap_training.objectives.text_example import TextExample
from multitap_training.source import read_examples

TWO = [{"text": "a fine film", "label": "good"}, {"text": "an awful one", "label": "bad"}]


def written(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def read(path: Path) -> list[TextExample[str]]:
    kind = Classification()
    return read_examples(path, kind.fields, kind.parse)


def texts(path: Path) -> list[tuple[str, str | None, str]]:
    return [(e.text, e.text_pair, e.label) for e in read(path)]


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.jsonl.gz"])
def test_json_lines_are_read_plain_and_gzipped(tmp_path: Path, name: str) -> None:
    examples = read(write_jsonl(tmp_path / name, TWO))

    assert examples == [
        TextExample("a fine film", None, "good", 1),
        TextExample("an awful one", None, "bad", 2),
    ]


@pytest.mark.parametrize("name", ["rows.csv", "rows.csv.gz"])
def test_csv_is_read_plain_and_gzipped(tmp_path: Path, name: str) -> None:
    content = b"label,text\ngood,a fine film\nbad,an awful one\n"
    path = written(tmp_path / name, gzip.compress(content) if name.endswith("gz") else content)

    assert read(path) == [
        TextExample("a fine film", None, "good", 2),
        TextExample("an awful one", None, "bad", 3),
    ]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("rows.jsonl", "".join(json.dumps(row) + "\n" for row in TWO)),
        ("rows.csv", "text,label\na fine film,good\nan awful one,bad\n"),
    ],
)
def test_a_byte_order_mark_and_carriage_returns_change_nothing(
    tmp_path: Path, name: str, content: str
) -> None:
    plain = texts(written(tmp_path / name, content))

    path = written(tmp_path / name, "\ufeff" + content.replace("\n", "\r\n"))

    assert texts(path) == plain


def test_quoted_csv_fields_may_hold_commas_quotes_and_lines(tmp_path: Path) -> None:
    content = 'text,label\n"one, ""two""\nthree",good\nfour,bad\n'

    examples = read(written(tmp_path / "rows.csv", content))

    assert [(e.text, e.line) for e in examples] == [('one, "two"\nthree', 3), ("four", 4)]


def test_pairs_other_columns_and_whole_numbers_as_labels_are_taken(tmp_path: Path) -> None:
    rows: list[Row] = [
        {"text": "he left", "text_pair": "he went", "label": 1, "id": 7},
        {"text": "he left", "text_pair": "", "label": 0},
        {"text": "he left", "text_pair": None, "label": "0"},
    ]

    assert texts(write_jsonl(tmp_path / "rows.jsonl", rows)) == [
        ("he left", "he went", "1"),
        ("he left", None, "0"),
        ("he left", None, "0"),
    ]


def test_csv_may_have_pairs_and_empty_ones(tmp_path: Path) -> None:
    path = written(tmp_path / "rows.csv", "text,text_pair,label\na,b,x\nc,,y\n")

    assert texts(path) == [("a", "b", "x"), ("c", None, "y")]


def test_blank_lines_are_passed_over_and_still_counted(tmp_path: Path) -> None:
    path = written(tmp_path / "rows.jsonl", '\n  \n{"text": "a", "label": "x"}\n\n')

    assert read(path) == [TextExample("a", None, "x", 3)]


def test_a_line_separator_inside_a_text_ends_no_line(tmp_path: Path) -> None:
    path = written(tmp_path / "rows.jsonl", '{"text": "a\u2028b", "label": "x"}\n')

    assert texts(path) == [("a\u2028b", None, "x")]


GOOD = '{"text": "a", "label": "x"}\n'


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ('{"text": "b"}', "has no label"),
        ('{"label": "x"}', "has no text"),
        ("{}", "has no text and no label"),
        ('{"text": "", "label": ""}', "has no text and no label"),
        ('{"text": null, "label": "x"}', "has no text"),
        ('{"text": "b", "label": null}', "has no label"),
        ('{"text": "b", "label": 1.5}', "label must be a text or a whole number, got 1.5"),
        ('{"text": "b", "label": true}', "label must be a text or a whole number, got True"),
        ('{"text": "b", "label": ["x"]}', "label must be a text or a whole number, got ['x']"),
        ('{"text": 5, "label": "x"}', "text must be a text, got int"),
        ('{"text": ["b"], "label": "x"}', "text must be a text, got list"),
        ('{"text": "b", "text_pair": 5, "label": "x"}', "text_pair must be a text, got int"),
        ('{"text": "\\ud800", "label": "x"}', "text holds half of a surrogate pair"),
        ('{"text": "b", "label": "\\udfff"}', "label holds half of a surrogate pair"),
        ('["b", "x"]', "expected a JSON object, got list"),
        ('"b"', "expected a JSON object, got str"),
        ("text: b", "no JSON: Expecting value at column 1"),
        ('{"text": "b", "label": "x"} {}', "no JSON: Extra data at column 29"),
        ('{"text": "b", "label": ' + "9" * 5_000 + "}", "no JSON: Exceeds the limit"),
        ('{"text": "b", "label"', "no JSON: Expecting ':' delimiter at column 23"),
    ],
)
def test_a_bad_json_row_names_its_file_and_line(tmp_path: Path, row: str, message: str) -> None:
    path = written(tmp_path / "rows.jsonl", GOOD + row + "\n" + GOOD)

    with pytest.raises(DataError) as refused:
        read(path)

    assert str(refused.value).startswith(f"{path}, line 2: {message}")
    assert "\n" not in str(refused.value)
    assert (refused.value.path, refused.value.line) == (path, 2)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("b", "expected 2 columns"),
        ("b,x,y", "expected 2 columns"),
        ("b,", "has no label"),
        (",x", "has no text"),
        ('"b"c,x', "no CSV: ',' expected after '\"'"),
    ],
)
def test_a_bad_csv_row_names_its_file_and_line(tmp_path: Path, row: str, message: str) -> None:
    path = written(tmp_path / "rows.csv", f"text,label\na,x\n{row}\nc,y\n")

    with pytest.raises(DataError) as refused:
        read(path)

    assert str(refused.value) == f"{path}, line 3: {message}"


@pytest.mark.parametrize(
    ("header", "missing"),
    [("", "text, label"), ("text;label\n", "text, label"), ("text,class\n", "label")],
)
def test_a_csv_file_needs_its_columns(tmp_path: Path, header: str, missing: str) -> None:
    path = written(tmp_path / "rows.csv", header)

    with pytest.raises(DataError, match=f"line 1: the header lacks {missing}$"):
        read(path)


def test_a_deeply_nested_row_is_refused_and_not_a_crash(tmp_path: Path) -> None:
    path = written(tmp_path / "rows.jsonl", GOOD + "[" * 200_000 + "\n")

    with pytest.raises(DataError, match="line 2: no JSON: maximum recursion depth"):
        read(path)


def test_very_long_texts_and_labels_are_refused_without_being_repeated(tmp_path: Path) -> None:
    for field, most in (("text", 1_000_000), ("text_pair", 1_000_000), ("label", 200)):
        row = {"text": "b", "label": "x", field: "w" * (most + 1)}
        path = write_jsonl(tmp_path / "rows.jsonl", [row])

        with pytest.raises(DataError) as refused:
            read(path)

        expected = f"{field} has {most + 1} characters, expected at most {most}"
        assert refused.value.message == expected


def test_a_nested_label_is_shown_in_part_only(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "rows.jsonl", [{"text": "b", "label": ["x"] * 10_000}])

    with pytest.raises(DataError) as refused:
        read(path)

    assert len(refused.value.message) < 120


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.csv", "rows.jsonl.gz"])
def test_a_line_that_is_not_utf_8_is_named(tmp_path: Path, name: str) -> None:
    first = b"text,label\n" if name == "rows.csv" else GOOD.encode()
    content = first + b"\n" * 20_000 + b"caf\xe9\n"
    path = written(tmp_path / name, gzip.compress(content) if name.endswith("gz") else content)

    with pytest.raises(DataError, match="line 20002: not UTF-8: invalid continuation byte"):
        read(path)


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.csv"])
def test_a_file_without_rows_is_refused(tmp_path: Path, name: str) -> None:
    content = "text,label\n" if name == "rows.csv" else "\n"

    with pytest.raises(DataError, match="holds no rows"):
        read(written(tmp_path / name, content))


def test_a_missing_file_is_named_once(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"

    with pytest.raises(DataError) as refused:
        read(path)

    assert str(refused.value) == f"{path}: cannot be read: No such file or directory"


def test_a_directory_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").mkdir()

    with pytest.raises(DataError, match="cannot be read: Is a directory"):
        read(tmp_path / "rows.jsonl")


def test_a_file_of_another_kind_is_refused_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"expected a \.jsonl, \.jsonl\.gz, \.csv or \.csv\.gz"):
        read(written(tmp_path / "rows.txt", GOOD))


@pytest.mark.parametrize("kind", ["cut off", "damaged", "plain"])
def test_a_broken_gzip_file_is_refused(tmp_path: Path, kind: str) -> None:
    packed = gzip.compress((GOOD * 2_000).encode())
    damaged = bytearray(packed)
    damaged[20:60] = b"\xff" * 40
    content = {"cut off": packed[:-20], "damaged": bytes(damaged), "plain": GOOD.encode()}[kind]

    with pytest.raises(DataError, match=r"cannot be (unpacked|read): "):
        read(written(tmp_path / "rows.jsonl.gz", content))
