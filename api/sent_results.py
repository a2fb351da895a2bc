"""The body of a retry: a result that comes back. Read by its text, which is what goes out again if nothing failed."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from fastapi import HTTPException
from fastapi.exceptions import RequestValidationError

from sessions.story_result_checks import InvalidResultError, result_of
from sessions.story_result_requests import DEFAULT_RETRIES, MOST_RETRIES
from sessions.story_results import StoryResult

_BLANK: Final = re.compile(r"[ \t\n\r]*")
_RESULT: Final = "previous_result"
_FIELDS: Final = (_RESULT, "max_retries")


def _no_number(name: str) -> object:
    raise ValueError(f"{name} is no value of JSON")


_DECODER: Final = json.JSONDecoder(parse_constant=_no_number)


@dataclass(frozen=True, kw_only=True)
class SentResult:
    """A request for a retry. ``text`` is the result just as it was sent."""

    previous: StoryResult
    text: str
    max_retries: int


def sent_result_in(body: bytes) -> SentResult:
    """Return the request that a body holds. Takes its time with megabytes.

    Raises:
        RequestValidationError: something in it is wrong.
        HTTPException: max_retries is.
    """
    with _told_as_broken_json():
        members = dict(_members(body.decode()))
    max_retries: object = members["max_retries"].value if "max_retries" in members else DEFAULT_RETRIES
    if isinstance(max_retries, bool) or not isinstance(max_retries, int) or not 1 <= max_retries <= MOST_RETRIES:
        raise HTTPException(400, f"Max retries must be between 1 and {MOST_RETRIES}")
    wrong = [_error("extra_forbidden", name) for name in members if name not in _FIELDS]
    if _RESULT not in members:
        wrong.append(_error("missing", _RESULT))
    if wrong:
        raise RequestValidationError(wrong)
    text = members[_RESULT].text
    try:
        return SentResult(previous=result_of(text), text=text, max_retries=max_retries)
    except InvalidResultError as error:
        raise RequestValidationError(
            [
                _error(found.type, _RESULT, *found.place, message=found.message, context=found.context)
                for found in error.problems
            ]
        ) from None


def _error(
    kind: str, *place: str | int, message: str = "", context: Mapping[str, Any] | None = None
) -> dict[str, object]:
    return {"type": kind, "loc": ("body", *place), "msg": message, "ctx": context or {}}


@contextmanager
def _told_as_broken_json() -> Iterator[None]:
    try:
        yield
    except UnicodeDecodeError as error:
        reason, place = "not UTF-8", error.start
    except json.JSONDecodeError as error:
        reason, place = error.msg, error.pos
    except RecursionError:
        reason, place = "nested too deeply", 0
    except ValueError as error:  # a number of thousands of digits, or none at all
        reason, place = str(error), 0
    else:
        return
    raise RequestValidationError([{"type": "json_invalid", "loc": ("body", place), "ctx": {"error": reason}}])


@dataclass(frozen=True, kw_only=True)
class _Member:
    """A member of a JSON object: its value, and the text that is its value."""

    value: object
    text: str


def _members(text: str) -> Iterator[tuple[str, _Member]]:
    """Yield the members of a JSON object. A whole parser would not tell which text a value was."""
    position = _past_blanks(text, 0)
    if not text.startswith("{", position):
        if position == len(text):
            raise RequestValidationError([_error("missing")])
        _DECODER.decode(text)
        raise RequestValidationError([_error("model_type")])
    position = _past_blanks(text, position + 1)
    is_over = text.startswith("}", position)
    while not is_over:
        if not text.startswith('"', position):
            raise json.JSONDecodeError("expecting a name in double quotes", text, position)
        name, position = _DECODER.raw_decode(text, position)
        position = _past_blanks(text, position)
        if not text.startswith(":", position):
            raise json.JSONDecodeError("expecting ':'", text, position)
        begin = _past_blanks(text, position + 1)
        value, end = _DECODER.raw_decode(text, begin)
        yield name, _Member(value=None if name == _RESULT else value, text=text[begin:end])
        position = _past_blanks(text, end)
        is_over = text.startswith("}", position)
        if not is_over:
            if not text.startswith(",", position):
                raise json.JSONDecodeError("expecting ',' or '}'", text, position)
            position = _past_blanks(text, position + 1)
    if (end := _past_blanks(text, position + 1)) != len(text):
        raise json.JSONDecodeError("something follows the end", text, end)


def _past_blanks(text: str, position: int) -> int:
    found = _BLANK.match(text, position)
    return found.end() if found else position
