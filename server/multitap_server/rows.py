"""From inputs, as a client sent them, to the rows of a task, if they fit its kind."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, Literal, TypeAlias, assert_never

from multitap.wire import Fault, Input, Parameters, QuestionInput, TextInput, TokensInput
from multitap_adapters.spec import HeadKind

from .engine.contract import QuestionRow, Row, TextRow, TokensRow
from .errors import InvalidRequest, TooLarge

_COMMON: Final = frozenset({"timeout_ms", "truncate"})
PARAMETERS: Final[Mapping[HeadKind, frozenset[str]]] = MappingProxyType(
    {
        "classification": _COMMON | {"top_k"},
        "multilabel": _COMMON | {"threshold", "top_k"},
        "regression": _COMMON,
        "tagging": _COMMON | {"aggregation"},
        "question_answering": _COMMON | {"top_k", "max_answer_tokens"},
        "embedding": _COMMON | {"normalize"},
    }
)


def require_parameters(kind: HeadKind, parameters: Parameters) -> None:
    """Return if every parameter that was given belongs to the kind. Raises: InvalidRequest."""
    foreign = parameters.model_fields_set - PARAMETERS[kind]
    if foreign:
        message = f"{_task(kind)} does not take this parameter"
        raise InvalidRequest(
            [Fault(at=f"parameters.{name}", message=message) for name in sorted(foreign)]
        )


Form: TypeAlias = Literal["texts", "words", "questions"]
FORMS: Final[Mapping[HeadKind, Form]] = MappingProxyType(
    {
        "classification": "texts",
        "multilabel": "texts",
        "regression": "texts",
        "tagging": "words",
        "question_answering": "questions",
        "embedding": "texts",
    }
)
_TAKEN: Final[Mapping[Form, str]] = MappingProxyType(
    {
        "texts": "a text or a pair of texts",
        "words": "a text or a list of tokens",
        "questions": "a question with its context",
    }
)


def input_rows(kind: HeadKind, inputs: Sequence[Input], places: Sequence[str]) -> list[Row]:
    """Return one row per input; `places` name the inputs in faults.

    Raises:
        InvalidRequest: with every input that does not fit a task of this kind.
    """
    form = FORMS[kind]
    rows: list[Row] = []
    faults: list[Fault] = []
    for value, place in zip(inputs, places, strict=True):
        row = _row(value)
        if _fits(row, form):
            rows.append(row)
            faults += _blank_tokens(row, place)
        else:
            message = f"{_task(kind)} takes {_TAKEN[form]}, got {_name(row)}"
            faults.append(Fault(at=place, message=message))
    if faults:
        raise InvalidRequest(faults)
    return rows


def _task(kind: HeadKind) -> str:
    return f"{'an' if kind == 'embedding' else 'a'} {kind} task"


def _row(value: Input) -> Row:
    match value:
        case str():
            return TextRow(value)
        case TextInput():
            return TextRow(value.text, value.text_pair)
        case QuestionInput():
            return QuestionRow(value.question, value.context)
        case TokensInput():
            return TokensRow(tuple(value.tokens))
        case _:
            assert_never(value)


def _fits(row: Row, form: Form) -> bool:
    match form:
        case "texts":
            return isinstance(row, TextRow)
        case "words":
            return isinstance(row, TokensRow) or (
                isinstance(row, TextRow) and row.text_pair is None
            )
        case "questions":
            return isinstance(row, QuestionRow)


def _name(row: Row) -> str:
    match row:
        case TextRow():
            return "a text" if row.text_pair is None else "a pair of texts"
        case TokensRow():
            return "a list of tokens"
        case QuestionRow():
            return "a question"


def _blank_tokens(row: Row, place: str) -> list[Fault]:
    """Return a fault for the first token that has nothing but spaces."""
    if isinstance(row, TokensRow):
        for index, token in enumerate(row.tokens):
            if not token or token.isspace():
                message = "a token needs a character that is no space"
                return [Fault(at=f"{place}.tokens.{index}", message=message)]
    return []


def require_sizes(
    inputs: Sequence[Input], *, tasks: int, max_rows: int, max_characters: int
) -> None:
    """Return if a call of these inputs through so many tasks is small enough. Raises: TooLarge."""
    if len(inputs) * tasks > max_rows:
        raise TooLarge("the call", max_rows, "rows")
    for value in inputs:
        if count_characters(value) > max_characters:
            raise TooLarge("an input", max_characters, "characters")


def count_characters(value: Input) -> int:
    """Return the length of all texts of an input, in code points."""
    return len(value) if isinstance(value, str) else count_row_characters(_row(value))


def count_row_characters(row: Row) -> int:
    """Return the length of all texts of a row, in code points; a token counts a space behind it."""
    match row:
        case TextRow():
            return len(row.text) + len(row.text_pair or "")
        case QuestionRow():
            return len(row.question) + len(row.context)
        case TokensRow():
            return sum(len(token) + 1 for token in row.tokens)
