"""Records what a command shows in a terminal, as an SVG: a still picture, or some key frames.

Run: ``python docs/record.py OUT.svg [--frames 8] [--until TEXT] -- COMMAND …``, in the development environment, with
the variables that the command needs, and beside a running product where it needs one.

The command gets a pseudo-terminal, so it behaves as in front of a person; a terminal emulator reads what it writes,
and rich draws the screen. The picture holds neither fonts nor scripts: every run of text has its length, so that any
monospaced font of the viewer's fits.
"""

import argparse
import fcntl
import os
import pty
import re
import select
import shlex
import signal
import struct
import sys
import termios
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import StringIO
from itertools import pairwise
from pathlib import Path
from typing import Final

import pyte
from pyte.screens import Char
from rich.color import ColorParseError
from rich.console import Console
from rich.style import Style
from rich.text import Text

_QUIET_SECONDS: Final = 0.05
"""A screen that has not changed for so long is whole, and may become a frame."""
_LONGEST_FRAME_SECONDS: Final = 1.5
_LAST_FRAME_SECONDS: Final = 4.0
_STOP_SECONDS: Final = 15.0
_CHUNK_BYTES: Final = 64 * 1024
_PARTS: Final = ("styles", "chrome", "backgrounds", "matrix", "width", "height", "terminal_x", "terminal_y")
_SEPARATOR: Final = "\0"
_NEEDLESS: Final = re.compile(r' clip-path="[^"]*"|<text [^>]*>\n</text>')
"""Nothing here is wider than its cell, and rich draws the ends of lines as texts: half of the file would be these."""
_NAMES: Final = {"brown": "yellow", "brightbrown": "bright_yellow", "bfightmagenta": "bright_magenta"}
"""The emulator's names for colours where they differ from rich's; one of them is misspelt there."""

Row = tuple[tuple[str, Style], ...]


@dataclass(frozen=True, kw_only=True)
class Frame:
    """The screen at a moment, in seconds since the start."""

    at: float
    rows: tuple[Row, ...]


def main() -> int:
    """Record, write the picture, and return the command's exit code, or 0 where we ended it."""
    arguments = _arguments()
    frames, code = recorded(
        arguments.command,
        columns=arguments.columns,
        rows=arguments.rows,
        shown=arguments.show or shlex.join(arguments.command),
        until=arguments.until,
    )
    Path(arguments.out).write_text(picture(chosen(frames, most=arguments.frames), columns=arguments.columns))
    return code


def recorded(
    command: Sequence[str], *, columns: int, rows: int, shown: str, until: str | None
) -> tuple[Sequence[Frame], int]:
    """Run a command in a terminal of that size. Return what was on the screen whenever it was at rest, and the code.

    Args:
        command: the program and its arguments.
        columns: of the terminal.
        rows: of the terminal; what is longer scrolls.
        shown: the command line that stands above.
        until: end the command as Ctrl-C does once this text is on the screen.
    """
    screen = pyte.Screen(columns, rows)
    stream = pyte.ByteStream(screen)
    stream.feed(f"$ {shown}\r\n".encode())
    child, terminal = pty.fork()
    if child == 0:
        os.environ |= {"TERM": "xterm-256color", "COLORTERM": "truecolor", "PYTHONUNBUFFERED": "1"}
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        os.execvp(command[0], list(command))
    began = time.monotonic()
    frames = [Frame(at=0.0, rows=_rows_of(screen))]
    was_ended = False
    for chunk in _output(terminal):
        if chunk:
            stream.feed(chunk)
        elif (now := _rows_of(screen)) != frames[-1].rows:
            frames.append(Frame(at=time.monotonic() - began, rows=now))
        if until is not None and not was_ended and any(until in line for line in screen.display):
            frames.append(Frame(at=time.monotonic() - began, rows=_rows_of(screen)))
            was_ended = True
            os.kill(child, signal.SIGINT)
            break
    if not was_ended:
        frames.append(Frame(at=time.monotonic() - began, rows=_rows_of(screen)))
    _drain(terminal)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return frames, 0 if was_ended else code


def chosen(frames: Sequence[Frame], *, most: int) -> Sequence[Frame]:
    """Return at most so many frames, spread evenly over the changes; the last is always among them."""
    distinct = [frame for number, frame in enumerate(frames) if number == 0 or frame.rows != frames[number - 1].rows]
    if len(distinct) <= most:
        return distinct
    step = len(distinct) / most
    return [distinct[min(len(distinct) - 1, round((number + 1) * step) - 1)] for number in range(most)]


def picture(frames: Sequence[Frame], *, columns: int) -> str:
    """Return an SVG of one frame, or one that shows several in turn, over and over."""
    height = max(len(frame.rows) for frame in frames)
    drawn = [_drawn(frame, columns=columns, height=height, name=f"f{number}") for number, frame in enumerate(frames)]
    last = drawn[-1]
    groups = "\n".join(
        f'<g class="frame" id="f{number}"><g>{parts["backgrounds"]}</g>{parts["matrix"]}</g>'
        for number, parts in enumerate(drawn)
    )
    styles = "\n".join(parts["styles"] for parts in drawn)
    return (
        f'<svg viewBox="0 0 {last["width"]} {last["height"]}" xmlns="http://www.w3.org/2000/svg">\n'
        "<style>\ntext { font-family: ui-monospace, Menlo, Consolas, monospace; font-size: 20px; }\n"
        f"{styles}\n{_animation(frames)}</style>\n{last['chrome']}\n"
        f'<g transform="translate({last["terminal_x"]}, {last["terminal_y"]})">\n{groups}\n</g>\n</svg>\n'
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", metavar="OUT.svg")
    parser.add_argument("--columns", type=int, default=92)
    parser.add_argument("--rows", type=int, default=30)
    parser.add_argument("--frames", type=int, default=1, help="at most so many; 1 is a still picture of the end")
    parser.add_argument("--until", metavar="TEXT", help="end the command once this is on the screen")
    parser.add_argument("--show", metavar="LINE", help="the command line to show, if not the one that is run")
    parser.add_argument("command", nargs="+", metavar="COMMAND")
    return parser.parse_args()


def _output(terminal: int) -> Iterator[bytes]:
    """Yield what is written, and nothing where there was a rest, until the other side has closed."""
    while True:
        if not select.select([terminal], [], [], _QUIET_SECONDS)[0]:
            yield b""
            continue
        try:
            chunk = os.read(terminal, _CHUNK_BYTES)
        except OSError:  # Linux's way to say that nobody has the terminal open any more
            return
        if not chunk:
            return
        yield chunk


def _drain(terminal: int) -> None:
    """Read what comes yet: a command that is ending must not wait for us."""
    deadline = time.monotonic() + _STOP_SECONDS
    for _ in _output(terminal):
        if time.monotonic() > deadline:
            raise SystemExit(f"the command did not end within {_STOP_SECONDS:g} s")


def _rows_of(screen: pyte.Screen) -> tuple[Row, ...]:
    rows = [_row_of([screen.buffer[line][column] for column in range(screen.columns)]) for line in range(screen.lines)]
    while rows and not rows[-1]:
        rows.pop()
    return tuple(rows)


def _row_of(cells: Sequence[Char]) -> Row:
    """Return runs of text in one style, without the blanks at the end."""
    runs: list[tuple[str, Style]] = []
    for cell in cells:
        style = _style_of(cell)
        if runs and runs[-1][1] == style:
            runs[-1] = (runs[-1][0] + cell.data, style)
        else:
            runs.append((cell.data, style))
    while runs and not runs[-1][0].strip() and runs[-1][1].bgcolor is None:
        runs.pop()
    return tuple(runs)


def _style_of(cell: Char) -> Style:
    return Style(
        color=_colour(cell.fg),
        bgcolor=_colour(cell.bg),
        bold=cell.bold or None,
        italic=cell.italics or None,
        underline=cell.underscore or None,
        strike=cell.strikethrough or None,
        reverse=cell.reverse or None,
    )


def _colour(name: str) -> str | None:
    if name == "default":
        return None
    if re.fullmatch(r"[0-9a-f]{6}", name):
        return f"#{name}"
    known = _NAMES.get(name) or re.sub(r"^bright(?=[a-z])", "bright_", name)
    try:
        Style.parse(known)
    except ColorParseError:
        return None
    return known


def _drawn(frame: Frame, *, columns: int, height: int, name: str) -> dict[str, str]:
    """Return the parts of rich's picture of a frame."""
    console = Console(width=columns, height=height, record=True, file=StringIO(), force_terminal=True, highlight=False)
    for row in (*frame.rows, *[()] * (height - len(frame.rows))):
        console.print(Text.assemble(*row), no_wrap=True, overflow="crop", soft_wrap=True)
    template = _SEPARATOR.join(f"{{{part}}}" for part in _PARTS)
    parts = console.export_svg(title="", code_format=template, unique_id=name).split(_SEPARATOR)
    return dict(zip(_PARTS, (_NEEDLESS.sub("", part) for part in parts), strict=True))


def _animation(frames: Sequence[Frame]) -> str:
    """Return the style that shows each frame for as long as it stood, long rests cut short."""
    if len(frames) == 1:
        return ""
    lasting = [min(later.at - frame.at, _LONGEST_FRAME_SECONDS) for frame, later in pairwise(frames)]
    lasting.append(_LAST_FRAME_SECONDS)
    total = sum(lasting)
    rules = [".frame { visibility: hidden; }", f"#f{len(frames) - 1} {{ visibility: visible; }}"]
    moving = []
    shown = 0.0
    for number, seconds in enumerate(lasting):
        begin, end = (100 * moment / total for moment in (shown, shown + seconds))
        shown += seconds
        hidden_before = "0% { visibility: hidden; } " if number else ""
        hidden_after = f" {end:.3f}%, 100% {{ visibility: hidden; }}" if number < len(frames) - 1 else ""
        rules.append(f"@keyframes f{number} {{ {hidden_before}{begin:.3f}% {{ visibility: visible; }}{hidden_after} }}")
        moving.append(f"#f{number} {{ animation: f{number} {total:.2f}s step-end infinite; }}")
    # Whoever asks for less motion sees how it ends.
    return "\n".join((*rules, "@media (prefers-reduced-motion: no-preference) {", *moving, "}", ""))


if __name__ == "__main__":
    sys.exit(main())
