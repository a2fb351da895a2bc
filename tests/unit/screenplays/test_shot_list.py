"""A story as a shot list, read by the csv module."""

import csv
import io

import pytest

from screenplays.shot_list import COLUMNS, write
from sessions.scripts import Story
from tests.unit.screenplays.stories import character, lamp_story, narrated, spoken, story_of, story_set


def rows_of(story: Story) -> list[dict[str, str]]:
    text = b"".join(write(story)).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def test_spreadsheets_see_utf8() -> None:
    """The byte order mark is what tells them."""
    assert b"".join(write(lamp_story())).startswith(b"\xef\xbb\xbfSegment,Set,")


def test_the_dialect_can_be_sniffed() -> None:
    """A reader that guesses guesses commas, double quotes and a heading."""
    text = b"".join(write(lamp_story())).decode("utf-8-sig")
    dialect = csv.Sniffer().sniff(text, delimiters=",;\t")
    assert (",", '"') == (dialect.delimiter, dialect.quotechar)
    assert list(COLUMNS) == next(csv.reader(io.StringIO(text), dialect))


def test_a_row_has_everything_of_its_segment() -> None:
    """Speakers by name, one line each."""
    assert {
        "Segment": "2",
        "Set": "1",
        "Scene": "INT. LAMP ROOM",
        "Camera": "INT. LAMP ROOM",
        "Characters": "Ada, José Ñ.",
        "Type": "dialogue",
        "Spoken": "Ada: We were never meant to read this, José.\nJosé Ñ.: Now we have to answer.",
        "Words": "9",
        "Seconds": "8",
        "Mood": "uneasy",
        "Music": "a piano",
        "Sound effects": "rain",
        "Transition": "dissolve",
        "Background": "INT. LAMP ROOM",
    } == rows_of(lamp_story())[1]


def test_a_missing_set_has_a_row_without_a_segment() -> None:
    """So that sums over segments do not change."""
    missing = rows_of(lamp_story())[2]
    assert ("", "2", "Set 2 (segments 3–4) is not ready") == (missing["Segment"], missing["Set"], missing["Scene"])
    assert {""} == {missing[column] for column in COLUMNS[3:]}


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r\n=", " =", "＝", "＠"])
def test_no_cell_is_a_formula(start: str) -> None:
    """What a model or a person wrote is never run by a spreadsheet program."""
    formula = f"{start}cmd|'/c calc'!A1"
    story = story_of(
        [
            story_set(
                1,
                segments=[
                    narrated(1, text=formula, around=formula),
                    spoken(2, lines=[("ada", formula)], around=formula),
                ],
            )
        ],
        total_segments=2,
        segments_per_set=2,
        cast=[character("ada", name=formula)],
    )
    cells = [cell for row in rows_of(story) for cell in row.values()]
    assert f"'{formula.strip()}" in cells
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r", "＝", "＠"))]
