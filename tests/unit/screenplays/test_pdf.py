"""A story as a PDF, read by pypdf."""

import io
import re
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from pypdf import PageObject, PdfReader
from pypdf.generic import Destination

from screenplays import pdf
from screenplays.pdf import TypesettingError
from sessions.scripts import Story
from tests.unit.screenplays.readers import one_line, written
from tests.unit.screenplays.stories import lamp_story, narrated, story_of, story_set, strange_stories


def read(story: Story) -> PdfReader:
    return PdfReader(io.BytesIO(b"".join(pdf.write(story))), strict=True)


def text_of(reader: PdfReader) -> str:
    """Return the text without the spaces, which a PDF has only by the places of its letters."""
    return without_spaces("".join(page.extract_text() for page in reader.pages))


def without_spaces(text: str) -> str:
    return re.sub(r"[\s\u200b]", "", text)


def visible(page: PageObject) -> str:
    """Return the text between the head and the foot of a page."""
    pieces: list[str] = []

    def collect(text: str, page_matrix: list[float], text_matrix: list[float], *_: object) -> None:
        across, up = text_matrix[4:]
        if 0 < across * page_matrix[1] + up * page_matrix[3] + page_matrix[5] < page.mediabox.height:
            pieces.append(text)

    page.extract_text(visitor_text=collect)
    return "".join(pieces)


def bookmarks(reader: PdfReader) -> list[str]:
    """Return the titles in the order of the pages, scenes among them."""
    titles: list[str] = []
    waiting: list[object] = [*reader.outline]
    while waiting:
        entry = waiting.pop(0)
        if isinstance(entry, list):
            waiting[:0] = entry
        elif isinstance(entry, Destination):
            titles.append(one_line(entry.title or ""))
    return titles


def test_a_story_is_read_back() -> None:
    """Every spoken line in order, after who says it, and the cast with its descriptions before that."""
    story = lamp_story()
    text = text_of(read(story))
    position = text.index(without_spaces("Ada, keeper: Tall. Clothing: Tall."))
    assert position < text.index(without_spaces("José Ñ., keeper: Tall."))
    for who, what in written(story).said:
        position = text.index(who + without_spaces(what), position)


def test_every_segment_has_a_bookmark_below_its_set() -> None:
    """Every number once and in order; a set that is not ready has only its own."""
    assert [
        "Cast",
        "Set 1 (segments 1–2)",
        "1 SEGMENT 1",
        "2 INT. LAMP ROOM",
        "Set 2 (segments 3–4)",
        "Set 3 (segments 5–6)",
        "5 INT. LAMP ROOM",
        "6 A lamp room",
    ] == bookmarks(read(lamp_story()))


def test_a_missing_set_is_named() -> None:
    """Between the sets around it."""
    text = text_of(read(lamp_story()))
    assert text.index("DISSOLVETO:") < text.index("Set2(segments3–4)isnotready") < text.index("MATCHCUTTO:")


def test_the_document_says_what_it_is() -> None:
    """Title, summary and language for search and for reading aloud; no time of making."""
    reader = read(lamp_story())
    assert reader.metadata is not None
    assert ("The Last Lamp", "A keeper finds a letter.") == (reader.metadata.title, reader.metadata.subject)
    assert reader.metadata.creation_date is None
    assert "en-GB" == str(reader.root_object["/Lang"])
    assert "/StructTreeRoot" in reader.root_object  # tagged: the order of reading is in the file


@pytest.mark.parametrize("text", ["Привет, мир", "Ελληνική γλώσσα", "Žluťoučký kůň, łódź, İğdır", "«Où ?» — “¡Sí!”"])
def test_alphabets_are_kept(text: str) -> None:
    """Cyrillic, Greek and accents need no font of the machine."""
    story = story_of(
        [story_set(1, segments=[narrated(1, text=text)])], total_segments=1, segments_per_set=1, title=text
    )
    assert without_spaces(text) in text_of(read(story))


def test_what_looks_like_the_typesetters_language_is_text() -> None:
    """The story is data: none of it is run."""
    text = '#set page(width: 1pt) $x$ #sys.version *b* _i_ "q" \\u{41} <label> @ref // no comment'
    story = story_of(
        [story_set(1, segments=[narrated(1, text=text)])], total_segments=1, segments_per_set=1, title=text
    )
    assert without_spaces(text) in text_of(read(story))


def test_a_word_wider_than_the_page_is_broken() -> None:
    """It goes on in the next line and not beyond the edge."""
    story = story_of([story_set(1, segments=[narrated(1, text="W" * 200)])], total_segments=1, segments_per_set=1)
    pages = [page.extract_text() for page in read(story).pages]
    assert max(len(line) for page in pages for line in page.splitlines()) < 80
    assert 200 + "The Last Lamp A narrow".count("W") == "".join(pages).replace("Words", "").count("W")


def test_a_speech_longer_than_a_page_goes_on_on_the_next() -> None:
    """Nothing runs off the foot of a page, even of a speech that is far too long."""
    words = [f"w{number}w" for number in range(2000)]
    story = story_of([story_set(1, segments=[narrated(1, text=" ".join(words))])], total_segments=1, segments_per_set=1)
    places = [re.findall(r"w\d+w", visible(page)) for page in read(story).pages]
    assert words == [word for found in places for word in found]


@given(story=strange_stories())
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.differing_executors])
def test_any_text_can_be_set(story: Story) -> None:
    """A character without a glyph is a box, and no reason to fail; every segment is there."""
    titles = bookmarks(read(story))
    numbers = [int(found.group(1)) for title in titles if (found := re.match(r"(\d+)\b", title))]
    assert [1, 2, 3] == numbers


def test_a_failing_typesetter_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Its own words are in the error."""
    monkeypatch.setattr(pdf, "_PROGRAM", tmp_path / "gone.py")
    with pytest.raises(TypesettingError, match=r"could not be typeset: .*gone\.py"):
        list(pdf.write(lamp_story()))


def test_typesetting_does_not_go_on_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process is ended at its deadline."""
    monkeypatch.setattr(pdf, "DEADLINE", timedelta(milliseconds=1))
    with pytest.raises(TypesettingError, match="not typeset within"):
        list(pdf.write(lamp_story()))
