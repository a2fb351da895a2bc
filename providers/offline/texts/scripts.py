"""Writing a set: the beats of its outline, one after the other, told and spoken in turn."""

import re
from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict

from providers.offline.texts.briefs import Known, SetBrief
from providers.offline.texts.deck import Deck
from providers.offline.texts.directions import (
    BACKGROUNDS,
    CAMERA_SPOKEN,
    CAMERA_TOLD,
    MOODS,
    MUSIC,
    SOUNDS,
    TRANSITIONS,
)
from providers.offline.texts.people import called
from providers.offline.texts.phrases import is_somebody, phrases
from providers.offline.texts.speech import (
    ALONE,
    CLOSINGS,
    DIALOGUE,
    HOURS,
    NARRATION,
    SCENES_ALONE,
    SCENES_SPOKEN,
    SCENES_TOLD,
)
from providers.offline.texts.wording import MOST_WORDS, spoken, words_in
from providers.offline.texts.world import KNOWN, PLACE, PLACES, THEMES

_EARLY, _MIDDLE = 0.35, 0.7
_WHERE = re.compile(
    r"\b(?:at|in|inside|near|into|through|outside|across) the ([a-z][a-z'’-]+(?: [a-z'’-]+){0,2})\b(?=[,.;:!?]|$)"
)


class Line(BaseModel):
    """What one character says."""

    model_config = ConfigDict(frozen=True)

    character_id: str
    line: str


class Segment(BaseModel):
    """A few seconds of film."""

    model_config = ConfigDict(frozen=True)

    number: int
    scene: str
    content_type: Literal["narration", "dialogue"]
    narration: str | None
    dialogue: tuple[Line, ...]
    characters_present: tuple[str, ...]
    camera: str
    background_definition: str
    music: str
    sound_effects: str
    mood: str
    transition: str


class SetDocument(BaseModel):
    """A set."""

    model_config = ConfigDict(frozen=True)

    segments: tuple[Segment, ...]


def write_set(brief: SetBrief, *, segments: int, seed: str) -> SetDocument:
    """Return a set of so many segments."""
    return _Script(brief, segments=segments, seed=seed).write()


class _Script:
    def __init__(self, brief: SetBrief, *, segments: int, seed: str) -> None:
        self._brief = brief
        self._count = segments
        share = (brief.number - 1) / max(brief.total_sets - 1, 1)
        phase = 0 if share < _EARLY else 1 if share < _MIDDLE else 2

        def deck(cards: Sequence[str]) -> Deck[str]:
            return Deck(cards, seed=f"{seed} {cards[0]}")

        self._narration = deck(NARRATION[phase])
        self._dialogue = Deck(DIALOGUE[phase], seed=f"{seed} dialogue")
        self._alone, self._closings = deck(ALONE), deck(CLOSINGS)
        self._scenes_told, self._scenes_spoken, self._scenes_alone = map(
            deck, (SCENES_TOLD, SCENES_SPOKEN, SCENES_ALONE)
        )
        self._cameras_told, self._cameras_spoken = deck(CAMERA_TOLD), deck(CAMERA_SPOKEN)
        self._backgrounds, self._music, self._sounds = deck(BACKGROUNDS), deck(MUSIC[phase]), deck(SOUNDS)
        self._moods, self._transitions = deck(MOODS[phase]), deck(TRANSITIONS)
        self._hour = HOURS[(brief.number - 1) % len(HOURS)]
        self._place = _place_in(" ".join((brief.begins, *brief.beats, brief.ends))) or deck(PLACES).draw()
        self._themes = deck(brief.topics or THEMES)

    def write(self) -> SetDocument:
        events = [text for text in (self._brief.begins, *self._brief.beats, self._brief.ends) if text]
        has_room = self._count >= len(events)
        if not has_room:
            events = [*self._brief.beats]
        events = events or [f"The story of the {self._themes.draw()} goes on."]
        segments: list[Segment] = []
        last_event = -1
        was_told = False
        for position in range(self._count):
            event = position * len(events) // self._count
            is_new = event != last_event
            is_last = position == self._count - 1
            is_told = (is_new and (has_room or not was_told)) or (not is_new and not was_told) or is_last
            is_told = is_told or not self._brief.characters
            segments.append(self._segment(position, events[event], is_told=is_told, is_new=is_new))
            last_event, was_told = event, is_told
        return SetDocument(segments=tuple(segments))

    def _segment(self, position: int, event: str, *, is_told: bool, is_new: bool) -> Segment:
        x, y = self._people_in(event)
        if y and not is_told and position % 4 == 1:
            # Not always the same one has the first word.
            x, y = y, x
        self._place = _place_in(event) or self._place
        words = {
            "x": called(x.name),
            "y": called(y.name if y else x.name),
            "place": self._place,
            "focus": self._focus(event),
            "hour": self._hour,
        }
        is_closing = position == self._count - 1 and self._brief.number == self._brief.total_sets
        lines: tuple[Line, ...] = ()
        narration = None
        if is_told:
            narration = self._told(event, words, is_new=is_new, is_closing=is_closing)
            scene = self._scenes_told if y else self._scenes_alone
        else:
            lines = self._said(x, y, words)
            scene = self._scenes_spoken if y else self._scenes_alone
        picture = scene.draw().format_map(words)
        if (is_new and not is_told) or is_closing:
            picture = f"{event} {picture}"
        if position == 0 and self._brief.number == 1 and self._brief.title:
            picture = f"{_as_sentence(self._brief.title)} {picture}"
            narration = self._with_title(narration)
        return Segment(
            number=self._brief.first_segment + position,
            scene=picture,
            content_type="narration" if is_told else "dialogue",
            narration=narration,
            dialogue=lines,
            characters_present=self._present(f"{picture} {narration}", lines),
            camera=(self._cameras_told if is_told else self._cameras_spoken).draw(),
            background_definition=self._backgrounds.draw().format_map(words),
            music=self._music.draw(),
            sound_effects=self._sounds.draw(),
            mood=self._moods.draw(),
            transition="end" if is_closing else self._transitions.draw(),
        )

    def _told(self, event: str, words: dict[str, str], *, is_new: bool, is_closing: bool) -> str:
        if is_closing:
            return spoken(self._closings.draw().format_map(words))
        return spoken(event if is_new else _capitalised(self._narration.draw().format_map(words)))

    def _said(self, x: Known, y: Known | None, words: dict[str, str]) -> tuple[Line, ...]:
        if y is None:
            return (Line(character_id=x.id, line=spoken(self._alone.draw().format_map(words))),)
        lines: list[Line] = []
        left = MOST_WORDS
        for number, template in enumerate(self._dialogue.draw()):
            text = spoken(template.format_map(words))
            if words_in(text) > left:
                break
            left -= words_in(text)
            lines.append(Line(character_id=(x, y)[number % 2].id, line=text))
        return tuple(lines)

    def _with_title(self, narration: str | None) -> str | None:
        if narration is None:
            return None
        whole = f"{_as_sentence(self._brief.title)} {narration}"
        return whole if words_in(whole) <= MOST_WORDS else narration

    def _people_in(self, event: str) -> tuple[Known, Known | None]:
        """Return who is in the foreground and who is with them: who the event names, else the lead and another."""
        everybody = self._brief.characters
        if not everybody:
            return Known("", "somebody"), None
        named = sorted(
            (person for person in everybody if called(person.name) in event),
            key=lambda person: event.index(called(person.name)),
        )
        pair = [*named, *(person for person in everybody if person not in named)][:2]
        return pair[0], pair[1] if len(pair) > 1 else None

    def _focus(self, event: str) -> str:
        known = [found for found in KNOWN.findall(event.lower()) if found not in PLACES]
        if known:
            return str(known[0])
        if topic := next((topic for topic in self._brief.topics if topic.lower() in event.lower()), None):
            return topic
        if PLACE.search(event):
            # One of our own outlines, in which nothing else is worth a word.
            return self._themes.draw()
        names = {called(person.name).lower() for person in self._brief.characters}
        things = [phrase for phrase in phrases(event) if not is_somebody(phrase) and phrase.lower() not in names]
        return next((thing for thing in things if thing != self._place and len(thing.split()) < 3), self._themes.draw())

    def _present(self, shown: str, lines: Sequence[Line]) -> tuple[str, ...]:
        seen = [person.id for person in self._brief.characters if called(person.name) in shown]
        return tuple(dict.fromkeys([*(line.character_id for line in lines), *seen]))


def _place_in(text: str) -> str | None:
    if known := PLACE.search(text):
        return known[0]
    found = _WHERE.search(text)
    return found[1] if found else None


def _as_sentence(title: str) -> str:
    return title if title.endswith((".", "!", "?", "…")) else f"{title}."


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]
