"""What a model answered, made safe to look into: any text at all may come in."""

import json
import re
from collections.abc import Mapping, Sequence

MAX_ANSWER_CHARACTERS = 1_000_000
MAX_ENTRIES = 200
"""More entries of a list are not looked at: no list in a story has so many, and a model that runs wild writes on."""

# Line breaks within a string are no JSON, but small models write them.
_JSON = json.JSONDecoder(strict=False)

_BREAKS = re.compile(r"\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_UNSTORABLE = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


class NotJsonError(Exception):
    """There is no JSON object in a text, or no whole one."""


def object_in(text: str) -> Mapping[str, object]:
    """Return the JSON object that a model wrote.

    Small models think aloud before it (up to ``</think>``), put it in a Markdown fence, or say a word before and
    after: all that is passed over.

    Raises:
        NotJsonError: no object is there, it breaks off, or there is no end to it.
    """
    if len(text) > MAX_ANSWER_CHARACTERS:
        raise NotJsonError
    body = text.lstrip("\ufeff \t\r\n")
    if not body.startswith("{"):
        body = body.partition("</think>")[2] or body
    try:
        # From the first brace on: what stands before it is a fence or a word of introduction.
        value, _ = _JSON.raw_decode(body, body.index("{"))
    except (ValueError, RecursionError):
        raise NotJsonError from None
    if not isinstance(value, dict):
        raise NotJsonError
    return value


def objects(value: object) -> Sequence[Mapping[str, object]]:
    """Return a list of objects; what is no object counts as one without fields, what is no list as an empty one."""
    return [entry if isinstance(entry, dict) else {} for entry in _entries(value)]


def lines(value: object) -> tuple[str, ...]:
    """Return a list of texts, each on one line, without those that say nothing."""
    return tuple(text for text in map(one_line, _entries(value)) if not is_blank(text))


def _entries(value: object) -> Sequence[object]:
    return value[:MAX_ENTRIES] if isinstance(value, list) else []


def one_line(value: object) -> str:
    """Return a text on one line, without characters that cannot be stored; what is no text is empty."""
    return " ".join(many_lines(value).split())


def many_lines(value: object) -> str:
    """Return a text with its line breaks, without characters that cannot be stored; what is no text is empty."""
    if not isinstance(value, str):
        return ""
    return _UNSTORABLE.sub("", _BREAKS.sub("\n", value)).strip()


def is_blank(text: str) -> bool:
    """Tell whether a text says nothing that can be seen."""
    return not any(character.isprintable() and character != " " for character in text)


def is_storable(text: str) -> bool:
    """Tell whether a text is free of control characters and halves of characters."""
    return not _UNSTORABLE.search(text)


def quoted(text: str) -> str:
    """Return a few characters of a text in quotation marks, for a sentence about it."""
    line = one_line(text)
    return f"“{line[:30]}…”" if len(line) > 30 else f"“{line}”"
