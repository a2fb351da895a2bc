"""A story as a shot list: CSV with one row for each segment.

It begins with a byte order mark: without one, spreadsheet programs read the file in the machine's old code page and
break every accent, and readers that do not expect it name the encoding ``utf-8-sig``. Rows end in CR LF (RFC 4180).
"""

import csv
import io
from collections.abc import Iterable, Iterator

from screenplays.plain import plain
from screenplays.scenes import Sequence, name_of, present, sequences, spoken
from sessions.scripts import Segment, Story

COLUMNS = (
    *("Segment", "Set", "Scene", "Camera", "Characters", "Type", "Spoken", "Words", "Seconds"),
    *("Mood", "Music", "Sound effects", "Transition", "Background"),
)

# Spreadsheet programs take a cell that begins like this for a formula and run it, the full-width forms too.
_FORMULA_STARTS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")


def write(story: Story) -> Iterator[bytes]:
    """Yield the shot list set by set. The row of a set that is not ready has no segment and says so as its scene."""
    names = {character.id: name_of(character) for character in story.characters_roster}
    yield b"\xef\xbb\xbf" + _rows([COLUMNS])
    for sequence in sequences(story):
        yield _rows(_sequence_rows(sequence, names=names))


def _sequence_rows(sequence: Sequence, *, names: dict[str, str]) -> Iterator[tuple[str | int, ...]]:
    if sequence.made is None:
        yield ("", sequence.number, sequence.absence, *[""] * (len(COLUMNS) - 3))
        return
    for segment in sequence.made.segments:
        yield _segment_row(segment, set_number=sequence.number, names=names)


def _segment_row(segment: Segment, *, set_number: int, names: dict[str, str]) -> tuple[str | int, ...]:
    said = spoken(segment, names=names)
    is_narration = segment.content_type == "narration"
    lines = "\n".join(speech.text if is_narration else f"{speech.speaker}: {speech.text}" for speech in said)
    return (
        segment.number,
        set_number,
        _cell(plain(segment.scene)),
        _cell(plain(segment.camera)),
        _cell(present(segment, names=names)),
        segment.content_type,
        _cell(lines),
        segment.word_count,
        segment.duration_seconds,
        _cell(plain(segment.mood)),
        _cell(plain(segment.music)),
        _cell(plain(segment.sound_effects)),
        segment.transition,
        _cell(plain(segment.background_definition)),
    )


def _cell(text: str) -> str:
    """Return a text that no spreadsheet program runs: an apostrophe before a formula makes it text and is not shown."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def _rows(rows: Iterable[Iterable[str | int]]) -> bytes:
    written = io.StringIO(newline="")
    csv.writer(written).writerows(rows)
    return written.getvalue().encode()
