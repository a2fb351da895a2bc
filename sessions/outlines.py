"""What a person decides about an outline that waits for it."""

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from sessions.model import RequestModel
from sessions.scripts import Character, GenerationInfo, Outline, PartOutline, SetOutline
from sessions.stories import MAX_OWN_CHARACTERS, MAX_SETS
from sessions.texts import ManyLines, OneLine

_LONGEST_TEXT = 10_000

Text = Annotated[str, StringConstraints(max_length=_LONGEST_TEXT), ManyLines]


class SentOutline(RequestModel):
    """An outline as somebody sends it: in the form in which it is read, with all its sets.

    What was asked for stays as it was, so ``generation_info`` may be left out and changes nothing, and the same goes
    for ``parts``.
    """

    title: Annotated[str, StringConstraints(max_length=200), OneLine]
    short_summary: Text
    description: Text
    hashtags: Annotated[tuple[Annotated[str, StringConstraints(max_length=100), OneLine], ...], Field(max_length=50)]
    narrator_voice: Text
    characters_roster: Annotated[tuple[Character, ...], Field(max_length=MAX_OWN_CHARACTERS)]
    sets: Annotated[tuple[SetOutline, ...], Field(min_length=1, max_length=MAX_SETS)]
    generation_info: GenerationInfo | None = None
    parts: tuple[PartOutline, ...] = ()

    def with_info(self, info: GenerationInfo) -> Outline:
        """Return the outline for what the story was asked for."""
        fields = {name: getattr(self, name) for name in type(self).model_fields}
        return Outline(**{**fields, "generation_info": info})


class OutlineDecision(RequestModel):
    """Approve the outline as it is, or send another in its place."""

    approve: Literal[True] | None = None
    outline: SentOutline | None = None

    @model_validator(mode="after")
    def _is_one_decision(self) -> Self:
        if (self.approve is None) == (self.outline is None):
            raise ValueError('send either {"approve": true} or {"outline": {…}}')
        return self
