"""The live display of a session: a line per item, a bar, and what the person at the terminal can do."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from cli.display.pace import Pace
from cli.display.words import (
    attempt_of,
    countdown,
    detail_of,
    duration_of,
    heading,
    settled_items,
    way_on,
)
from cli.output import plain
from client.following import Lost
from sessions.statuses import ItemStatus
from sessions.view import ItemView, SessionView

_ROOM_FOR_THE_REST: Final = 9
_FEWEST_LINES: Final = 3
_BAR_WIDTH: Final = 30
_LABEL_SHARE: Final = 3
_STYLES: Final = {
    ItemStatus.PENDING: "dim",
    ItemStatus.PROCESSING: "cyan",
    ItemStatus.COMPLETE: "green",
    ItemStatus.FAILED: "bold red",
    ItemStatus.CANCELLED: "dim",
}
_MARKS: Final = {
    ItemStatus.PENDING: "·",
    ItemStatus.PROCESSING: "›",
    ItemStatus.COMPLETE: "✓",
    ItemStatus.FAILED: "✗",
    ItemStatus.CANCELLED: "-",
}


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(kw_only=True)
class Board:
    """A session as it is shown, kept up to date. Rich renders it again several times a second, for the countdowns."""

    session: SessionView
    clock: Callable[[], datetime] = _now
    clock_skew: timedelta = timedelta()
    lost: Lost | None = None
    _lost_at: datetime | None = None
    _pace: Pace = field(default_factory=Pace)

    def __post_init__(self) -> None:
        self.show(self.session, clock_skew=self.clock_skew)

    def show(self, session: SessionView, *, clock_skew: timedelta) -> None:
        """Show a newer view of the session."""
        self.session, self.clock_skew, self.lost = session, clock_skew, None
        self._pace.observe(settled=settled_items(session), total=session.counts.total, at=self.clock())

    def show_restored(self) -> None:
        """Show that there is a connection again."""
        self.lost = None

    def show_lost(self, lost: Lost) -> None:
        """Show that there is no connection."""
        self.lost, self._lost_at = lost, self.clock()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Render what fits the terminal."""
        session = self.session
        room = max(_FEWEST_LINES, console.height - _ROOM_FOR_THE_REST)
        shown = visible(session.items, room=room)
        yield Group(
            _line(heading(session), style="bold"),
            self._items(shown, width=options.max_width),
            *_left_out(session.items, shown),
            self._bar(),
            *self._notes(),
        )

    def _items(self, items: Sequence[ItemView], *, width: int) -> Table:
        now = self.clock() + self.clock_skew
        table = Table.grid(padding=(0, 1), expand=True)
        table.add_column(no_wrap=True, width=1)
        table.add_column(no_wrap=True, overflow="ellipsis", max_width=max(width // _LABEL_SHARE, 8))
        table.add_column(no_wrap=True)
        table.add_column(no_wrap=True)
        table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        for item in items:
            style = _STYLES[item.status]
            table.add_row(
                Text(_MARKS[item.status], style=style),
                Text(plain(item.label)),
                Text(item.status.value, style=style),
                Text(attempt_of(item), style="dim" if item.attempt < 2 else "yellow"),
                Text(plain(detail_of(item, now=now))),
            )
        return table

    def _bar(self) -> RenderableType:
        settled, total = settled_items(self.session), self.session.counts.total
        told = [f"{settled} of {total}"]
        if self.session.counts.failed:
            told.append(f"{self.session.counts.failed} failed")
        if (left := self._left()) is not None:
            told.append(f"about {duration_of(left)} left")
        grid = Table.grid(padding=(0, 1))
        grid.add_row(ProgressBar(total=total, completed=settled, width=_BAR_WIDTH), Text(", ".join(told)))
        return grid

    def _left(self) -> timedelta | None:
        """Return how long it will still take, None where nobody can tell: an attempt that waits is waited for."""
        now = self.clock()
        at_this_pace = self._pace.left(now=now)
        if at_this_pace is None or way_on(self.session):
            return None
        waits = [item.next_attempt_at - now - self.clock_skew for item in self.session.items if item.next_attempt_at]
        left = max(at_this_pace, *waits, timedelta())
        return left if left >= timedelta(seconds=1) else None

    def _notes(self) -> list[RenderableType]:
        session = self.session
        if self.lost is not None and self._lost_at is not None:
            again = countdown(self._lost_at + self.lost.pause - self.clock())
            return [
                _line("Connection lost; the session goes on without us. Trying again " + again, style="yellow"),
                _line(self.lost.reason, style="dim"),
            ]
        if session.status.is_settled:
            return []
        hint = way_on(session)
        return [
            _line(session.message, style="yellow" if hint or session.stale else "dim"),
            *([Text(plain(hint), style="yellow")] if hint else []),
            _line("Ctrl-C leaves it running", style="dim"),
        ]


def visible(items: Sequence[ItemView], *, room: int) -> list[ItemView]:
    """Return the items that are worth the room there is, in their order: all, or what failed and what is being made."""
    if len(items) <= room:
        return list(items)
    failed = [item for item in items if item.status is ItemStatus.FAILED]
    being_made = [item for item in items if item.status is ItemStatus.PROCESSING]
    troubled = [item for item in being_made if item.error or item.attempt > 1]
    rest = [item for item in items if item.status in (ItemStatus.PENDING, ItemStatus.COMPLETE, ItemStatus.CANCELLED)]
    # Failures are told of with the summary once more: they may not push out what still happens.
    wanted = [*failed[: room // 2], *troubled, *being_made, *failed, *_next_first(rest)]
    chosen = list(dict.fromkeys(item.key for item in wanted))[: room - 1]
    return [item for item in items if item.key in set(chosen)]


def _next_first(items: Sequence[ItemView]) -> list[ItemView]:
    return sorted(items, key=lambda item: item.status is not ItemStatus.PENDING)


def _left_out(items: Sequence[ItemView], shown: Sequence[ItemView]) -> list[Text]:
    if len(shown) == len(items):
        return []
    counts = Counter(item.status for item in items)
    counts.subtract(Counter(item.status for item in shown))
    told = ", ".join(f"{counts[status]:,} {status.value}" for status in ItemStatus if counts[status])
    return [_line(f"… and {len(items) - len(shown):,} more: {told}", style="dim")]


def _line(text: str, *, style: str) -> Text:
    return Text(plain(text), style=style, no_wrap=True, overflow="ellipsis")
