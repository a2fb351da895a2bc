"""The form that starts a story session."""

from collections.abc import Mapping
from typing import Any, Final

from api.web.mistakes import Location, Place
from api.web.typed import TypedForm, amount, line_number, lines, typed, whole_number
from sessions.stories import StorySessionRequest

_LABELS: Final = {
    "idea": "Idea",
    "total_segments": "Segments",
    "segments_per_set": "Length of a set",
    "characters": "Characters",
    "content_rating": "Content rating",
    "language": "Language",
    "model": "Model",
    "max_attempts": "Attempts",
    "budget_usd": "Budget",
    "callback_url": "Callback",
    "tolerated_failures": "Failures",
}
_FIELDS: Final = {"total_segments": "segments", "segments_per_set": "set_length", "budget_usd": "budget"}


class StoryForm(TypedForm):
    """What a person typed who wants a story."""

    idea: str = ""
    segments: str = ""
    characters: str = ""
    approve_outline: str = ""
    language: str = "en"
    content_rating: str = "U"
    set_length: str = "10"
    model: str = ""
    max_attempts: str = "3"
    budget: str = ""
    callback_url: str = ""
    tolerated_failures: str = ""

    def to_estimate(self) -> "StoryForm":
        """Return the form as far as it decides what the session costs: all of it."""
        return self

    def request(self) -> StorySessionRequest:
        """Return the request that the form stands for.

        Raises:
            ValidationError: something in it cannot be.
        """
        return StorySessionRequest.model_validate(
            {
                "idea": typed(self.idea) or "",
                "total_segments": whole_number(self.segments),
                "segments_per_set": whole_number(self.set_length),
                "characters": tuple(_character(line) for line in lines(self.characters)),
                "approve_outline": bool(self.approve_outline),
                "language": self.language.strip(),
                "content_rating": self.content_rating.strip(),
                "model": self.model.strip() or None,
                "max_attempts": whole_number(self.max_attempts),
                "budget_usd": amount(self.budget),
                "callback_url": self.callback_url.strip() or None,
                "tolerated_failures": whole_number(self.tolerated_failures),
            }
        )

    def place_of(self, location: Location) -> Place:
        """Return the field of what the request holds at a location."""
        match tuple(location):
            case ("characters", int(index), *_):
                return Place(field="characters", label="Characters", line=line_number(self.characters, index))
            case parts:
                # What concerns no single field is that there are too many sets.
                name = next((str(part) for part in parts if part in _LABELS), "total_segments")
                return Place(field=_FIELDS.get(name, name), label=_LABELS[name])


def _character(line: str) -> Mapping[str, Any]:
    name, _, description = line.partition(":")
    return {"name": name.strip(), "description": description.strip() or None}
