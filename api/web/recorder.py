"""The flight recorder: every attempt of a session, when it was made, what it cost and why another followed or not."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query
from sse_starlette import EventSourceResponse
from starlette.responses import Response

from api.routes.events import LastEventId, version_seen
from api.services import TheBackend, TheServices
from api.streams import event_stream, session_event
from api.web.pages import BEAT_SECONDS, ThePages, beat
from api.web.shared import TheEvents
from api.web.timeline import columns_of, timeline_of
from service.watch import Change
from sessions.aftermath import ERRORS_IN_WORDS, Aftermath, aftermaths, billing_in_words, waiting_in_words
from sessions.ledger import LedgerEntry
from sessions.money import Spending, dollars
from sessions.present import Seen
from sessions.statuses import AttemptStatus

router = APIRouter(prefix="/sessions/{session_id}/attempts", include_in_schema=False)

ATTEMPTS_PER_PART: Final = 100
"""A session may have thousands; a browser draws and follows so many with ease."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Which of a session's attempts are shown. ``part`` counts from 1; empty texts are for all."""

    item: str = ""
    outcome: AttemptStatus | None = None
    part: int = 1


def asked_for(
    item: Annotated[str, Query(max_length=200)] = "",
    outcome: Annotated[str, Query(max_length=20)] = "",
    part: Annotated[int, Query(ge=1, le=100_000)] = 1,
) -> Asked:
    """Return which attempts somebody asks for. A form sends an empty text for all outcomes."""
    known = next((status for status in AttemptStatus if status == outcome), None)
    return Asked(item=item, outcome=known, part=part)


TheAsked = Annotated[Asked, Depends(asked_for)]


@dataclass(frozen=True, kw_only=True)
class Row:
    """One attempt as it is shown. ``last`` is the last number that its round allows, where that is known."""

    entry: LedgerEntry
    label: str
    took: timedelta | None
    last: int | None
    error: str | None
    aftermath: Aftermath
    notes: Sequence[str]
    cost_usd: float
    next_attempt_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Sums:
    """What some attempts come to."""

    attempts: int
    spent_usd: float
    uncertain_usd: float
    input_tokens: int
    output_tokens: int


@router.get("")
async def attempts(session_id: str, services: TheServices, pages: ThePages, asked: TheAsked) -> Response:
    """Show the attempts of a session."""
    seen = await services.reader.seen(session_id)
    entries = await services.reader.ledger(session_id)
    return pages.page("recorder.html", **recorder_values(seen, entries=entries, asked=asked, now=datetime.now(UTC)))


@router.get("/live")
async def live(
    session_id: str,
    *,
    services: TheServices,
    backend: TheBackend,
    pages: ThePages,
    events: TheEvents,
    asked: TheAsked,
    last_event_id: LastEventId = None,
) -> EventSourceResponse:
    """Stream the attempts of a session: what is shown of them, at once and at every change."""
    known = await services.reader.seen(session_id)
    changes = services.watch.changes(session_id, after=version_seen(last_event_id), known=known)

    async def written(change: Change) -> bytes:
        async def make() -> bytes:
            entries = await services.reader.ledger(session_id)
            values = recorder_values(change.seen, entries=entries, asked=asked, now=datetime.now(UTC))
            html = pages.rendered("attempts.html", **values)
            return session_event(html, of=change.view)

        return await events.of(change, place=asked, make=make)

    return event_stream(changes, written=written, backend=backend, greeting=beat, ping_seconds=BEAT_SECONDS)


def recorder_values(seen: Seen, *, entries: Sequence[LedgerEntry], asked: Asked, now: datetime) -> Mapping[str, Any]:
    """Return what the template of the flight recorder is filled in with."""
    labels = {item.key: item.label for item in seen.view.items}
    order = {key: position for position, key in enumerate(labels)}
    # Of an item that the session does not have nothing can be told; its ledger is in the JSON.
    known = sorted((entry for entry in entries if entry.item in order), key=lambda one: (order[one.item], one.attempt))
    found = [entry for entry in known if asked.item in ("", entry.item) and asked.outcome in (None, entry.status)]
    parts = max(1, math.ceil(len(found) / ATTEMPTS_PER_PART))
    part = min(asked.part, parts)
    shown = found[(part - 1) * ATTEMPTS_PER_PART : part * ATTEMPTS_PER_PART]
    # In a session that has closed nothing runs, whatever an entry says that nobody could complete any more.
    until = now if seen.view.closed_at is None else None
    return {
        "session": seen.view,
        "rows": _rows(shown, entries=known, seen=seen),
        "timeline": timeline_of(shown, items=list(labels), now=until),
        "columns": columns_of(found, now=until) if parts > 1 else (),
        "labels": labels,
        "sums": _sums(found),
        "has_attempts": bool(known),
        "item": asked.item,
        "outcome": asked.outcome or "",
        "outcomes": list(AttemptStatus),
        "part": part,
        "parts": parts,
    }


def _rows(shown: Sequence[LedgerEntry], *, entries: Sequence[LedgerEntry], seen: Seen) -> list[Row]:
    followed_by = aftermaths(entries, of=shown, state=seen.state)
    views = {item.key: item for item in seen.view.items}
    rows = []
    for entry in shown:
        item, view = seen.state.item(entry.item), views[entry.item]
        is_latest = view.attempt == entry.attempt
        notes = (billing_in_words(entry), waiting_in_words(entry))
        rows.append(
            Row(
                entry=entry,
                label=view.label,
                took=entry.ended_at - entry.started_at if entry.ended_at else None,
                last=view.max_attempts if entry.round == item.round else None,
                error=ERRORS_IN_WORDS[entry.error_type] if entry.error_type else None,
                aftermath=followed_by[entry.item, entry.attempt],
                notes=[note for note in notes if note],
                cost_usd=dollars(entry.cost_microdollars),
                next_attempt_at=view.next_attempt_at if is_latest else None,
            )
        )
    return rows


def _sums(entries: Sequence[LedgerEntry]) -> Sums:
    spending = sum((entry.spending for entry in entries), Spending())
    return Sums(
        attempts=len(entries),
        spent_usd=dollars(spending.spent_microdollars),
        uncertain_usd=dollars(spending.uncertain_microdollars),
        input_tokens=spending.usage.input_tokens,
        output_tokens=spending.usage.output_tokens,
    )
