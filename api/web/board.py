"""The board of a session: what its page shows and keeps up to date."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Final

from fastapi import Depends, Query

from sessions.items import ItemState
from sessions.money import dollars
from sessions.outlook import Outlook
from sessions.present import Seen
from sessions.statuses import ItemStatus, SessionKind
from sessions.stories import set_number_of
from sessions.view import ItemView

CARDS_PER_PART: Final = 60
"""A session may have a thousand items; a browser draws and follows so many with ease."""


@dataclass(frozen=True, kw_only=True)
class Card:
    """One item on the board. ``took``: how long the attempt took that counts."""

    item: ItemView
    note: str | None
    versions: int
    can_retake: bool
    began_at: datetime | None
    took: timedelta | None


@dataclass(frozen=True, kw_only=True)
class Shown:
    """Which of a session's items a board shows. ``part`` counts from 1."""

    status: ItemStatus | None = None
    part: int = 1


def shown_of(
    show: Annotated[ItemStatus | None, Query()] = None, part: Annotated[int, Query(ge=1, le=10_000)] = 1
) -> Shown:
    """Return which items somebody asks for."""
    return Shown(status=show, part=part)


TheShown = Annotated[Shown, Depends(shown_of)]


def board_values(seen: Seen, *, outlook: Outlook, shown: Shown) -> Mapping[str, Any]:
    """Return what the template of the board is filled in with."""
    items = [item for item in seen.view.items if shown.status in (None, item.status)]
    parts = max(1, math.ceil(len(items) / CARDS_PER_PART))
    # Items leave their status while somebody looks at the last part of them.
    part = min(shown.part, parts)
    begin = (part - 1) * CARDS_PER_PART
    budget = seen.state.budget_microdollars
    return {
        "session": seen.view,
        "outlook": outlook,
        "cards": _cards(items[begin : begin + CARDS_PER_PART], seen=seen, outlook=outlook),
        "show": shown.status or "",
        "part": part,
        "parts": parts,
        "awaits_approval": seen.state.awaits_approval,
        "waits_for_budget": not seen.view.status.is_settled and seen.state.waits_for_budget,
        "budget": None if budget is None else dollars(budget),
    }


def _cards(items: Sequence[ItemView], *, seen: Seen, outlook: Outlook) -> list[Card]:
    cards = []
    for item in items:
        state = seen.state.item(item.key)
        cards.append(
            Card(
                item=item,
                note=state.note,
                versions=len(state.versions),
                can_retake=can_retake(state, kind=seen.view.kind),
                began_at=outlook.began_at.get(item.key),
                took=outlook.took.get(item.key),
            )
        )
    return cards


def can_retake(item: ItemState, *, kind: SessionKind) -> bool:
    """Whether a person may ask for another version: not of an outline that sets have been written by."""
    return item.status.is_settled and (kind is SessionKind.IMAGES or set_number_of(item.key) is not None)
