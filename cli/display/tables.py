"""Sessions, items, attempts and costs as tables."""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime

from cli.display.words import (
    attempt_of,
    detail_of,
    dollars_of,
    duration_of,
    heading,
    summary,
    way_on,
)
from cli.output import print_table, say
from sessions.costs import CostAmounts, CostReport
from sessions.scripts import Outline
from sessions.view import AttemptList, AttemptView, SessionList, SessionView


def print_sessions(page: SessionList) -> None:
    """Print a page of sessions."""
    is_looked_at = sys.stdout.isatty()
    if not page.sessions and is_looked_at:
        say("No sessions. `retakes images TITLE` starts one.")
        return
    rows = [
        (
            session.id,
            session.kind.value,
            session.status.value,
            f"{session.counts.complete}/{session.counts.total}",
            moment_of(session.created_at),
            session.title,
        )
        for session in page.sessions
    ]
    print_table(("ID", "KIND", "STATUS", "READY", "STARTED", "TITLE"), rows)
    if page.next_cursor and is_looked_at:  # a program that reads the table takes every line for a session
        say(f"There are more: retakes list --cursor {page.next_cursor}")


def print_session(session: SessionView) -> None:
    """Print a session with its items, and what to do next."""
    now = datetime.now(UTC)
    say(heading(session))
    print_table(
        ("KEY", "STATUS", "ATTEMPT", "VERSION", "DETAIL"),
        [
            (
                item.key,
                item.status.value,
                attempt_of(item).removeprefix("attempt "),
                str(item.selected_attempt or ""),
                detail_of(item, now=now),
            )
            for item in session.items
        ],
    )
    for line in summary(session) if session.status.is_settled else _standing(session):
        say(line)


def _standing(session: SessionView) -> Iterator[str]:
    yield session.message
    yield way_on(session) or f"`retakes watch {session.id}` shows how it goes on."


def print_attempts(ledger: AttemptList) -> None:
    """Print the ledger of a session."""
    if not ledger.attempts:
        say("No attempt has begun.")
        return
    rows = [
        (
            attempt.item,
            str(attempt.attempt),
            attempt.status.value,
            moment_of(attempt.started_at),
            _took(attempt),
            dollars_of(attempt.cost_usd),
            attempt.model,
            f"{attempt.error_type}: {attempt.error}" if attempt.error_type else "",
        )
        for attempt in ledger.attempts
    ]
    print_table(("ITEM", "ATTEMPT", "STATUS", "BEGAN", "TOOK", "COST", "MODEL", "ERROR"), rows)


def _took(attempt: AttemptView) -> str:
    return duration_of(attempt.ended_at - attempt.started_at) if attempt.ended_at else ""


def print_outline(outline: Outline) -> None:
    """Print the outline of a story."""
    say(outline.title)
    say(outline.short_summary)
    for character in outline.characters_roster:
        say(f"  {character.name}: {character.description or character.role}")
    for part in outline.sets:
        say(f"Set {part.set_number}: {part.begins}")
        for beat in part.beats:
            say(f"  - {beat}")
        say(f"  → {part.ends}")


def print_costs(report: CostReport) -> None:
    """Print a report of costs, and what they are together."""
    say(f"{moment_of(report.begin)} to {moment_of(report.end)}, in US dollars")
    rows = [
        (str(row.day or row.model or row.title or row.kind or row.session or ""), *_amounts(row)) for row in report.rows
    ]
    rows.append(("together", *_amounts(report.totals)))
    print_table((report.by.value.upper(), "ATTEMPTS", "FAILED", "SPENT", "UNCERTAIN"), rows, wide=0)
    if report.next_cursor:
        say("There are more, which cost less: `retakes costs --json` tells where they begin.")


def _amounts(amounts: CostAmounts) -> tuple[str, ...]:
    uncertain = dollars_of(amounts.uncertain_usd)
    return (str(amounts.attempts), str(amounts.failed), dollars_of(amounts.spent_usd), uncertain)


def moment_of(moment: datetime) -> str:
    """Return a moment in the time of this machine."""
    return f"{moment.astimezone():%Y-%m-%d %H:%M}"
