"""Writing outlines: of a whole story, or of one part of a long one."""

import re
from collections.abc import Mapping, Sequence

from pydantic import BaseModel, ConfigDict

from providers.offline.texts.briefs import OutlineBrief, PartBrief
from providers.offline.texts.deck import Deck
from providers.offline.texts.people import MOST, Person, roster
from providers.offline.texts.phrases import as_one, is_somebody, phrases
from providers.offline.texts.plot import Leg, Plot, Stretch
from providers.offline.texts.vocabulary import listed

_MAX_TITLE = 59
_MAX_QUOTED = 200
_USUAL_HASHTAGS = 9
_MOST_TOPICS = 6
_TITLES_OF_TWO = ("The {one} and the {two}", "The {two} and the {one}", "What the {one} Knew of the {two}")
_TITLES_OF_ONE = (
    "The Secret of the {one}",
    "The Night of the {one}",
    "A Lantern for the {one}",
    "The Last {one}",
    "Beyond the {one}",
    "The {one} at the Edge of Town",
)
_TITLES = ("The Long Way Home", "A Door Left Open", "The Missing Hour", "Three Lanterns", "The Other Side of Morning")
_SUMMARIES = (
    "{a} stumbles upon the {topic} and has until the last lantern burns down to set things right.",
    "When the {topic} turns everything upside down, {a} and {b} set out to find what everybody else gave up on.",
    "{a} only wanted a quiet day. Then came the {topic}, and with it {b}, and no way back.",
)
_MOODS = (
    "It is a warm and slightly crooked adventure about friendship, small courage and doors that were never locked.",
    "It is a story of close calls and kind strangers, told with a wink, that takes its wonders seriously.",
    "It is a mystery with muddy shoes: funny where it can be, quiet where it must be, hopeful to the end.",
)
_VOICES = (
    "Warm and unhurried, like somebody telling it by the fire for the second time",
    "Dry, fond and a little conspiratorial, always half a smile ahead of the listener",
    "Clear and gentle, with pauses long enough to hear the rain",
    "Lively and curious, as amazed by events as the characters are",
)
_HASHTAGS = listed("""
    ShortFilm Storytelling Adventure Mystery Friendship Courage Wonder FoundFamily SlowMagic Cinematic FeelGood
    Journey HiddenWorlds SmallTown Lanterns
""")
_NO_LETTERS = re.compile(r"[\W_]+")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s|\n")


class Outlined(BaseModel):
    """What happens in a set."""

    model_config = ConfigDict(frozen=True)

    beats: tuple[str, ...]
    begins: str
    ends: str


class OutlinedPart(BaseModel):
    """What happens in a part."""

    model_config = ConfigDict(frozen=True)

    summary: str
    begins: str
    ends: str


class Sets(BaseModel):
    """The sets of a part."""

    model_config = ConfigDict(frozen=True)

    sets: tuple[Outlined, ...]


class OutlineDocument(BaseModel):
    """The outline of a story."""

    model_config = ConfigDict(frozen=True)

    title: str
    short_summary: str
    description: str
    hashtags: tuple[str, ...]
    narrator_voice: str
    characters: tuple[Person, ...]


class WithSets(OutlineDocument):
    """The outline of a story that is told set by set."""

    sets: tuple[Outlined, ...]


class WithParts(OutlineDocument):
    """The outline of a long story."""

    parts: tuple[OutlinedPart, ...]


def write_outline(
    brief: OutlineBrief, *, sets: int, parts: int, most_beats: int, most_characters: int = MOST, seed: str
) -> WithSets | WithParts:
    """Return the outline of a story, with its parts where there are any, else with its sets."""
    topics = phrases(brief.idea)[:_MOST_TOPICS]
    people = roster(brief.idea, given=brief.given, topics=topics, most=most_characters, seed=seed)
    things = [as_one(topic) for topic in topics if not is_somebody(topic)] or [as_one(topic) for topic in topics]
    plot = Plot(names=[person.name for person in people], topics=things, seed=seed)
    legs = tuple(plot.legs(Stretch(parts or sets), most_beats=most_beats))
    about = {"a": people[0].name, "b": people[1].name, "topic": things[0] if things else "secret"}
    head = OutlineDocument(
        title=_title(topics, seed=seed),
        short_summary=_one_of(_SUMMARIES, seed=seed).format_map(about),
        description=_description(brief.idea, people, about, seed=seed),
        hashtags=_hashtags(topics, seed=seed),
        narrator_voice=_one_of(_VOICES, seed=seed),
        characters=people,
    )
    if parts:
        told = tuple(OutlinedPart(summary=" ".join(leg.beats), begins=leg.begins, ends=leg.ends) for leg in legs)
        return WithParts(**dict(head), parts=told)
    return WithSets(**dict(head), sets=tuple(_outlined(leg) for leg in legs))


def write_part(brief: PartBrief, *, sets: int, most_beats: int, seed: str) -> Sets:
    """Return the sets of a part: the first begins and the last ends as the part does."""
    plot = Plot(names=[known.name for known in brief.characters], topics=brief.topics, seed=seed)
    stretch = Stretch(sets, number=brief.part, of=brief.total_parts)
    outlined = [_outlined(leg) for leg in plot.legs(stretch, most_beats=most_beats)]
    if brief.begins:
        outlined[0] = outlined[0].model_copy(update={"begins": brief.begins})
    if brief.ends:
        outlined[-1] = outlined[-1].model_copy(update={"ends": brief.ends})
    return Sets(sets=tuple(outlined))


def _outlined(leg: Leg) -> Outlined:
    return Outlined(beats=leg.beats, begins=leg.begins, ends=leg.ends)


def _title(topics: Sequence[str], *, seed: str) -> str:
    capital = [_capitalised(topic) for topic in topics]
    templates: list[str] = []
    if len(capital) > 1:
        templates.append(_one_of(_TITLES_OF_TWO if is_somebody(topics[0]) else _TITLES_OF_TWO[:2], seed=seed))
    if capital:
        templates.append(_one_of(_TITLES_OF_ONE, seed=seed))
    titles = [
        template.format(one=capital[0], two=capital[-1 if len(capital) == 2 else 1 % len(capital)])
        for template in templates
    ]
    return next((title for title in titles if len(title) <= _MAX_TITLE), _one_of(_TITLES, seed=seed))


def _description(idea: str, people: Sequence[Person], about: Mapping[str, str], *, seed: str) -> str:
    first = " ".join(_SENTENCE_END.split(idea, maxsplit=1)[0].split()).rstrip(".")
    spark = f"It begins with this: {first}." if 0 < len(first) <= _MAX_QUOTED else "It begins on an ordinary day."
    lead, friend = people[0], people[1]
    told = (
        f"{lead.name} is {lead.role}; {friend.name} is {friend.role}. "
        f"Between them and the {about['topic']} lies a town full of places that keep their secrets badly."
    )
    return f"{spark} {told} {_one_of(_MOODS, seed=seed)}"


def _hashtags(topics: Sequence[str], *, seed: str) -> tuple[str, ...]:
    own = [_NO_LETTERS.sub("", _capitalised(topic))[:40] for topic in topics]
    stock = Deck(_HASHTAGS, seed=f"{seed} hashtags")
    tags = {tag.casefold(): f"#{tag}" for tag in own if tag}
    while len(tags) < _USUAL_HASHTAGS:
        tag = stock.draw()
        tags.setdefault(tag.casefold(), f"#{tag}")
    return tuple(tags.values())


def _capitalised(phrase: str) -> str:
    return " ".join(word[:1].upper() + word[1:] for word in phrase.split())


def _one_of(cards: Sequence[str], *, seed: str) -> str:
    return Deck(cards, seed=f"{seed} {cards[0]}").draw()
