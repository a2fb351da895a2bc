"""Errors as HTTP tells them: `application/problem+json` (RFC 9457), by the one table of errors and statuses."""

import inspect
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final, cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import compile_path

from api.services import UploadRefusedError
from api.validation import RawError, field_problems, summary_of
from service.errors import (
    ArtifactNotFoundError,
    BusyError,
    CallbackRefusedError,
    ChangedResultError,
    IdempotencyConflictError,
    IdempotencyKeySpentError,
    InvalidOutlineError,
    NotRetryableError,
    OutOfReachError,
    SessionNotFoundError,
    UnknownReferenceError,
    WrongStateError,
)
from sessions.costs import InvalidPeriodError
from sessions.problems import MEDIA_TYPE, FieldProblem, Problem
from sessions.records import InvalidCursorError

RETRY_AFTER_SECONDS: Final = 2

STATUSES: Final[Mapping[type[Exception], int]] = {
    SessionNotFoundError: 404,
    ArtifactNotFoundError: 404,
    WrongStateError: 409,
    IdempotencyKeySpentError: 409,
    CallbackRefusedError: 422,
    IdempotencyConflictError: 422,
    InvalidCursorError: 422,
    ChangedResultError: 422,
    InvalidOutlineError: 422,
    InvalidPeriodError: 422,
    NotRetryableError: 422,
    UnknownReferenceError: 422,
    UploadRefusedError: 422,
    BusyError: 503,
    OutOfReachError: 503,
}

# What the framework says of these is for programmers; people are told what to do.
_ADVICE: Final[Mapping[int, str]] = {
    400: "The request cannot be read. Check that its body is whole, well-formed and encoded as its headers say.",
    404: "There is nothing at this address. /api/openapi.json lists what there is.",
    413: "The request is too large. A picture may have 20 MB, a story's earlier result 32 MB, any other request 1 MB.",
    415: "Send the request as JSON, with the header Content-Type: application/json.",
    500: "Something broke here, and it has been logged. Try again; if it persists, report the request's id.",
}
_LONGEST_DETAIL = 4000


Answer = Callable[[Request, Problem, Mapping[str, str]], Response]
"""Turns a problem and the headers that belong to it into a response."""


def problem(status: int, detail: str | None = None, *, errors: tuple[FieldProblem, ...] | None = None) -> Problem:
    """Return a problem with the title of its status, and advice where no detail is given."""
    title = HTTPStatus(status).phrase
    return Problem(
        title=title, status=status, detail=(detail or _ADVICE.get(status) or title)[:_LONGEST_DETAIL], errors=errors
    )


def problem_response(found: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """Return a problem as a response."""
    return Response(
        found.model_dump_json(exclude_none=True),
        status_code=found.status,
        headers=dict(headers or {}),
        media_type=MEDIA_TYPE,
    )


def problem_of(error: Exception) -> Problem:
    """Return what an error of the table is in HTTP.

    Raises:
        KeyError: the error is not in the table.
    """
    status = next(STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES)
    return problem(status, str(error) or inspect.getdoc(error))


def problem_of_validation(error: RequestValidationError) -> Problem:
    """Return what is wrong with a request that does not have the form it should have."""
    errors = cast(list[RawError], list(error.errors()))
    if any(raw["type"] == "json_invalid" for raw in errors):
        return problem(400, _where_json_breaks(errors))
    if isinstance(error.body, bytes) and any(tuple(raw["loc"]) == ("body",) for raw in errors):
        return problem(415)
    found = field_problems(errors)
    return problem(422, summary_of(found), errors=found)


def install_problems(app: FastAPI, *, answer: Answer) -> None:
    """Have every error of an application answered as a problem.

    Args:
        app: the application.
        answer: builds the response, so that people at the page get a page.
    """

    async def on_known_error(request: Request, error: Exception) -> Response:
        found = problem_of(error)
        headers = {"Retry-After": str(RETRY_AFTER_SECONDS)} if found.status == 503 else {}
        return answer(request, found, headers)

    async def on_invalid(request: Request, error: Exception) -> Response:
        return answer(request, problem_of_validation(cast(RequestValidationError, error)), {})

    async def on_http_error(request: Request, error: Exception) -> Response:
        refused = cast(HTTPException, error)
        headers = dict(refused.headers or {})
        if refused.status_code == 405:
            headers["Allow"] = _allowed_methods(request)
            return answer(request, problem(405, f"This address takes {headers['Allow']}."), headers)
        if refused.status_code == 413:
            # What is left of the body would otherwise be read as the next request.
            headers["Connection"] = "close"
        # The framework fills in the title where nobody said anything.
        is_told = refused.detail not in (HTTPStatus(refused.status_code).phrase, "There was an error parsing the body")
        return answer(request, problem(refused.status_code, refused.detail if is_told else None), headers)

    for kind in STATUSES:
        app.add_exception_handler(kind, on_known_error)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HTTPException, on_http_error)


def _where_json_breaks(errors: list[RawError]) -> str:
    broken = next(raw for raw in errors if raw["type"] == "json_invalid")
    reason = str((broken.get("ctx") or {}).get("error", "not JSON"))
    return f"The body is not valid JSON at character {broken['loc'][-1]}: {reason}. Correct it and send it again."


def _allowed_methods(request: Request) -> str:
    """Return every method of an address: the framework names those of the first route only whose form it has.

    `/api/sessions/images` has the form of `/api/sessions/{session_id}`, too, but is no session's address.
    """
    if "route" not in request.scope:  # files and the description of the API, which are only read
        return "GET, HEAD"
    address = request.scope["path"]
    forms: dict[str, set[str]] = {}
    for route in iter_route_contexts(cast(FastAPI, request.app).routes):
        if route.path is not None and compile_path(route.path)[0].fullmatch(address):
            forms.setdefault(route.path, set()).update(route.methods or ())
    exact = forms.get(address)
    return ", ".join(sorted(exact or set[str]().union(*forms.values())))
