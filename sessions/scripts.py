"""Stories as they are kept and shown: the outline, the sets, and what is computed of them.

These are the documents behind the items of a story session. What a model writes is checked and completed by
`sessions.story_checks` before it becomes one of them.
"""

from typing import Literal

from pydantic import Field

from sessions.model import Value

SEGMENT_SECONDS = 8
"""A segment is about so much film."""
MAX_WORDS = 25
"""The most words that can be spoken in a segment."""

Transition = Literal["cut", "dissolve", "fade", "match cut", "wipe", "end"]
"""How a segment leads over to the next. ``end`` closes the story: the last segment has it, and no other."""


class Character(Value):
    """Somebody in the story. ``id`` is what dialogue and segments name; ``description`` is a person's own."""

    id: str
    name: str
    physical_appearance: str
    clothing: str
    personality: str
    role: str
    voice: str
    description: str | None = None


class GenerationInfo(Value):
    """What the story was asked for."""

    total_segments: int = Field(ge=1)
    segments_per_set: int = Field(ge=1)
    total_sets: int = Field(ge=1)
    idea: str
    content_rating: str
    language: str


class StoryMetadata(Value):
    """What is the same in every set of a story. ``title`` has fewer than 60 characters."""

    title: str
    short_summary: str
    description: str
    hashtags: tuple[str, ...]
    narrator_voice: str
    characters_roster: tuple[Character, ...]
    generation_info: GenerationInfo


class SetOutline(Value):
    """What happens in a set, and the state in which it begins and ends."""

    set_number: int = Field(ge=1)
    beats: tuple[str, ...]
    begins: str
    ends: str


class PartOutline(Value):
    """A part of a long story, whose sets are outlined by a call of its own."""

    part_number: int = Field(ge=1)
    first_set: int = Field(ge=1)
    last_set: int = Field(ge=1)
    summary: str
    begins: str
    ends: str


class Outline(StoryMetadata):
    """The outline of a story. A long one has ``parts`` and no ``sets``: those are in an `OutlinedPart` each."""

    sets: tuple[SetOutline, ...] = ()
    parts: tuple[PartOutline, ...] = ()

    @property
    def metadata(self) -> StoryMetadata:
        """What is the same in every set."""
        return StoryMetadata(**{name: getattr(self, name) for name in StoryMetadata.model_fields})


class OutlinedPart(Value):
    """The sets of one part of a long story."""

    part_number: int = Field(ge=1)
    sets: tuple[SetOutline, ...]


class DialogueLine(Value):
    """What one character says."""

    character_id: str
    line: str


class Segment(Value):
    """A few seconds of film. Exactly one of ``narration`` and ``dialogue`` is there, as ``content_type`` says.

    ``number`` counts over the whole story, from 1. ``word_count`` and ``duration_seconds`` are computed.
    """

    number: int = Field(ge=1)
    scene: str
    content_type: Literal["narration", "dialogue"]
    narration: str | None
    dialogue: tuple[DialogueLine, ...]
    characters_present: tuple[str, ...]
    camera: str
    background_definition: str
    music: str
    sound_effects: str
    mood: str
    transition: Transition
    word_count: int = Field(ge=0)
    duration_seconds: int = Field(ge=0)


class StorySet(Value):
    """One set of a story, as it is stored, filed and shown. All but ``segments`` is computed or imposed."""

    title: str
    set_number: int = Field(ge=1)
    total_sets: int = Field(ge=1)
    first_segment: int = Field(ge=1)
    last_segment: int = Field(ge=1)
    word_count: int = Field(ge=0)
    duration_seconds: int = Field(ge=0)
    segments: tuple[Segment, ...]


class Story(StoryMetadata):
    """A story put together: what is the same everywhere, and the sets that are ready, in order."""

    sets: tuple[StorySet, ...] = ()


Document = Outline | OutlinedPart | StorySet | StoryMetadata


def as_bytes(document: Document) -> bytes:
    """Return a document as it is stored: the same document always gives the same bytes."""
    return document.model_dump_json(indent=2).encode()
