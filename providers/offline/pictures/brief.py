"""Reading a prompt the way a painter would: what is the product, which kind of picture, which words."""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

_PRODUCT = re.compile(r"^Product:[ \t]*(\S.*)$", re.MULTILINE)
_IMAGE = re.compile(r"^Image:[ \t]*(\S.*)$", re.MULTILINE)
_BRAND = re.compile(r"^Brand:[ \t]*(\S.*)$", re.MULTILINE)
_COLOURS = re.compile(r"^Brand colou?rs:[ \t]*(\S.*)$", re.MULTILINE)
_FEATURES = re.compile(r"^What it does well:\n((?:- .*(?:\n|$))+)", re.MULTILINE)
_QUOTED = re.compile(r"[“\"]([^”\"\n]{2,}?)[”\"]")
_TASK = re.compile(r"^Task:.*$", re.MULTILINE)
_PLAIN = str.maketrans({"–": "-", "—": "-", "×": "x", "ß": "ss", "ø": "o", "Ø": "O", "æ": "ae", "ł": "l", "’": "'"})


class Kind(StrEnum):
    """The compositions there are."""

    MAIN = "main"
    INFOGRAPHIC = "infographic"
    LIFESTYLE = "lifestyle"
    COMPARISON = "comparison"
    STUDIO = "studio"


@dataclass(frozen=True)
class Brief:
    """What a prompt asks for. Every text is fit to be lettered: one line, no control characters."""

    title: str
    label: str
    kind: Kind
    brand: str
    colours: tuple[str, ...] = ()
    points: tuple[str, ...] = ()


def read_brief(prompt: str) -> Brief:
    """Return what can be made out of a prompt; nothing is required of it."""
    label = _first(_IMAGE, prompt)
    title = _first(_PRODUCT, prompt) or " ".join(plain(prompt).split()[:5])
    colours = _first(_COLOURS, prompt)
    return Brief(
        title=title,
        label=label,
        kind=_kind(label or prompt[:200]),
        brand=_first(_BRAND, prompt),
        colours=tuple(colour.strip() for colour in colours.split(",")) if colours else (),
        points=_points(prompt),
    )


def _first(pattern: re.Pattern[str], prompt: str) -> str:
    match = pattern.search(prompt)
    return plain(match[1]) if match else ""


def _kind(words: str) -> Kind:
    whole = set(re.findall(r"[a-z]+", words.lower()))
    return next((kind for kind in Kind if kind in whole), Kind.STUDIO)


def _points(prompt: str) -> tuple[str, ...]:
    """Return the features the task is about first, then the others."""
    task = _TASK.search(prompt)
    features = _FEATURES.search(prompt)
    listed = [line[2:] for line in features[1].splitlines()] if features else []
    quoted = _QUOTED.findall(task[0]) if task else []
    return tuple(dict.fromkeys(plain(text) for text in [*quoted, *listed]))


def plain(text: str) -> str:
    """Return a text in one line of letters the built-in font may know.

    Accents are dropped and control characters become spaces; other scripts stay, and are lettered as boxes.
    """
    decomposed = unicodedata.normalize("NFKD", text.translate(_PLAIN))
    kept = (
        " " if unicodedata.category(letter)[0] in "CZ" else letter
        for letter in decomposed
        if unicodedata.category(letter)[0] != "M"
    )
    return " ".join("".join(kept).split())
