"""What goes to a terminal: nothing that comes from elsewhere may steer it."""

import shutil
import sys
import textwrap
import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from rich.console import Console

_BLANKS: Final = "\n\r\t\v\f\x85\u2028\u2029"
# They turn the order of what follows them round, beyond the text that they are in.
_TURNING: Final = "\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_BETWEEN: Final = "  "
_LEAST: Final = 24
"""Columns of a terminal below which a text is no longer read in a table."""
_INSTEAD: Final = "\N{REPLACEMENT CHARACTER}"


def plain(text: str) -> str:
    """Return a text in one line, without anything that a terminal would obey or that would turn its lines round."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_plain, text)).strip()


def _plain(character: str) -> str:
    if character in _BLANKS:
        return " "
    category = unicodedata.category(character)
    if category in ("Cc", "Cs", "Co") or "\U000e0000" <= character <= "\U000e007f":
        return _INSTEAD
    return "" if character in _TURNING else character


def say(line: str) -> None:
    """Write a line to standard output at once; in a terminal, broken between its words."""
    text = plain(line)
    if sys.stdout.isatty():
        # What is copied from a terminal (a command, an id) must stay in one piece.
        width = shutil.get_terminal_size().columns
        text = textwrap.fill(text, width, break_long_words=False, break_on_hyphens=False)
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def complain(line: str) -> None:
    """Write a line to standard error."""
    sys.stderr.write(f"retakes: {plain(line)}\n")


def print_json(sent: bytes) -> None:
    """Print what the server sent as it sent it; for a terminal, what it would obey is escaped."""
    if not sys.stdout.isatty():
        sys.stdout.flush()
        sys.stdout.buffer.write(sent + b"\n")
        sys.stdout.buffer.flush()
        return
    text = sent.decode()
    is_safe = {character: plain(character) == character or character in " \n" for character in set(text)}
    shown = "".join(character if is_safe[character] else _escaped(character) for character in text)
    sys.stdout.write(f"{shown}\n")


def _escaped(character: str) -> str:
    """Return a character as JSON escapes it, within a string."""
    units = character.encode("utf-16-be", errors="surrogatepass")
    return "".join(f"\\u{units[place : place + 2].hex()}" for place in range(0, len(units), 2))


def console(*, is_error: bool = False) -> "Console":
    """Return a console that takes every text as it is."""
    from rich.console import Console

    return Console(stderr=is_error, markup=False, highlight=False, emoji=False)


def print_table(headings: Sequence[str], rows: Sequence[Sequence[str]], *, wide: int = -1) -> None:
    """Print rows: as a table that fits the terminal, elsewhere with tabs and nothing cut off.

    Args:
        headings: of the columns.
        rows: texts from anywhere.
        wide: the column that takes what room is left.
    """
    if not sys.stdout.isatty():
        for row in (headings, *rows):
            sys.stdout.write("\t".join(map(plain, row)) + "\n")
        return
    from rich.cells import cell_len
    from rich.table import Table
    from rich.text import Text

    widest = wide % len(headings)
    cells = [[plain(cell) for cell in row] for row in (headings, *rows)]
    widths = [max(map(cell_len, column)) + len(_BETWEEN) for column in zip(*cells, strict=True)]
    if console().width - sum(widths) + widths[widest] < min(widths[widest], _LEAST):
        _print_in_lines(cells, widths=widths, below=widest)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for place, heading in enumerate(headings):
        table.add_column(heading, no_wrap=place != widest, ratio=1 if place == widest else None)
    for row in cells[1:]:
        table.add_row(*map(Text, row))
    console().print(table)


def _print_in_lines(rows: Sequence[Sequence[str]], *, widths: Sequence[int], below: int) -> None:
    """Print each row with its longest text below it; the terminal breaks lines, so that no id is cut off."""
    from rich.cells import set_cell_size

    for row in rows:
        short = [set_cell_size(cell, widths[place]) for place, cell in enumerate(row) if place != below]
        sys.stdout.write("".join(short).rstrip() + "\n")
        if row[below]:
            sys.stdout.write(f"  {row[below]}\n")
