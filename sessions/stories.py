"""Story sessions: what a person asks for, and the items and tasks that come of it.

Items are made in stages: the `outline`, then, of long stories, its parts (`outline-01`, …), then the sets (`set-01`,
`set-02`, …).
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from sessions.artifacts import Artifact
from sessions.attempts import ItemTask, SessionInput
from sessions.callbacks import CallbackUrl
from sessions.commands import MAX_ATTEMPTS_LIMIT
from sessions.items import DEFAULT_MAX_ATTEMPTS, Items, ItemState
from sessions.limits import ToleratedFailures
from sessions.model import RequestModel, Value
from sessions.money import Dollars
from sessions.state import SessionState
from sessions.story_answers import is_blank
from sessions.story_length import segments_for
from sessions.texts import ManyLines, OneLine

MAX_IDEA_CHARACTERS = 100_000
MAX_SEGMENTS = 10_000
MAX_SEGMENTS_PER_SET = 20
MAX_SETS = 1000
MAX_OWN_CHARACTERS = 20
MAX_ROSTER_CHARACTERS = 30_000
SETS_PER_OUTLINE = 60
"""More sets than this are not outlined in one call, whose answer would grow too long: the story gets parts."""

OUTLINE = "outline"
OUTLINE_STAGE, PARTS_STAGE, SETS_STAGE = 0, 1, 2

_WORKING_TITLE_CHARACTERS = 60

_PART = re.compile(r"outline-([0-9]{2,})")
_SET = re.compile(r"set-([0-9]{2,})")

ContentRating = Annotated[str, StringConstraints(max_length=20), OneLine]


def _seen(text: str) -> str:
    # No outline is taken in which a name or a trait cannot be seen: every attempt would be paid for nothing.
    if is_blank(text):
        raise ValueError("must not be blank: it holds nothing that can be seen")
    return text


Name = Annotated[str, StringConstraints(max_length=100), OneLine, AfterValidator(_seen)]
Trait = Annotated[str, StringConstraints(max_length=2000), ManyLines, AfterValidator(_seen)]


class OwnCharacter(RequestModel):
    """Somebody whom a person brings along. What is given stays as it is; the rest is written."""

    name: Name
    description: Annotated[str, StringConstraints(max_length=2000), ManyLines] | None = None
    id: Annotated[str, StringConstraints(max_length=64), OneLine, AfterValidator(_seen)] | None = None
    physical_appearance: Trait | None = None
    clothing: Trait | None = None
    personality: Trait | None = None
    role: Trait | None = None
    voice: Trait | None = None


def _folded(name: str) -> str:
    """Return a name without what is not seen in it: case, spaces around it, and how its accents are composed."""
    return unicodedata.normalize("NFC", name).casefold().strip()


def _short_enough(characters: tuple[OwnCharacter, ...]) -> tuple[OwnCharacter, ...]:
    length = sum(len(character.model_dump_json()) for character in characters)
    if length > MAX_ROSTER_CHARACTERS:
        raise ValueError(
            f"may have at most {MAX_ROSTER_CHARACTERS:,} characters together, not {length:,}; shorten them"
        )
    return characters


def _told_apart(characters: tuple[OwnCharacter, ...]) -> tuple[OwnCharacter, ...]:
    for field, values in (
        ("name", [_folded(character.name) for character in characters]),
        ("id", [character.id for character in characters if character.id]),
    ):
        repeated = sorted(value for value, count in Counter(values).items() if count > 1)
        if repeated:
            raise ValueError(f"share the {field} {', '.join(repeated)}; give each character another {field}")
    return characters


Idea = Annotated[str, StringConstraints(max_length=MAX_IDEA_CHARACTERS), ManyLines]
Roster = Annotated[
    tuple[OwnCharacter, ...],
    Field(max_length=MAX_OWN_CHARACTERS),
    AfterValidator(_told_apart),
    AfterValidator(_short_enough),
]


class StorySessionRequest(RequestModel):
    """What starts a story session. Without ``total_segments`` the idea says how long the story is."""

    idea: Idea
    total_segments: int | None = Field(default=None, ge=1, le=MAX_SEGMENTS, strict=True)
    segments_per_set: int = Field(default=10, ge=1, le=MAX_SEGMENTS_PER_SET, strict=True)
    characters: Roster = ()
    content_rating: ContentRating = "U"
    language: Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=35)] = "en"
    model: Annotated[str, StringConstraints(max_length=100), OneLine] | None = None
    max_attempts: int = Field(default=DEFAULT_MAX_ATTEMPTS, ge=1, le=MAX_ATTEMPTS_LIMIT, strict=True)
    approve_outline: bool = Field(default=False, strict=True)
    budget_usd: Dollars | None = None
    callback_url: CallbackUrl | None = None
    tolerated_failures: ToleratedFailures | None = None

    @model_validator(mode="after")
    def _sets_are_not_too_many(self) -> Self:
        if self.plan.total_sets > MAX_SETS:
            raise ValueError(
                f"{self.plan.total_segments:,} segments in sets of {self.segments_per_set} are "
                f"{self.plan.total_sets:,} sets; {MAX_SETS:,} are the most, so raise segments_per_set"
            )
        return self

    @property
    def plan(self) -> "StoryPlan":
        """How the story is divided."""
        return StoryPlan(
            total_segments=self.total_segments or segments_for(self.idea), segments_per_set=self.segments_per_set
        )


class StoryPlan(Value):
    """How a story is divided: segments into sets, and the sets of a long one into parts. All counts from 1."""

    total_segments: int = Field(ge=1)
    segments_per_set: int = Field(ge=1)
    sets_per_outline: int = Field(default=SETS_PER_OUTLINE, ge=1)

    @property
    def total_sets(self) -> int:
        """How many sets there are."""
        return -(-self.total_segments // self.segments_per_set)

    @property
    def total_parts(self) -> int:
        """How many parts are outlined by calls of their own: none where one call is enough for all sets."""
        return 0 if self.total_sets <= self.sets_per_outline else -(-self.total_sets // self.sets_per_outline)

    def segments_of(self, set_number: int) -> range:
        """Return the numbers of a set's segments."""
        first = (set_number - 1) * self.segments_per_set + 1
        return range(first, min(set_number * self.segments_per_set, self.total_segments) + 1)

    def sets_of(self, part_number: int) -> range:
        """Return the numbers of a part's sets. Parts differ by one set at most."""
        shortest, longer = divmod(self.total_sets, self.total_parts)
        first = (part_number - 1) * shortest + min(part_number - 1, longer) + 1
        return range(first, first + shortest + (part_number <= longer))

    def part_of(self, set_number: int) -> int:
        """Return the part that a set belongs to.

        Raises:
            ValueError: the story has no parts.
        """
        for number in range(1, self.total_parts + 1):
            if set_number in self.sets_of(number):
                return number
        raise ValueError(f"no part holds set {set_number}")


def part_key(part_number: int) -> str:
    """Return the key of the item that outlines a part."""
    return f"{OUTLINE}-{part_number:02d}"


def set_key(set_number: int) -> str:
    """Return the key of a set's item."""
    return f"set-{set_number:02d}"


def part_number_of(key: str) -> int | None:
    """Return the number of the part that an item outlines, None for other items."""
    match = _PART.fullmatch(key)
    return int(match[1]) if match else None


def set_number_of(key: str) -> int | None:
    """Return the number of the set that an item is, None for other items."""
    match = _SET.fullmatch(key)
    return int(match[1]) if match else None


def story_items(plan: StoryPlan, *, max_attempts: int) -> Items:
    """Return the items of a new story, in the order in which they are made."""
    parts = range(1, plan.total_parts + 1)
    sets = range(1, plan.total_sets + 1)
    named = (
        (OUTLINE, "Outline", OUTLINE_STAGE),
        *((part_key(number), _part_label(number, plan=plan), PARTS_STAGE) for number in parts),
        *((set_key(number), f"Set {number}", SETS_STAGE) for number in sets),
    )
    return Items(ItemState(key=key, label=label, stage=stage, max_attempts=max_attempts) for key, label, stage in named)


def _part_label(part_number: int, *, plan: StoryPlan) -> str:
    sets = plan.sets_of(part_number)
    return f"Outline of sets {sets[0]}-{sets[-1]}"


def working_title(idea: str) -> str:
    """Return what a story is called until its outline gives it a title: the first words of the idea."""
    words = " ".join(idea.split())
    if len(words) <= _WORKING_TITLE_CHARACTERS:
        return words
    cut = words[: _WORKING_TITLE_CHARACTERS - 1]
    # At a space, where there is one: some languages have none.
    return f"{cut.rpartition(' ')[0] or cut}…"


class OutlineTask(ItemTask):
    """The outline to write: of the whole story, or of its parts where it is long."""

    request: StorySessionRequest
    plan: StoryPlan


class OutlinePartTask(ItemTask):
    """The sets of one part to outline, within the outline of the whole."""

    part_number: int
    plan: StoryPlan
    outline: Artifact


class SetTask(ItemTask):
    """One set to write. It refers to the outline; ``parts`` holds the parts that tell of it and of its neighbours."""

    set_number: int
    plan: StoryPlan
    outline: Artifact
    parts: Mapping[int, Artifact] = {}


class StorySessionInput(SessionInput):
    """The input of the workflow of a story session."""

    request: StorySessionRequest
    plan: StoryPlan
    items_at_once: int = Field(default=10, ge=1)
    """As for every kind; providers of texts take fewer calls at a time than those of pictures."""

    def task_for(self, key: str, *, state: SessionState) -> OutlineTask | OutlinePartTask | SetTask:
        """Return the task of an item as it stands in a state."""
        item = state.item(key)
        if key == OUTLINE:
            return OutlineTask.of(item, session=self, plan=self.plan, request=self.request)
        outline = _artifact_of(OUTLINE, state=state)
        if (part_number := part_number_of(key)) is not None:
            return OutlinePartTask.of(item, session=self, plan=self.plan, part_number=part_number, outline=outline)
        set_number = set_number_of(key)
        if set_number is None:
            raise KeyError(key)
        parts = self._parts_for(set_number, state=state)
        return SetTask.of(item, session=self, plan=self.plan, set_number=set_number, outline=outline, parts=parts)

    def _parts_for(self, set_number: int, *, state: SessionState) -> Mapping[int, Artifact]:
        """Return the parts that outline a set and those beside it: it is told how they end and begin."""
        if not self.plan.total_parts:
            return {}
        neighbours = range(max(1, set_number - 1), min(self.plan.total_sets, set_number + 1) + 1)
        numbers = sorted({self.plan.part_of(number) for number in neighbours})
        return {number: _artifact_of(part_key(number), state=state) for number in numbers}


def _artifact_of(key: str, *, state: SessionState) -> Artifact:
    artifact = state.item(key).artifact
    if artifact is None:
        raise ValueError(f"'{key}' is not made yet")
    return artifact
