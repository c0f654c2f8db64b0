"""The table of decoders."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from multitap.predictions import Prediction
from multitap.wire import Parameters
from multitap_adapters.answers import DEFAULT_ANSWER_TOKENS
from multitap_adapters.spec import Head, HeadKind
from multitap_server.engine.contract import EncodedWords

from .budget import ScoreBudget
from .classification import decode_classification
from .embedding import decode_embedding
from .multilabel import decode_multilabel
from .question_answering import decode_question_answering
from .regression import decode_regression
from .run_rows import Decoder, RunRows
from .tagging import decode_tagging

DECODERS: Final[Mapping[HeadKind, Decoder]] = MappingProxyType(
    {
        "classification": decode_classification,
        "multilabel": decode_multilabel,
        "regression": decode_regression,
        "tagging": decode_tagging,
        "question_answering": decode_question_answering,
        "embedding": decode_embedding,
    }
)
# What a word of a tagged text costs beside its logits, and a window of a context beside its spans:
# measured, as 20,000 outputs of classification take about 1 ms.
_WORD_COST: Final = 60
_WINDOW_COST: Final = 2_000


def decode(
    head: Head, run: RunRows, parameters: Parameters, budget: ScoreBudget
) -> list[Prediction]:
    """Return one prediction per input, in order.

    Raises:
        KeyError: the kind has no decoder; ask for servability first.
        UnusableOutput: an output is not finite.
        TooLarge: the answer would exceed the budget.
    """
    return DECODERS[head.kind](head, run, parameters, budget)


def decoding_cost(head: Head, run: RunRows, parameters: Parameters) -> int:
    """Return about how much work decoding is, in outputs of a classification head."""
    if head.input != "tokens":
        return len(run.outputs) * run.outputs[0].size if run.outputs else 0
    outputs = sum(output.size for output in run.outputs)
    if head.kind == "question_answering":
        spans = outputs * (parameters.max_answer_tokens or DEFAULT_ANSWER_TOKENS) // 2
        return spans + _WINDOW_COST * len(run.outputs)
    words = sum(len(each.places) for each in run.encoded if isinstance(each, EncodedWords))
    return outputs + _WORD_COST * words
