"""Pictures in the terminal, where it can show them.

Terminals are known by what they put into the environment. Asking them with an escape sequence, as the library does by
itself, takes away what somebody types meanwhile, and waits for those that do not answer.
"""

import io
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

from sessions.view import ItemView, SessionView

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

Protocol = Literal["kitty", "sixel"]

SWITCH: Final = "RETAKES_THUMBNAILS"
MOST_SHOWN: Final = 12

_KITTY_TERMS: Final = ("xterm-kitty", "xterm-ghostty")
_SIXEL_TERMS: Final = ("foot", "mlterm", "contour", "yaft")
_SIXEL_PROGRAMS: Final = ("WezTerm", "iTerm.app", "mintty")
_WIDTH: Final = 20


def protocol_of(environment: Mapping[str, str]) -> Protocol | None:
    """Return how a terminal shows pictures, judged by its environment; None where it is not known to."""
    switch = environment.get(SWITCH, "").lower()
    if switch:
        return "kitty" if switch == "kitty" else "sixel" if switch == "sixel" else None
    term = environment.get("TERM", "")
    if term.startswith(("screen", "tmux", "dumb")) or "TMUX" in environment:
        return None  # what is between does not pass pictures on
    if term in _KITTY_TERMS or "KITTY_WINDOW_ID" in environment:
        return "kitty"
    if term.startswith(_SIXEL_TERMS) or environment.get("TERM_PROGRAM") in _SIXEL_PROGRAMS:
        return "sixel"
    return "sixel" if "WT_SESSION" in environment or "KONSOLE_VERSION" in environment else None


def pictures_of(session: SessionView) -> list[ItemView]:
    """Return the items of a session that have pictures, the first dozen."""
    made = (item for item in session.items if item.artifact and item.artifact.media_type.startswith("image/"))
    return list(made)[:MOST_SHOWN]


def show_thumbnails(session: SessionView, *, console: "Console", read: Callable[[ItemView], bytes]) -> None:
    """Show a session's pictures where the terminal can, and do nothing elsewhere.

    Args:
        session: whose pictures.
        console: the terminal; its standard output.
        read: returns the bytes of an item's picture.
    """
    items = pictures_of(session)
    protocol = protocol_of(os.environ)
    if not items or protocol is None or not sys.stdout.isatty() or not _tells_its_cells():
        return
    image = _renderable(protocol)
    per_row = max(1, console.width // (_WIDTH + 2))
    for start in range(0, len(items), per_row):
        row = items[start : start + per_row]
        console.print(_row([image(io.BytesIO(read(item)), width=_WIDTH, height="auto") for item in row], items=row))


def _row(images: "Sequence[RenderableType]", *, items: Sequence[ItemView]) -> "RenderableType":
    from rich.table import Table
    from rich.text import Text

    from cli.output import plain

    grid = Table.grid(padding=(0, 2, 0, 0))
    for _ in images:
        grid.add_column(width=_WIDTH, no_wrap=True, overflow="ellipsis")
    grid.add_row(*images)
    grid.add_row(*(Text(plain(item.label), style="dim") for item in items))
    return grid


def _tells_its_cells() -> bool:
    """Whether the terminal says how many pixels its cells have; the library would ask it otherwise."""
    if sys.platform == "win32":
        return False
    import fcntl
    import struct
    import termios

    try:
        told = fcntl.ioctl(sys.__stdout__.fileno() if sys.__stdout__ else 1, termios.TIOCGWINSZ, bytes(8))
    except OSError:
        return False
    rows, columns, width, height = struct.unpack("HHHH", told)
    return bool(rows and columns and width >= columns and height >= rows)


def _renderable(protocol: Protocol) -> Any:
    """Return the library's class. It asks the terminal when it is imported, unless there seems to be none."""
    terminal, sys.__stdout__ = sys.__stdout__, None  # type: ignore[misc] # a name that is to be left alone otherwise
    try:
        from textual_image.renderable import SixelImage, TGPImage
    finally:
        sys.__stdout__ = terminal  # type: ignore[misc] # as above
    return TGPImage if protocol == "kitty" else SixelImage
