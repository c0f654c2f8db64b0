"""From inputs, as a client sent them, to the rows of a task, if they fit its kind."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, assert_never

from multitap.wire import Fault, Input, Parameters, QuestionInput, TextInput, TokensInput
from multitap_adapters.spec import HeadKind

from .engine.contract import TextRow
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
        message = f"a {kind} task does not take this parameter"
        raise InvalidRequest(
            [Fault(at=f"parameters.{name}", message=message) for name in sorted(foreign)]
        )


def text_rows(kind: HeadKind, inputs: Sequence[Input], places: Sequence[str]) -> list[TextRow]:
    """Return one row per input; `places` name the inputs in faults.

    Raises:
        InvalidRequest: with every input that does not fit a task of this kind.
    """
    rows: list[TextRow] = []
    faults: list[Fault] = []
    for value, place in zip(inputs, places, strict=True):
        if isinstance(value, str):
            rows.append(TextRow(value))
        elif isinstance(value, TextInput):
            rows.append(TextRow(value.text, value.text_pair))
        else:
            form = "a question" if isinstance(value, QuestionInput) else "a list of tokens"
            message = f"a {kind} task takes a text or a pair of texts, got {form}"
            faults.append(Fault(at=place, message=message))
    if faults:
        raise InvalidRequest(faults)
    return rows


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
    match value:
        case str():
            return len(value)
        case TextInput():
            return len(value.text) + len(value.text_pair or "")
        case QuestionInput():
            return len(value.question) + len(value.context)
        case TokensInput():
            return sum(len(token) + 1 for token in value.tokens)
        case _:
            assert_never(value)
