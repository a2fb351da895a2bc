"""What went wrong, as the API tells it (RFC 9457): for whoever answers, and for whoever asked."""

from typing import Final

from sessions.model import Value

MEDIA_TYPE: Final = "application/problem+json"


class FieldProblem(Value):
    """One mistake. ``pointer`` is a JSON pointer into the body, ``parameter`` and ``header`` name what lies outside."""

    pointer: str | None = None
    parameter: str | None = None
    header: str | None = None
    detail: str


class Problem(Value):
    """What went wrong. ``detail`` says what to do; ``errors`` names each mistake where there are several."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: tuple[FieldProblem, ...] | None = None
