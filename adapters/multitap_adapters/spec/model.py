"""The base of every part of the specification: frozen, and closed to unknown fields."""

from pydantic import BaseModel, ConfigDict


class SpecModel(BaseModel):
    """A frozen part of the document; unknown fields, NaN and silent conversions are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)
