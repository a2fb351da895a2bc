"""Texts from outside: what is let in. Whatever passes here can be stored, shown and put into a prompt as it is."""

import unicodedata
from typing import Annotated

from pydantic import AfterValidator, StringConstraints

_LINE_BREAKS = "\n\r\v\f\x85\u2028\u2029"


def _without_control_characters(text: str) -> str:
    """Refuse what no database, file name or prompt should have to bear.

    Right-to-left marks and joiners of emoji are format characters, not control characters: they pass.
    """
    for character in text:
        category = unicodedata.category(character)
        if category == "Cs":
            raise ValueError("holds half of a surrogate pair; send the text as UTF-8")
        if category == "Cc" and character not in "\n\r\t":
            raise ValueError(f"holds the control character U+{ord(character):04X}; remove it")
    return text


def _one_line(text: str) -> str:
    if any(character in _LINE_BREAKS or character == "\t" for character in text):
        raise ValueError("must be one line, without line breaks or tabs")
    return _paragraphs(text)


def _paragraphs(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be blank")
    return _without_control_characters(text)


# To be named after the field's limit of length: what is too long is then refused before it is looked through.
OneLine = AfterValidator(_one_line)
"""The text is one line that says something."""

ManyLines = AfterValidator(_paragraphs)
"""The text says something, on any number of lines."""

Note = Annotated[str, StringConstraints(max_length=2000), ManyLines]
"""What a person adds to a prompt, at most 2,000 characters."""


def shortened(text: str, *, max_bytes: int) -> str:
    """Return the text cut to a size in UTF-8 bytes, never within a character, with an ellipsis where it was cut."""
    encoded = text.encode()
    if len(encoded) <= max_bytes:
        return text
    ellipsis = "…"
    return encoded[: max_bytes - len(ellipsis.encode())].decode(errors="ignore") + ellipsis
