"""A story in the terms of a screenplay, which the formats share: sequences of scenes with action and speech."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from screenplays.plain import plain
from sessions.scripts import Character, Segment, Story, StorySet, Transition

NARRATOR = "NARRATOR (V.O.)"

_LONGEST_HEADING = 60
_INTERIOR_OR_EXTERIOR = re.compile(r"(?:INT\.?/EXT|INT|EXT|EST|I/E)(?: ?\.| )", re.IGNORECASE)
_TRANSITIONS: dict[Transition, str] = {
    "cut": "CUT TO:",
    "dissolve": "DISSOLVE TO:",
    "fade": "FADE TO:",
    "match cut": "MATCH CUT TO:",
    "wipe": "WIPE TO:",
    "end": "THE END",
}


@dataclass(frozen=True, kw_only=True)
class Speech:
    """What is heard. ``speaker`` is a character's name, or ``None`` for the narrator."""

    speaker: str | None
    text: str


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A segment. ``heading`` is what its description says when that is short, else empty.

    ``action`` has pairs of a label and a text; the label of the scene's own description is empty.
    """

    number: int
    heading: str
    action: tuple[tuple[str, str], ...]
    speeches: tuple[Speech, ...]
    transition: str
    closes: bool


@dataclass(frozen=True, kw_only=True)
class Sequence:
    """A set. ``made`` is ``None`` for one that is not ready; it has no scenes."""

    number: int
    first_segment: int
    last_segment: int
    made: StorySet | None
    scenes: tuple[Scene, ...]

    @property
    def title(self) -> str:
        """For example ``Set 3 (segments 21–30)``."""
        if self.first_segment == self.last_segment:
            return f"Set {self.number} (segment {self.first_segment})"
        return f"Set {self.number} (segments {self.first_segment}–{self.last_segment})"

    @property
    def absence(self) -> str:
        """What stands where the scenes of a set that is not ready would be."""
        return f"{self.title} is not ready"


@dataclass(frozen=True, kw_only=True)
class CastMember:
    """Somebody in the story, with everything that describes them in one line."""

    name: str
    role: str
    description: str


def sequences(story: Story) -> Iterator[Sequence]:
    """Yield every set that the story was asked to have, in order, whether it is ready or not."""
    names = {character.id: name_of(character) for character in story.characters_roster}
    asked = story.generation_info
    made = {story_set.set_number: story_set for story_set in story.sets}
    for number in sorted({*range(1, asked.total_sets + 1), *made}):
        story_set = made.get(number)
        if story_set is None:
            last = min(number * asked.segments_per_set, asked.total_segments)
            first = (number - 1) * asked.segments_per_set + 1
            yield Sequence(number=number, first_segment=first, last_segment=last, made=None, scenes=())
        else:
            yield Sequence(
                number=number,
                first_segment=story_set.first_segment,
                last_segment=story_set.last_segment,
                made=story_set,
                scenes=tuple(_scene(segment, names=names) for segment in story_set.segments),
            )


def cast(story: Story) -> tuple[CastMember, ...]:
    """Return the cast in the roster's order."""
    return tuple(
        CastMember(name=name_of(character), role=plain(character.role), description=_description(character))
        for character in story.characters_roster
    )


def facts(story: Story) -> tuple[tuple[str, str], ...]:
    """Return what is known of a story beside its title and its texts, as pairs of a label and a value."""
    asked = story.generation_info
    words = sum(story_set.word_count for story_set in story.sets)
    seconds = sum(story_set.duration_seconds for story_set in story.sets)
    segments = sum(len(story_set.segments) for story_set in story.sets)
    pairs = (
        ("Segments", f"{segments} of {asked.total_segments}"),
        ("Sets", f"{len(story.sets)} of {asked.total_sets}"),
        ("Words", f"{words}"),
        ("Running time", running_time(seconds)),
        ("Language", plain(asked.language)),
        ("Content rating", plain(asked.content_rating)),
        ("Narrator", plain(story.narrator_voice)),
        ("Hashtags", plain(" ".join(story.hashtags))),
    )
    return tuple((label, value) for label, value in pairs if value)


def begins_like_a_heading(text: str) -> bool:
    """Return whether screenwriting programs take such a line for the heading of a scene."""
    return _INTERIOR_OR_EXTERIOR.match(text) is not None


def running_time(seconds: int) -> str:
    """Return a running time as people write it, for example ``1 h 2 min 8 s``."""
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    parts = (f"{hours} h" if hours else "", f"{minutes} min" if hours or minutes else "", f"{seconds} s")
    return " ".join(part for part in parts if part)


def name_of(character: Character) -> str:
    """Return a character's name, never empty."""
    return plain(character.name) or plain(character.id) or "Somebody"


def spoken(segment: Segment, *, names: dict[str, str]) -> tuple[Speech, ...]:
    """Return what is heard in a segment. A character who is not in the roster is called by the id."""
    if segment.content_type == "narration":
        said = [Speech(speaker=None, text=plain(segment.narration or ""))]
    else:
        said = [
            Speech(speaker=_named(line.character_id, names=names), text=plain(line.line)) for line in segment.dialogue
        ]
    return tuple(speech for speech in said if speech.text)


def present(segment: Segment, *, names: dict[str, str]) -> str:
    """Return the names of those who are seen in a segment."""
    return ", ".join(_named(character_id, names=names) for character_id in segment.characters_present)


def _scene(segment: Segment, *, names: dict[str, str]) -> Scene:
    description = plain(segment.scene)
    is_heading = len(description) <= _LONGEST_HEADING
    action = (
        ("", "" if is_heading else description),
        ("Present", present(segment, names=names)),
        ("Camera", plain(segment.camera)),
        ("Background", plain(segment.background_definition)),
        ("Mood", plain(segment.mood)),
        ("Music", plain(segment.music)),
        ("Sound", plain(segment.sound_effects)),
    )
    return Scene(
        number=segment.number,
        heading=description if is_heading else "",
        action=tuple((label, text) for label, text in action if text),
        speeches=spoken(segment, names=names),
        transition=_TRANSITIONS[segment.transition],
        closes=segment.transition == "end",
    )


def _named(character_id: str, *, names: dict[str, str]) -> str:
    return names.get(character_id) or plain(character_id) or "Somebody"


def _description(character: Character) -> str:
    labelled = (
        ("", character.description or ""),
        ("", character.physical_appearance),
        ("Clothing", character.clothing),
        ("Personality", character.personality),
        ("Voice", character.voice),
    )
    sentences = (_sentence(plain(text), label=label) for label, text in labelled)
    return " ".join(sentence for sentence in sentences if sentence)


def _sentence(text: str, *, label: str) -> str:
    if not text:
        return ""
    begun = f"{label}: {text}" if label else text
    return begun if begun.endswith((".", "!", "?", "…", "。")) else f"{begun}."
