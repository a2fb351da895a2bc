from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from rich.console import Console

from cli.display.board import Board, visible
from cli.display.pace import Pace
from client.following import Lost
from sessions.statuses import ItemStatus
from sessions.view import SessionView
from tests.unit.cli.sessions_shown import BROKEN, NOW, item, session

PENDING, PROCESSING = ItemStatus.PENDING, ItemStatus.PROCESSING
COMPLETE, FAILED = ItemStatus.COMPLETE, ItemStatus.FAILED


def lines(shown: SessionView, *, width: int = 80, height: int = 24, now: datetime = NOW) -> list[str]:
    """Return the lines of a session's board, without colours."""
    console = Console(width=width, height=height, markup=False, highlight=False, emoji=False, no_color=True)
    with console.capture() as capture:
        console.print(Board(session=shown, clock=lambda: now))
    return [line.rstrip() for line in capture.get().splitlines()]


def test_every_item_has_its_line_and_the_bar_counts() -> None:
    """Status, attempt, countdown and error stand as words; the bar says how many need nothing further."""
    shown = session(
        [
            item("main", COMPLETE, attempt=1),
            item("side", PROCESSING, attempt=2, error=BROKEN, waits=timedelta(seconds=4)),
            item("back", FAILED, attempt=3, error=BROKEN),
            item("box"),
        ]
    )
    heading, main, side, back, box, bar, message, hint = lines(shown)
    assert heading == "Steel bottle · ses-aaaabbbbccccdddd · 4 images"
    assert main.split() == ["✓", "Main", "complete", "attempt", "1", "of", "3", "1024×768,", "54", "kB"]
    assert "processing attempt 2 of 3 tries again in 4 s · The provider broke." in side
    assert "failed     attempt 3 of 3 The provider broke. Retry later." in back
    assert box.split() == ["·", "Box", "pending"]
    assert bar.endswith("2 of 4, 1 failed")
    assert message == "It goes on."
    assert hint == "Ctrl-C leaves it running"


def test_a_countdown_goes_by_the_servers_clock() -> None:
    """A clock of ours that is behind by an hour makes no difference."""
    shown = session([item("main", PROCESSING, attempt=1, error=BROKEN, waits=timedelta(seconds=4))])
    board = Board(session=shown, clock=lambda: NOW - timedelta(hours=1), clock_skew=timedelta(hours=1))
    console = Console(width=80, height=24, no_color=True)
    with console.capture() as capture:
        console.print(board)
    assert "tries again in 4 s" in capture.get()


@pytest.mark.parametrize(("width", "height"), [(80, 24), (40, 12), (200, 60)])
def test_a_thousand_items_fit_the_screen(width: int, height: int) -> None:
    """What failed and what is being made is shown, the rest is counted; nothing is wider or higher than the screen."""
    items = [item(f"set-{n:04}", COMPLETE, attempt=1) for n in range(500)]
    items += [item(f"set-{n:04}", FAILED, attempt=3, error=BROKEN) for n in range(500, 520)]
    items += [item(f"set-{n:04}", PROCESSING, attempt=2, error=BROKEN) for n in range(520, 523)]
    items += [item(f"set-{n:04}") for n in range(523, 1000)]
    shown = lines(session(items), width=width, height=height)
    assert len(shown) < height
    assert all(len(line) <= width for line in shown)
    assert 3 == sum("processing" in line and "Set-05" in line for line in shown) or height < 13
    assert any(line.startswith("… and 9") for line in shown)


def test_what_is_left_out_is_what_matters_least() -> None:
    """Failures may not push out what still happens, and the order of the items stays."""
    items = [item(f"f{n}", FAILED, attempt=3) for n in range(9)] + [item("p", PROCESSING, attempt=1), item("q")]
    assert items == visible(items, room=11)
    kept = visible(items, room=7)
    assert ["f0", "f1", "f2", "f3", "f4", "p"] == [one.key for one in kept]


@pytest.mark.parametrize(
    "hostile",
    [
        "\x1b[2J\x1b]0;owned\x07title",
        "\x9b31mtitle",
        "\u202etitle",
        "line\nbreak\rback",
        "[bold]title[/bold] :smile:",
        "[/]",
        "עברית title",
        "a" * 500,
    ],
)
def test_titles_cannot_steer_the_terminal(hostile: str) -> None:
    """Control characters, marks that turn the text round and markup are shown as text or not at all."""
    error = BROKEN.model_copy(update={"message": hostile, "advice": hostile})
    shown = session([item("main", FAILED, attempt=1, label=hostile, error=error), item("side")], title=hostile)
    text = lines(shown)
    assert 7 >= len(text)
    for forbidden in ("\x1b", "\x9b", "\x07", "\r", "\u202e"):
        assert all(forbidden not in line for line in text)
    assert not hostile.startswith("[") or hostile in text[0]


def test_a_lost_connection_is_shown_until_it_is_back() -> None:
    """The board says that the session goes on, and when it is tried again."""
    board = Board(session=session([item("main")]), clock=lambda: NOW)
    board.show_lost(Lost(reason="refused", pause=timedelta(seconds=5)))
    assert any("Connection lost; the session goes on without us. Trying again in 5 s" in line for line in _of(board))
    board.show_restored()
    assert not any("Connection lost" in line for line in _of(board))


def _of(board: Board) -> Sequence[str]:
    console = Console(width=100, height=24, no_color=True)
    with console.capture() as capture:
        console.print(board)
    return capture.get().splitlines()


def test_the_pace_tells_how_long_the_rest_takes() -> None:
    """By what has settled while somebody looked; before anything has, nobody can tell; a retry begins anew."""
    pace = Pace()
    pace.observe(settled=10, total=100, at=NOW)
    assert pace.left(now=NOW + timedelta(seconds=10)) is None
    pace.observe(settled=20, total=100, at=NOW + timedelta(seconds=10))
    assert timedelta(seconds=80) == pace.left(now=NOW + timedelta(seconds=10))
    assert timedelta(seconds=160) == pace.left(now=NOW + timedelta(seconds=20))
    pace.observe(settled=5, total=100, at=NOW + timedelta(seconds=20))
    assert pace.left(now=NOW + timedelta(seconds=30)) is None


def test_the_time_left_covers_the_waits_for_next_attempts() -> None:
    """Four pictures in a second do not mean that the fifth, which waits for a minute, is there in a moment."""
    moments = iter([NOW, NOW + timedelta(seconds=2)])
    last = NOW + timedelta(seconds=2)
    waiting = item("back", PROCESSING, attempt=1, error=BROKEN, waits=timedelta(seconds=62))
    board = Board(session=session([item("main"), waiting]), clock=lambda: next(moments, last))
    board.show(session([item("main", COMPLETE, attempt=1), waiting]), clock_skew=timedelta())
    assert any("1 of 2, about 1 min 0 s left" in line for line in _of(board))
