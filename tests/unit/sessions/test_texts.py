"""What texts from outside may hold."""

from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from sessions.texts import ManyLines, Note, OneLine, shortened

LINE: TypeAdapter[str] = TypeAdapter(Annotated[str, OneLine])
PARAGRAPHS: TypeAdapter[str] = TypeAdapter(Annotated[str, ManyLines])
NOTE: TypeAdapter[str] = TypeAdapter(Note)


@pytest.mark.parametrize(
    "text",
    [
        "Steel bottle",
        "\u05d1\u05e7\u05d1\u05d5\u05e7",
        "\u202eabc\u202c",
        "\U0001f469\u200d\U0001f680 bottle",
        "ne\u0301",
        " x ",
        "<b>",
        "'; --",
    ],
)
def test_a_line_of_any_script_passes_as_it_is(text: str) -> None:
    """Right-to-left text, joined emoji and markup are text: none is changed."""
    assert text == LINE.validate_python(text)


@pytest.mark.parametrize(
    "text", ["", " ", "\u3000", "a\nb", "a\tb", "a\u2028b", "a\x85b", "a\x00b", "a\x1bb", "\ud800"]
)
def test_a_line_refuses_what_is_none(text: str) -> None:
    """Blank, broken into lines, or holding what no database should have to bear."""
    with pytest.raises(ValidationError):
        LINE.validate_python(text)


def test_paragraphs_have_lines() -> None:
    """Line breaks and tabs are text in a note."""
    assert PARAGRAPHS.validate_python("a\r\n\tb") == "a\r\n\tb"


@pytest.mark.parametrize("text", ["", "\n \n", "a\x00b", "a\x07b", "a\x7fb"])
def test_paragraphs_refuse_control_characters_and_nothing(text: str) -> None:
    """A terminal's bell is no text."""
    with pytest.raises(ValidationError):
        PARAGRAPHS.validate_python(text)


def test_the_refusal_names_the_character() -> None:
    """An invisible character is hard to find without its number."""
    with pytest.raises(ValidationError, match=r"U\+0007"):
        LINE.validate_python("a\x07b")


def test_a_note_has_a_greatest_length() -> None:
    """2,000 characters, not bytes."""
    assert NOTE.validate_python("é" * 2000) == "é" * 2000
    with pytest.raises(ValidationError, match="2000"):
        NOTE.validate_python("é" * 2001)


@given(st.text(max_size=100), st.integers(min_value=3, max_value=60))
def test_a_shortened_text_fits_and_stays_text(text: str, size: int) -> None:
    """Cut by bytes and never within a character; what fits is left alone."""
    cut = shortened(text, max_bytes=size)
    assert len(cut.encode()) <= size
    assert cut == text or (cut.endswith("…") and text.startswith(cut[:-1]))
    assert (cut == text) == (len(text.encode()) <= size)
