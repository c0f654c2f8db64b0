"""One part of a predict call: the rows of one task, answered or refused as a whole."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from multitap.predictions import Prediction
from multitap.wire import PredictAnswer, RowAnswer, Usage
from multitap_registry.contract import VersionRecord

from .decoding import RunRows
from .engine.contract import Encoded, EncodedRow, Output, Row


@dataclass(slots=True)
class Part:
    """A part on its way: each step fills in its field, or sets `failure` and ends the way.

    `places` name the rows in faults. `windows` are the rows that the engine runs: one for each
    input, or several of a long one.
    """

    record: VersionRecord
    rows: Sequence[Row]
    places: Sequence[str]
    encoded: Sequence[Encoded] = ()
    windows: Sequence[EncodedRow] = ()
    outputs: Sequence[Output] = ()
    predictions: list[Prediction] = field(default_factory=list[Prediction])
    failure: Exception | None = None

    def run_rows(self) -> RunRows:
        """Return what is decoded."""
        return RunRows(self.rows, self.encoded, self.outputs)

    def answer(self) -> PredictAnswer:
        """Return the answer to the part's rows."""
        record = self.record
        return PredictAnswer(
            task=record.task,
            version=record.version,
            digest=record.digest,
            kind=record.spec.head.kind,
            predictions=self.predictions,
            usage=Usage(
                rows=len(self.rows),
                tokens=sum(len(row.token_ids) for row in self.windows),
                truncated=sum(row.truncated for row in self.encoded),
            ),
        )

    def row_answer(self) -> RowAnswer:
        """Return the answer to a part of one row."""
        record = self.record
        return RowAnswer(
            task=record.task,
            version=record.version,
            digest=record.digest,
            kind=record.spec.head.kind,
            prediction=self.predictions[0],
        )
