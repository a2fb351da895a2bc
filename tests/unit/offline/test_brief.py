"""Reading prompts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.offline.pictures.brief import Brief, Kind, plain, read_brief

PROMPT = """Image: Infographic 2
Product: Steel bottle
Made for: hikers
Task: An infographic that turns “Leak-proof” into one short benefit headline.
What it does well:
- Keeps cold 24 h
- Leak-proof
Brand: Northfell
Brand colours: forest green, sand
Note: Product: Image: something else
Enhance and stage, do not alter the product.
[VARIATION: Emphasize clarity and simplicity]"""


def test_everything_a_prompt_says_is_found() -> None:
    """Title, label, kind, brand and colours; the feature of the task comes first, each feature once."""
    expected = Brief(
        title="Steel bottle",
        label="Infographic 2",
        kind=Kind.INFOGRAPHIC,
        brand="Northfell",
        colours=("forest green", "sand"),
        points=("Leak-proof", "Keeps cold 24 h"),
    )

    assert expected == read_brief(PROMPT)


@pytest.mark.parametrize(
    ("label", "kind"),
    [
        ("Main image", Kind.MAIN),
        ("Infographic 1", Kind.INFOGRAPHIC),
        ("Lifestyle", Kind.LIFESTYLE),
        ("Comparison", Kind.COMPARISON),
        ("Packaging", Kind.STUDIO),
        ("Maintenance kit", Kind.STUDIO),
    ],
)
def test_label_chooses_the_kind(label: str, kind: Kind) -> None:
    """Whole words count, not parts of them."""
    assert kind == read_brief(f"Image: {label}\nProduct: Mug").kind


def test_prompt_without_any_such_line_still_has_a_title() -> None:
    """The first words stand in."""
    brief = read_brief("A red bicycle on a beach at dawn, shot from below")

    assert brief.title == "A red bicycle on a"
    assert brief.kind == Kind.STUDIO


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    """No prompt is too strange, and what is read of it fits on one line."""
    brief = read_brief(text)

    assert not any(character in brief.title for character in "\n\r\t\x00\u202e\u2028")


def test_accents_are_dropped_and_controls_are_spaces() -> None:
    """The built-in font knows neither."""
    assert plain("Größe\tMütze café\x00a\u202eb".replace("Größe", "Große")) == "Grosse Mutze cafe a b"
