"""The names under which people know a story's files."""

import unicodedata

MAX_TITLE_CHARACTERS = 50
_UNTITLED = "Story"


def safe_title(title: str) -> str:
    """Return a title as it stands in file names: 1 to 50 letters, digits and single underscores.

    White space and underscores become one underscore, and everything else is dropped. Letters of every script stay,
    with their accents and vowel signs: a title in Hindi is still one. Where nothing is left, it is ``Story``.
    """
    composed = unicodedata.normalize("NFC", title)
    spaced = "".join(_kept(character) for character in composed)
    return "_".join(spaced.split())[:MAX_TITLE_CHARACTERS].strip("_") or _UNTITLED


def _kept(character: str) -> str:
    if character.isalnum() or unicodedata.category(character) in ("Mn", "Mc"):
        return character
    return " " if character.isspace() or character == "_" else ""


def metadata_file(title: str) -> str:
    """Return the name of the file that holds what is the same in every set."""
    return f"{safe_title(title)}_metadata.json"


def is_metadata_file(name: str) -> bool:
    """Whether a file of a session holds what is the same in every set."""
    return name.endswith("_metadata.json")


def outline_file(title: str, *, part_number: int | None) -> str:
    """Return the name of the file that holds the outline, or that of a part of it."""
    part = "" if part_number is None else f"_{part_number:02d}"
    return f"{safe_title(title)}_outline{part}.json"


def set_file(title: str, *, set_number: int) -> str:
    """Return the name of the file that holds a set. Sets are counted from 1."""
    return f"{safe_title(title)}_set_{set_number:02d}.json"
