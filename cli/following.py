"""Following a session until it has settled: live in a terminal, line by line elsewhere, or in silence."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

import typer

from cli.display.thumbnails import show_thumbnails
from cli.display.words import changes, summary
from cli.outcomes import INTERRUPTED, exit_code
from cli.output import console, plain, print_json, say
from client import calls
from client.call import Sent
from client.errors import RetakesError
from client.following import Lost, Restored
from client.retakes import Retakes
from sessions.view import SessionView

if TYPE_CHECKING:
    from rich.console import Console

    from cli.display.board import Board


class Showing(StrEnum):
    """What a command that follows a session prints."""

    PROGRESS = "progress"
    JSON = "json"
    NOTHING = "nothing"


class _Display(Protocol):
    def show(self, session: SessionView, *, clock_skew: timedelta) -> None: ...

    def show_lost(self, lost: Lost) -> None: ...

    def show_restored(self) -> None: ...


def follow(retakes: Retakes, sent: Sent[SessionView], *, showing: Showing) -> SessionView:
    """Follow a session until it has settled, and return it as it is then.

    Args:
        retakes: the server.
        sent: the session as the server told of it last.
        showing: what to print.

    Raises:
        typer.Exit: somebody pressed Ctrl-C; the session goes on.
    """
    session = sent.value
    try:
        with _display(session, showing=showing) as display:
            for news in retakes.watch(session.id, after=session.version) if not session.status.is_settled else ():
                if isinstance(news, Lost):
                    display.show_lost(news)
                    continue
                if isinstance(news, Restored):
                    display.show_restored()
                    continue
                sent = news.sent
                session = sent.value
                display.show(session, clock_skew=news.clock_skew)
                if session.status.is_settled:
                    break
    except KeyboardInterrupt:
        sys.stderr.write(plain(f"Left running. `retakes watch {session.id}` comes back to it.") + "\n")
        raise typer.Exit(INTERRUPTED) from None
    if showing is Showing.JSON:
        print_json(sent.data)
    elif showing is Showing.PROGRESS:
        conclude(retakes, session)
    return session


def follow_to_the_end(retakes: Retakes, sent: Sent[SessionView], *, as_json: bool, quiet: bool) -> None:
    """Follow a session until it has settled, and end the command as its status says.

    Raises:
        typer.Exit: unless all is complete.
    """
    showing = Showing.JSON if as_json else Showing.NOTHING if quiet else Showing.PROGRESS
    if code := exit_code(follow(retakes, sent, showing=showing).status):
        raise typer.Exit(code)


def go_on(retakes: Retakes, sent: Sent[SessionView], *, detach: bool, as_json: bool, quiet: bool) -> None:
    """Follow a session that somebody has set going again, unless they do not want to.

    Raises:
        typer.Exit: as `follow_to_the_end` does.
    """
    if not detach:
        follow_to_the_end(retakes, sent, as_json=as_json, quiet=quiet)
    elif as_json:
        print_json(sent.data)
    elif not quiet:
        say(f"It goes on; `retakes watch {sent.value.id}` shows how.")


def conclude(retakes: Retakes, session: SessionView) -> None:
    """Show what came of a session, and what to do next."""
    show_pictures(retakes, session)
    target = console()
    for line in summary(session):
        target.print(plain(line), soft_wrap=not target.is_terminal)


def show_pictures(retakes: Retakes, session: SessionView) -> None:
    """Show a session's pictures, where the terminal can."""
    try:
        show_thumbnails(session, console=console(), read=lambda item: retakes.ask(calls.content(session.id, item.key)))
    except (RetakesError, ImportError, OSError, ValueError):
        say("The pictures could not be shown here; they are kept all the same.")


def is_terminal(stream: object = None) -> bool:
    """Whether somebody looks at standard output in a terminal that can move its cursor."""
    looked_at = stream or sys.stdout
    return bool(getattr(looked_at, "isatty", bool)()) and os.environ.get("TERM", "dumb") != "dumb"


@contextmanager
def _display(session: SessionView, *, showing: Showing) -> Iterator[_Display]:
    if showing is Showing.PROGRESS and not is_terminal():
        lines = _Lines()
        lines.show(session, clock_skew=timedelta())
        yield lines
    elif showing is Showing.PROGRESS or (showing is Showing.JSON and is_terminal(sys.stderr)):
        with _live(session, target=console(is_error=showing is Showing.JSON)) as board:
            yield board
    else:
        yield _Silence()


@contextmanager
def _live(session: SessionView, *, target: "Console") -> "Iterator[Board]":
    from rich.live import Live

    from cli.display.board import Board

    board = Board(session=session)
    with Live(
        console=target,
        get_renderable=lambda: board,
        refresh_per_second=4,
        redirect_stdout=False,
        redirect_stderr=False,
        vertical_overflow="crop",
    ):
        yield board


class _Lines:
    """A line for every change, for logs and pipes."""

    def __init__(self) -> None:
        self._known: SessionView | None = None
        self._is_lost = False

    def show(self, session: SessionView, *, clock_skew: timedelta) -> None:
        """Print what has changed."""
        for line in changes(self._known, session, now=datetime.now(UTC) + clock_skew):
            say(line)
        self._known = session

    def show_lost(self, lost: Lost) -> None:
        """Print once that there is no connection."""
        if not self._is_lost:
            self._is_lost = True
            say(f"Connection lost ({lost.reason}); the session goes on without us. Trying again.")

    def show_restored(self) -> None:
        """Print that there is a connection again."""
        self._is_lost = False
        say("Connected again.")


class _Silence:
    def show(self, session: SessionView, *, clock_skew: timedelta) -> None:
        """Print nothing."""

    def show_lost(self, lost: Lost) -> None:
        """Print nothing."""

    def show_restored(self) -> None:
        """Print nothing."""
