"""What is different between two texts, word by word."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from typing import Final

# A word takes the blanks along that follow it, so that its neighbours are one run; line ends stand for themselves.
_WORDS: Final = re.compile(r"\w+[^\S\n]*|[^\w\s][^\S\n]*|\n|[^\S\n]+")
_LINES: Final = re.compile(r"[^\n]*\n|[^\n]+")

MOST_PAIRS: Final = 300_000
"""Comparing takes time with the number of pairs of equal words, which grows with the square of a text's length."""


class Kind(StrEnum):
    """Where a piece of text is found."""

    SAME = "same"
    ADDED = "added"
    REMOVED = "removed"
    LEFT_OUT = "left out"
    """In both, and not shown; the text says how many lines."""


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A piece of text, and in which of the two texts it is found."""

    kind: Kind
    text: str


def differences(before: str, after: str) -> Sequence[Piece]:
    """Return both texts as one: what is in both, what was removed and what was added, each piece as long as can be."""
    pieces: list[Piece] = []
    for piece in _by_lines(_LINES.findall(before), _LINES.findall(after)):
        if not piece.text:
            continue
        if pieces and pieces[-1].kind is piece.kind:
            pieces[-1] = Piece(kind=piece.kind, text=pieces[-1].text + piece.text)
        else:
            pieces.append(piece)
    return pieces


def condensed(pieces: Sequence[Piece], *, context: int = 2) -> Sequence[Piece]:
    """Return a difference without most of what is the same. ``context``: lines of it that stay around each change."""
    shown: list[Piece] = []
    for position, piece in enumerate(pieces):
        lines = piece.text.splitlines(keepends=True)
        before = context if position > 0 else 0
        after = context if position < len(pieces) - 1 else 0
        left_out = len(lines) - before - after
        if piece.kind is not Kind.SAME or len(pieces) == 1 or left_out < 2:
            shown.append(piece)
            continue
        kept = ["".join(lines[:before]), "".join(lines[before + left_out :])]
        parts = [(Kind.SAME, kept[0]), (Kind.LEFT_OUT, str(left_out)), (Kind.SAME, kept[1])]
        shown += [Piece(kind=kind, text=text) for kind, text in parts if text]
    return shown


def _by_lines(before: Sequence[str], after: Sequence[str]) -> Iterator[Piece]:
    """Compare lines first: prompts share most of theirs, and what is left to compare by words is little."""
    for is_same, removed, added in _compared(before, after):
        if is_same:
            yield Piece(kind=Kind.SAME, text="".join(removed))
        else:
            yield from _by_words(_WORDS.findall("".join(removed)), _WORDS.findall("".join(added)))


def _by_words(before: Sequence[str], after: Sequence[str]) -> Iterator[Piece]:
    for is_same, removed, added in _compared(before, after):
        if is_same:
            yield Piece(kind=Kind.SAME, text="".join(removed))
        else:
            yield Piece(kind=Kind.REMOVED, text="".join(removed))
            yield Piece(kind=Kind.ADDED, text="".join(added))


def _compared(before: Sequence[str], after: Sequence[str]) -> Iterator[tuple[bool, Sequence[str], Sequence[str]]]:
    """Yield runs of parts: whether they are in both, and what each side has."""
    counts = Counter(after)
    if sum(counts[part] for part in before) > MOST_PAIRS:
        yield before == after, before, after
        return
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    for tag, begin, end, begin_after, end_after in matcher.get_opcodes():
        yield tag == "equal", before[begin:end], after[begin_after:end_after]
