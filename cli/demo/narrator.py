"""The tour's words on the screen."""

import asyncio
import os
import sys
import textwrap
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

import typer

from runtime.terminal import show

_WIDTH: Final = 84
_INDENT: Final = "   "
_LABEL_WIDTH: Final = 15


class Narrator:
    """Prints paragraphs and moments; in a terminal with a little colour, and with time to read."""

    def __init__(self) -> None:
        self._is_watched = sys.stdout.isatty()
        self._has_colour = self._is_watched and not os.environ.get("NO_COLOR")
        self._began = time.monotonic()

    def heading(self, text: str) -> None:
        """Begin a part."""
        show(f"\n{self._styled(text, bold=True)}")

    def say(self, text: str) -> None:
        """Print a paragraph."""
        show("\n" + textwrap.fill(text, width=_WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT))

    def list(self, entries: Mapping[str, str]) -> None:
        """Print names with what belongs to each."""
        width = max(len(name) for name in entries)
        show("\n" + "\n".join(f"{_INDENT}{name:<{width}}  {value}" for name, value in entries.items()))

    def start_clock(self) -> None:
        """Count the seconds of the moments to come from here."""
        self._began = time.monotonic()
        show("")

    def moment(self, label: str, what: str, *, colour: str | None = None) -> None:
        """Print what has just happened to something."""
        seconds = f"{time.monotonic() - self._began:5.1f} s"
        show(f"{_INDENT}{self._styled(seconds, dim=True)}  {label:<{_LABEL_WIDTH}} {self._styled(what, fg=colour)}")

    @property
    def is_watched(self) -> bool:
        """Whether somebody looks at a terminal."""
        return self._is_watched

    async def let_read(self, pause: timedelta) -> None:
        """Wait, where somebody is reading."""
        if self._is_watched:
            await asyncio.sleep(pause.total_seconds())

    def _styled(self, text: str, *, bold: bool = False, dim: bool = False, fg: str | None = None) -> str:
        if not self._has_colour:
            return text
        return typer.style(text, bold=bold or None, dim=dim or None, fg=fg)
