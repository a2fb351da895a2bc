"""What the reader of a story shows: a few sets at a time, and the way to all others."""

import math
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from api.services import StoryTelling
from api.streams import session_event
from api.web.rendering import Pages, duration
from api.web.shared import Shared
from service.errors import ArtifactNotFoundError, ServiceError
from service.watch import Change
from sessions.present import Seen
from sessions.scripts import SEGMENT_SECONDS, StoryMetadata, StorySet
from sessions.statuses import ItemStatus, SessionKind
from sessions.stories import StoryPlan, set_number_of
from sessions.view import ItemView, SessionView

SEGMENTS_PER_PART: Final = 40
"""The first message to a viewer holds so many at most, or one set: typically 60 kB."""

_MOST_ENTRIES: Final = 60
"""The contents of a longer story list several sets in a line."""
_USUAL_SEGMENTS_PER_SET: Final = 10
_MINUTE: Final = timedelta(minutes=1)
_HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class ReadSet:
    """A set in its place. ``document`` is None while it is not there; ``segments`` where it is not known how many."""

    number: int
    item: ItemView
    document: StorySet | None
    segments: range | None


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A line of the contents: one set, or those of some parts. ``status`` is that of a single set."""

    first: int
    last: int
    parts: range
    ready: int
    status: ItemStatus | None

    @property
    def total(self) -> int:
        """How many sets it stands for."""
        return self.last - self.first + 1


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where somebody reads: in a part, counted from 1, or in the part that a set is in."""

    part: int = 1
    set_number: int | None = None


async def story_values(seen: Seen, *, place: Place, stories: StoryTelling) -> Mapping[str, Any]:
    """Return what the template of the reader is filled in with.

    Raises:
        ArtifactNotFoundError: it is no story, or its outline is no longer stored.
        OutOfReachError: the store does not answer.
    """
    view = seen.view
    refuse_unless_story(view)
    metadata = await stories.metadata(view)
    items = [(number, item) for item in view.items if (number := set_number_of(item.key)) is not None]
    plan = _plan(metadata)
    sets_per_part = max(1, SEGMENTS_PER_PART // (plan.segments_per_set if plan else _USUAL_SEGMENTS_PER_SET))
    parts = math.ceil(len(items) / sets_per_part)
    asked = place.part if place.set_number is None else math.ceil(place.set_number / sets_per_part)
    part = min(asked, parts)
    begin = (part - 1) * sets_per_part
    shown = items[begin : begin + sets_per_part]
    documents = await stories.sets(view, numbers={number for number, _ in shown})
    return {
        "session": view,
        "metadata": metadata,
        "names": {character.id: character.name for character in metadata.characters_roster} if metadata else {},
        "film": _running_time(timedelta(seconds=plan.total_segments * SEGMENT_SECONDS)) if plan else None,
        "can_jump": len(items) > _MOST_ENTRIES,
        "contents": _contents(items, sets_per_part=sets_per_part),
        "sets": [
            ReadSet(
                number=number,
                item=item,
                document=documents.get(number),
                segments=plan.segments_of(number) if plan else None,
            )
            for number, item in shown
        ],
        "part": part,
        "parts": parts,
        "awaits_approval": seen.state.awaits_approval,
    }


def refuse_unless_story(view: SessionView) -> None:
    """Find out whether a session is a story.

    Raises:
        ArtifactNotFoundError: it is none.
    """
    if view.kind is not SessionKind.STORY:
        raise ArtifactNotFoundError(f"Session '{view.id}' makes {view.kind}; there is no story to read.")


def _plan(metadata: StoryMetadata | None) -> StoryPlan | None:
    if metadata is None:
        return None
    info = metadata.generation_info
    return StoryPlan(total_segments=info.total_segments, segments_per_set=info.segments_per_set)


def _running_time(value: timedelta) -> str:
    """Return about how long a film is."""
    return duration(value) if value < _MINUTE or value >= _HOUR else f"{round(value / _MINUTE)} min"


def _contents(items: Sequence[tuple[int, ItemView]], *, sets_per_part: int) -> Sequence[Entry]:
    parts_in_a_line = math.ceil(len(items) / _MOST_ENTRIES / sets_per_part)
    size = 1 if len(items) <= _MOST_ENTRIES else parts_in_a_line * sets_per_part
    entries = []
    for begin in range(0, len(items), size):
        listed = items[begin : begin + size]
        entries.append(
            Entry(
                first=listed[0][0],
                last=listed[-1][0],
                parts=range(begin // sets_per_part + 1, (begin + len(listed) - 1) // sets_per_part + 2),
                ready=sum(item.artifact is not None for _, item in listed),
                status=listed[0][1].status if size == 1 else None,
            )
        )
    return entries


@dataclass(frozen=True, kw_only=True)
class Rendered:
    """A part of a story as HTML. ``pieces`` are what changes by itself, by id; ``frame`` is all around them."""

    whole: str
    frame: str
    pieces: Mapping[str, str]

    def since(self, sent: "Rendered | None") -> str:
        """Return what puts a viewer right who was sent the part before: the pieces that differ, else all of it."""
        if sent is None or sent.frame != self.frame or sent.pieces.keys() != self.pieces.keys():
            return self.whole
        return "".join(
            f'<hx-partial hx-target="#{name}" hx-swap="outerMorph">{html}</hx-partial>'
            for name, html in self.pieces.items()
            if html != sent.pieces[name]
        )


def rendered_story(pages: Pages, values: Mapping[str, Any]) -> Rendered:
    """Return a part of a story as HTML, from what `story_values` returns."""
    has_front = values["metadata"] is not None and values["part"] == 1
    pieces = {
        "story-top": pages.rendered("story_top.html", **values),
        "contents": pages.rendered("story_contents.html", **values),
        "front": pages.rendered("story_front.html", **values) if has_front else "",
        **{f"set-{shown.number}": pages.rendered("story_set.html", shown=shown, **values) for shown in values["sets"]},
    }
    return Rendered(
        whole=pages.rendered("story_part.html", pieces=pieces, **values),
        frame=pages.rendered("story_part.html", pieces=dict.fromkeys(pieces, ""), **values),
        pieces=pieces,
    )


class StoryParts:
    """Parts of stories as events, each rendered once for all who read the same part of the same session."""

    def __init__(self, *, pages: Pages) -> None:
        self._pages = pages
        self._made = Shared[Rendered]()

    async def events(
        self, changes: AsyncGenerator[Change, None], *, part: int, stories: StoryTelling
    ) -> AsyncGenerator[bytes, None]:
        """Yield the part, then what changes in it, until the session has closed.

        Ends early when the story cannot be read now: the viewer then asks again, and is shown all of it.
        """
        sent: Rendered | None = None
        async with aclosing(changes):
            async for change in changes:
                try:
                    made = await self._rendered(change, part=part, stories=stories)
                except ServiceError:
                    return
                # Most changes of a long story are in other parts of it.
                if html := made.since(sent):
                    yield session_event(html, of=change.view)
                sent = made

    async def _rendered(self, change: Change, *, part: int, stories: StoryTelling) -> Rendered:
        async def make() -> Rendered:
            values = await story_values(change.seen, place=Place(part=part), stories=stories)
            return rendered_story(self._pages, values)

        return await self._made.of(change, place=part, make=make)
