"""What all JSON messages share.

Requests refuse unknown fields (a typo is an error); answers ignore them (a newer server is not).
"""

from pydantic import BaseModel, ConfigDict


class Request(BaseModel):
    """Base of what clients send; what they sent is never part of an error's text."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, hide_input_in_errors=True, allow_inf_nan=False
    )


class Answer(BaseModel):
    """Base of what servers send."""

    model_config = ConfigDict(extra="ignore", frozen=True)
