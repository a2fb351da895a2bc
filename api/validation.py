"""What is wrong with a request, in words for the person who sent it. Input is never echoed: it may be huge."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypedDict
from urllib.parse import quote

from sessions.problems import FieldProblem

_SHOWN_ERRORS = 20
_SHOWN_NAME = 80


class RawError(TypedDict):
    """An error as pydantic tells it, as far as it is used here."""

    type: str
    loc: Sequence[str | int]
    msg: str
    ctx: Mapping[str, Any]


Words = Callable[[Mapping[str, Any]], str]

_WORDS: Mapping[str, Words] = {
    "missing": lambda _: "is required",
    "extra_forbidden": lambda _: "is no field of this request; correct its name or leave it out",
    "none_required": lambda _: "must be null",
    "string_type": lambda _: "must be a text",
    "string_unicode": lambda _: "holds half of a surrogate pair; send the text as UTF-8",
    "string_too_long": lambda context: f"may have at most {context['max_length']:,} characters",
    "string_too_short": lambda context: f"must have at least {_counted(context['min_length'], 'character')}",
    "string_pattern_mismatch": lambda context: f"must have the form {context['pattern']}",
    "too_long": lambda context: f"may have at most {_counted(context['max_length'], 'entry', 'entries')}",
    "too_short": lambda context: f"must have at least {_counted(context['min_length'], 'entry', 'entries')}",
    "greater_than_equal": lambda context: f"must be at least {context['ge']}",
    "less_than_equal": lambda context: f"must be at most {context['le']}",
    "int_type": lambda _: "must be a whole number",
    "int_parsing": lambda _: "must be a whole number",
    "int_parsing_size": lambda _: "must be a smaller number",
    "int_from_float": lambda _: "must be a whole number",
    "finite_number": lambda _: "must be a number",
    "enum": lambda context: f"must be {context['expected']}",
    "literal_error": lambda context: f"must be {context['expected']}",
    "value_error": lambda context: _value_error(str(context["error"])),
    "tuple_type": lambda _: "must be a list",
    "list_type": lambda _: "must be a list",
    "model_type": lambda _: "must be an object",
    "model_attributes_type": lambda _: "must be an object",
    "dict_type": lambda _: "must be an object",
}


def field_problems(errors: Sequence[RawError]) -> tuple[FieldProblem, ...]:
    """Return the mistakes of a request, the first twenty of them.

    Each ``loc`` begins with where the value was: ``body``, ``query``, ``path`` or ``header``.
    """
    told = [error for error in errors if not is_aftermath(error, errors=errors)]
    return tuple(_field_problem(error) for error in told[:_SHOWN_ERRORS])


def summary_of(problems: Sequence[FieldProblem]) -> str:
    """Return the mistakes as one text."""
    return " ".join(_sentence(problem) for problem in problems)


def described(error: RawError) -> str:
    """Return what is wrong with a value, to be read after its name."""
    words = _WORDS.get(error["type"])
    if words is None:
        return error["msg"].replace("Input should", "must")
    return words(error.get("ctx") or {})


def is_aftermath(error: RawError, *, errors: Sequence[RawError]) -> bool:
    """Whether a list only seems too short because entries of it are wrong: those are not counted."""
    place = tuple(error["loc"])
    return error["type"] == "too_short" and any(
        len(other["loc"]) > len(place) and tuple(other["loc"])[: len(place)] == place for other in errors
    )


def _field_problem(error: RawError) -> FieldProblem:
    place, *path = error["loc"]
    detail = described(error)
    if place == "body":
        if not path and error["type"] == "missing":
            detail = "the request has no body; send a JSON object"
        elif not path and error["type"] != "value_error":
            detail = f"the body {detail}"
        return FieldProblem(pointer=_pointer(path), detail=detail)
    name = str(path[-1])[:_SHOWN_NAME] if path else ""
    if place == "header":
        return FieldProblem(header=name, detail=detail)
    return FieldProblem(parameter=name, detail=detail)


def _pointer(path: Sequence[str | int]) -> str:
    """Return a JSON pointer in the form of a URI fragment, which every name survives, half surrogates included."""
    escaped = (str(part)[:_SHOWN_NAME].replace("~", "~0").replace("/", "~1") for part in path)
    return "".join(["#", *(f"/{quote(part, safe='~', errors='replace')}" for part in escaped)])


def _sentence(problem: FieldProblem) -> str:
    name = problem.header or problem.parameter or (problem.pointer or "").removeprefix("#").removeprefix("/")
    text = f"{name.replace('/', '.')}: {problem.detail}" if name else problem.detail[:1].upper() + problem.detail[1:]
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _value_error(message: str) -> str:
    # The framework's own, in the words of a programmer.
    return "must be a file with a name, sent as multipart/form-data" if "UploadFile" in message else message


def _counted(number: int, singular: str, plural: str | None = None) -> str:
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"
