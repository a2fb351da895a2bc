"""Reading the prompts of a story the way a writer would: what is asked for, and what is already decided."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from providers.offline.texts.phrases import as_one, is_somebody, phrases

_NAMES = (
    "Title",
    "Premise",
    "Language",
    "Content rating",
    "Narrator",
    "Parts",
    "Characters given",
    "Characters",
    "Idea",
    "Part before ends",
    "This part begins",
    "What happens in it",
    "This part ends",
    "Next part begins",
    "Previous set ends",
    "This set begins",
    "Beats",
    "This set ends",
    "Next set begins",
    "Rules",
    "Note",
    "Correct this",
)
_FIELD = re.compile(rf"^({'|'.join(_NAMES)}):[ \t]*(.*)$", re.MULTILINE)
_OUTLINE = re.compile(r"^Outline of (\d{1,6}) sets?\b.*?(?:, in (\d{1,6}) parts?)?[ \t]*$", re.MULTILINE)
_PART = re.compile(
    r"^Outline part (\d{1,6}) of (\d{1,6}) \(sets? (\d{1,6})(?:-(\d{1,6}))?\)\n(?=Part before ends:|This part begins:)",
    re.MULTILINE,
)
_SET = re.compile(
    r"^Set (\d{1,6}) of (\d{1,6}) \(segments? (\d{1,7})(?:-(\d{1,7}))?\)\n(?=Previous set ends:|This set begins:)",
    re.MULTILINE,
)
_SENTENCE_END = re.compile(r"(?<=[.!?])\s|\n")
_ITEM = re.compile(r"^- ", re.MULTILINE)
_LIST_END = re.compile(r"\n(?=Outline (?:part )?\d|Set \d)")


@dataclass(frozen=True)
class Known:
    """Somebody in the roster: the id that dialogue names, the name, and what they are in the story."""

    id: str
    name: str
    role: str = ""


@dataclass(frozen=True)
class OutlineBrief:
    """What the outline of a whole story is to be made of. ``given`` are names of characters."""

    idea: str
    given: tuple[str, ...]
    total_sets: int
    total_parts: int


@dataclass(frozen=True)
class PartBrief:
    """What the outline of a part is to be made of; sets count from 1 over the whole story."""

    title: str
    topics: tuple[str, ...]
    characters: tuple[Known, ...]
    first_set: int
    last_set: int
    part: int
    total_parts: int
    begins: str
    summary: str
    ends: str


@dataclass(frozen=True)
class SetBrief:
    """What a set is to be made of; segments count from 1 over the whole story."""

    title: str
    topics: tuple[str, ...]
    characters: tuple[Known, ...]
    number: int
    total_sets: int
    first_segment: int
    last_segment: int
    begins: str
    beats: tuple[str, ...]
    ends: str

    def with_characters(self, characters: Iterable[Known]) -> "SetBrief":
        """Return the same with another roster."""
        return replace(self, characters=tuple(characters))


def read_outline(prompt: str) -> OutlineBrief:
    """Return what can be made out of the prompt of an outline; nothing is required of it."""
    fields = _fields(prompt)
    found = _OUTLINE.search(prompt)
    given = tuple(
        re.split(r":\s|:$", entry, maxsplit=1)[0].strip() for entry in _items(fields.get("Characters given", ""))
    )
    return OutlineBrief(
        idea=_idea(prompt),
        given=tuple(name for name in given if name),
        total_sets=int(found[1]) if found else 1,
        total_parts=int(found[2] or 0) if found else 0,
    )


def read_part(prompt: str) -> PartBrief:
    """Return what can be made out of the prompt of a part; nothing is required of it."""
    fields = _fields(prompt)
    found = _PART.search(prompt)
    part, parts, first, last = (
        (int(number or 1) for number in found.groups(default=found[3])) if found else (1, 1, 1, 1)
    )
    return PartBrief(
        title=_line(fields, "Title"),
        topics=_topics(fields),
        characters=_characters(fields),
        first_set=first,
        last_set=last,
        part=part,
        total_parts=parts,
        begins=_line(fields, "This part begins"),
        summary=_line(fields, "What happens in it"),
        ends=_line(fields, "This part ends"),
    )


def read_set(prompt: str) -> SetBrief:
    """Return what can be made out of the prompt of a set; nothing is required of it."""
    fields = _fields(prompt)
    found = _SET.search(prompt)
    number, sets, first, last = (
        (int(number or 1) for number in found.groups(default=found[3])) if found else (1, 1, 1, 1)
    )
    return SetBrief(
        title=_line(fields, "Title"),
        topics=_topics(fields),
        characters=_characters(fields),
        number=number,
        total_sets=sets,
        first_segment=first,
        last_segment=last,
        begins=_line(fields, "This set begins"),
        beats=tuple(" ".join(beat.split()) for beat in _items(fields.get("Beats", ""))),
        ends=_line(fields, "This set ends"),
    )


def _fields(prompt: str) -> Mapping[str, str]:
    """Return each named value with its further lines. The first of a name counts: a text may imitate a later one."""
    found = list(_FIELD.finditer(prompt))
    starts = [*(match.start() for match in found), len(prompt) + 1]
    values: dict[str, str] = {}
    for match, following in zip(found, starts[1:], strict=True):
        values.setdefault(match[1], prompt[match.start(2) : following - 1])
    return values


def _line(fields: Mapping[str, str], name: str) -> str:
    """Return a value that stands on one line."""
    return " ".join(fields.get(name, "").split("\n", 1)[0].split())


def _idea(prompt: str) -> str:
    """Return the idea, which is verbatim and may hold anything, also what looks like the rules after it."""
    _, _, rest = prompt.partition("\nIdea:")
    idea, _, _ = rest.rpartition("\nRules:\n")
    return (idea or rest).strip() or prompt


def _topics(fields: Mapping[str, str]) -> tuple[str, ...]:
    """Return what the story is about: what the first sentence of the premise speaks of, or else the title."""
    first = _SENTENCE_END.split(fields.get("Premise", ""), maxsplit=1)[0]
    found = phrases(first) or phrases(_line(fields, "Title").lower())
    things = [topic for topic in found if not is_somebody(topic)] or found
    return tuple(as_one(thing) for thing in things)


def _items(value: str) -> tuple[str, ...]:
    """Return the entries of a list; a line that begins no entry belongs to the one before."""
    listed = _LIST_END.split(value, maxsplit=1)[0]
    return tuple(entry.strip() for entry in _ITEM.split(listed)[1:])


def _characters(fields: Mapping[str, str]) -> tuple[Known, ...]:
    known: dict[str, Known] = {}
    for entry in _items(fields.get("Characters", "")):
        identifier, _, rest = entry.partition(": ")
        name, _, traits = rest.partition(", ")
        role = traits.partition(". ")[0]
        if identifier.strip():
            known.setdefault(
                identifier.strip(), Known(identifier.strip(), name.strip() or identifier.strip(), role.strip())
            )
    return tuple(known.values())
