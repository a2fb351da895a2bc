"""The base of every value that crosses a wire: frozen, keyword-only, and strict about what comes from outside."""

from pydantic import BaseModel, ConfigDict


class Value(BaseModel):
    """An immutable value between our own processes.

    Unknown fields are ignored, so that a worker can read what a newer one wrote while a deployment rolls.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")


class RequestModel(BaseModel):
    """An immutable value from outside. Unknown fields are refused: a misspelt field must not be lost silently."""

    model_config = ConfigDict(frozen=True, extra="forbid")
