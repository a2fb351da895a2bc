"""What can go wrong with a call, drawn once. Every message is for people and says what to do.

::

    RetakesError
    ├── UnreachableError         no answer came: wrong address, nothing listens, the line broke
    ├── UnexpectedAnswerError    an answer came that is none of this API
    └── ProblemError             the server said what is wrong, as `problem`
        ├── KeyRefusedError      401: it asks for a key, or does not know the one it got
        ├── NotFoundError        404: no such session, item or file
        ├── WrongStateError      409: the session's state does not allow it; nothing has changed
        ├── InvalidRequestError  other 4xx: something in the request is wrong; nothing has happened
        └── ServerError          5xx: it broke, or cannot reach what it needs; the same call may work in a moment
"""

from typing import Final

import httpx2
from pydantic import ValidationError

from sessions.problems import MEDIA_TYPE, Problem

_MOST_SHOWN: Final = 200


class RetakesError(Exception):
    """Base of everything that a call raises."""


class UnreachableError(RetakesError):
    """No answer came."""

    @classmethod
    def of(cls, error: httpx2.RequestError, *, url: str) -> "UnreachableError":
        """Return what a failure of the connection to a server is for people."""
        if isinstance(error, httpx2.ConnectError):
            return cls(
                f"no server answers at {url} ({_reason(error)}). Start one with `retakes up`, or set RETAKES_URL."
            )
        if isinstance(error, httpx2.UnsupportedProtocol):
            return cls(f"{url} is no address of a server; set RETAKES_URL to one such as http://127.0.0.1:8000")
        return cls(f"the connection to {url} broke ({_reason(error)}); try again in a moment")


class UnexpectedAnswerError(RetakesError):
    """The answer is not one of this API."""


class ProblemError(RetakesError):
    """The server said what is wrong. ``request_id`` finds the request in its log, None where it told none."""

    def __init__(self, problem: Problem, *, request_id: str | None = None) -> None:
        super().__init__(problem.detail)
        self.problem = problem
        self.request_id = request_id


class KeyRefusedError(ProblemError):
    """The server asks for a key, or does not know the one it got."""


class NotFoundError(ProblemError):
    """There is no such session, item or file."""


class WrongStateError(ProblemError):
    """The session's state does not allow it; nothing has changed."""


class InvalidRequestError(ProblemError):
    """Something in the request is wrong; nothing has happened."""


class ServerError(ProblemError):
    """The server broke, or cannot reach what it needs; the same call may work in a moment."""

    def __str__(self) -> str:
        known = f" Its log knows this as request {self.request_id}." if self.request_id else ""
        return f"{self.problem.detail}{known}"


_KINDS: Final = {401: KeyRefusedError, 404: NotFoundError, 409: WrongStateError}


def error_of(response: httpx2.Response) -> RetakesError:
    """Return what a response that is no success stands for. Its body has been read."""
    status = response.status_code
    media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != MEDIA_TYPE and status < 500:
        return _not_ours(response)
    try:
        problem = Problem.model_validate_json(response.content)
    except ValidationError:
        # A proxy in between tells of a server that is gone in words of its own.
        problem = Problem(
            title=response.reason_phrase or "Error",
            status=status,
            detail=f"{_place(response)} answered {status}; try again later",
        )
    kind = _KINDS.get(status, ServerError if status >= 500 else InvalidRequestError)
    return kind(problem, request_id=response.headers.get("x-request-id"))


def misread(response: httpx2.Response) -> UnexpectedAnswerError:
    """Return what it is when a success cannot be read."""
    return UnexpectedAnswerError(
        f"the answer of {_place(response)} is not understood; the server may be of another version than this client"
    )


def _not_ours(response: httpx2.Response) -> UnexpectedAnswerError:
    return UnexpectedAnswerError(
        f"{_place(response)} answered {response.status_code}, but not as Retakes does; check RETAKES_URL"
    )


def _place(response: httpx2.Response) -> str:
    return str(response.request.url.copy_with(query=None))[:_MOST_SHOWN]


def _reason(error: httpx2.RequestError) -> str:
    return (str(error) or type(error).__name__)[:_MOST_SHOWN]
