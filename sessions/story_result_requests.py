"""What the two calls of a whole story take."""

from typing import Self

from pydantic import Field, ValidationError, model_validator

from sessions.model import RequestModel
from sessions.stories import MAX_SEGMENTS, MAX_SEGMENTS_PER_SET, Idea, Roster, StorySessionRequest

MOST_RETRIES = 10
DEFAULT_RETRIES = 3


class GenerateMovieRequest(RequestModel):
    """What starts a whole story. Without ``total_segments`` the idea says how long it is."""

    idea: Idea
    total_segments: int | None = Field(default=None, ge=1, le=MAX_SEGMENTS, strict=True)
    segments_per_set: int = Field(default=10, ge=1, le=MAX_SEGMENTS_PER_SET, strict=True)
    custom_character_roster: Roster | None = None

    @model_validator(mode="after")
    def _is_a_story(self) -> Self:
        try:
            _ = self.session_request
        except ValidationError as error:
            # Each field has passed for itself, so this is about how they fit together.
            raise ValueError(str(error.errors()[0]["ctx"]["error"])) from None
        return self

    @property
    def session_request(self) -> StorySessionRequest:
        """The request that starts the session."""
        return StorySessionRequest(
            idea=self.idea,
            total_segments=self.total_segments,
            segments_per_set=self.segments_per_set,
            characters=self.custom_character_roster or (),
        )
