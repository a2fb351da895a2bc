"""Hashtags, spelt alike whoever wrote them."""

import re
import unicodedata

from sessions.story_answers import lines
from sessions.story_limits import HASHTAGS, MAX_HASHTAG_CHARACTERS

_BETWEEN = re.compile(r"[#,;]+")


def hashtags_of(values: object, *, is_cut: bool) -> tuple[str, ...]:
    """Return hashtags as ``#`` and letters, digits and underscores, in their order, each one once in whatever case.

    Spaces and punctuation within one are dropped; several in one text are taken apart. What is left empty, or has
    more than 50 characters, is left out.

    Args:
        values: a list of texts, or whatever else was written.
        is_cut: leave out what exceeds the 15 that a story has at most.
    """
    words = (_word(part) for text in lines(values) for part in _BETWEEN.split(text))
    found: dict[str, str] = {}
    for word in words:
        if 0 < len(word) < MAX_HASHTAG_CHARACTERS:
            found.setdefault(word.casefold(), f"#{word}")
    tags = tuple(found.values())
    return tags[: HASHTAGS[1]] if is_cut else tags


def _word(text: str) -> str:
    return "".join(
        character
        for character in unicodedata.normalize("NFC", text)
        if character.isalnum() or character == "_" or unicodedata.category(character) in ("Mn", "Mc")
    )
