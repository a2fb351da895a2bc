"""From options to requests: what people write on the command line, checked before anything is sent."""

import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar, cast

from pydantic import BaseModel, ValidationError

from api.validation import RawError, field_problems
from runtime.refusal import Refused

_MOST_INPUT: Final = 2**20
_OPTIONS: Final = {
    "product/title": "TITLE",
    "product/features": "--feature",
    "product/audience": "--audience",
    "brand/name": "--brand",
    "brand/colors": "--color",
    "brand/vibe": "--vibe",
    "keywords": "--keyword",
    "images": "--image",
    "size": "--size",
    "quality": "--quality",
    "format": "--image-format",
    "idea": "IDEA",
    "total_segments": "--segments",
    "segments_per_set": "--per-set",
    "characters": "--character",
    "content_rating": "--rating",
    "language": "--language",
    "items": "KEY",
    "note": "--note",
    "prompt": "--prompt",
    "model": "--model",
    "max_attempts": "--max-attempts",
    "budget_usd": "--budget",
    "callback_url": "--callback-url",
    "tolerated_failures": "--tolerated-failures",
}

M = TypeVar("M", bound=BaseModel)


def checked(model: type[M], values: Mapping[str, Any]) -> M:
    """Return a request of the values that were given; those that are None or empty were not.

    Raises:
        Refused: something in it is wrong; the message names the option.
    """
    try:
        return model.model_validate(given(values))
    except ValidationError as error:
        raw = [{**found, "loc": ("body", *found["loc"])} for found in error.errors(include_url=False)]
        problems = field_problems(cast(Sequence[RawError], raw))
        raise Refused("; ".join(_in_words(problem.pointer or "", problem.detail) for problem in problems)) from None


def given(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that were given, those within values included."""
    inner = {name: given(value) if isinstance(value, Mapping) else value for name, value in values.items()}
    return {name: value for name, value in inner.items() if value is not None and value not in ([], (), {})}


def _in_words(pointer: str, detail: str) -> str:
    # A retry's note is given once, and sent with each item.
    place = re.sub(r"^items/\d+/note$", "note", pointer.removeprefix("#").removeprefix("/"))
    option = next((option for field, option in _OPTIONS.items() if f"{place}/".startswith(f"{field}/")), "")
    return f"{option or place.replace('/', '.')} {detail}".strip()


def image_of(text: str) -> dict[str, Any]:
    """Return the image that `--image` asks for: a type, and after a colon what to add to its prompt."""
    kind, _, note = text.partition(":")
    return given({"type": kind.strip(), "note": note.strip() or None})


def custom_image_of(text: str) -> dict[str, Any]:
    """Return the image that `--custom` asks for: a key, an equals sign, and its prompt.

    Raises:
        Refused: there is no equals sign.
    """
    key, separator, prompt = text.partition("=")
    if not separator:
        raise Refused("--custom should be KEY=PROMPT, such as packaging='The box it comes in'")
    return {"type": "custom", "key": key.strip(), "label": key.strip().replace("_", " ").capitalize(), "prompt": prompt}


def character_of(text: str) -> dict[str, Any]:
    """Return the character that `--character` brings: a name, and after a colon who that is."""
    name, _, description = text.partition(":")
    return given({"name": name.strip(), "description": description.strip() or None})


def tolerated(text: str | None) -> int | str | None:
    """Return a number of failures, or a share such as `20%`."""
    return int(text) if text is not None and text.isascii() and text.isdecimal() else text


def titles_of(title: str) -> list[str]:
    """Return the titles to start sessions with: the one given, or with `-` each line of standard input.

    Raises:
        Refused: there is none.
    """
    if title != "-":
        return [title]
    titles = [line.strip() for line in text_from_input().splitlines() if line.strip()]
    if not titles:
        raise Refused("standard input holds no title; write one a line")
    return titles


def idea_of(idea: str) -> str:
    """Return the idea that was given, or with `-` all of standard input."""
    return text_from_input().strip() if idea == "-" else idea


def text_from_input() -> str:
    """Return what standard input holds.

    Raises:
        Refused: it is no text, or more than any request may be.
    """
    data = sys.stdin.buffer.read(_MOST_INPUT + 1)
    if len(data) > _MOST_INPUT:
        raise Refused("standard input holds more than 1 MB; send less")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Refused("standard input is no UTF-8 text") from None
