"""Mistakes in forms, each at the field in which it was made."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

from pydantic import ValidationError

from api.validation import RawError, described

Mistakes = Mapping[str, tuple[str, ...]]
"""What is wrong, by the field of the form, in whole sentences."""

Location = Sequence[str | int]

# What the request calls things, and what the form does.
_IN_WORDS_OF_THE_FORM: Final = (
    ("a custom image needs prompt", "needs a colon and, after it, what the image shows"),
    ("must have the form ^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$", "must be a tag such as en, de or pt-BR"),
    ("must have at least 1 entry", "choose at least one"),
    ("raise segments_per_set", "make the sets longer"),
    ("a call takes 16 pictures at most, the style reference included", "may have at most 16 pictures"),
)


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a mistake was made.

    ``line`` counts from 1, where the field takes one thing a line. ``entries`` is what the things are called.
    """

    field: str
    label: str
    line: int | None = None
    entries: str = "lines"


def mistakes_of(error: ValidationError, *, place_of: Callable[[Location], Place]) -> Mistakes:
    """Return the first mistake of each field.

    Args:
        error: what is wrong with the request that a form stands for.
        place_of: finds the place of what a request holds.
    """
    mistakes: dict[str, tuple[str, ...]] = {}
    for raw in cast(list[RawError], error.errors(include_url=False, include_input=False)):
        place = place_of(raw["loc"])
        line = f"line {place.line} " if place.line is not None else ""
        words = described(raw)
        for of_request, of_form in _IN_WORDS_OF_THE_FORM:
            words = words.replace(of_request, of_form)
        words = words.replace("entries", place.entries)
        mistakes.setdefault(place.field, (f"{place.label}: {line}{words}.",))
    return mistakes
