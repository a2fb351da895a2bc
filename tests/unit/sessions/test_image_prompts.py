"""What the provider is told to draw."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.image_prompts import CLOSING, colour_in_words, image_prompt
from sessions.images import ImageSessionRequest, Vibe

PRODUCT = {
    "title": "Steel bottle",
    "features": ["Keeps cold 24 h", "Leak-proof lid", "Fits every bag"],
    "audience": "hikers",
}


def prompt_of(image: dict[str, Any], **fields: Any) -> str:
    retry = {"variation": fields.pop("variation", None), "retry_note": fields.pop("retry_note", None)}
    request = ImageSessionRequest.model_validate({"product": PRODUCT, "images": [image], **fields})
    return image_prompt(request, image=request.images[0], **retry)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("main", ["pure white background", "85 %", "No text", "no props"]),
        ("infographic_1", ["Keeps cold 24 h", "headline", "visible"]),
        ("infographic_2", ["Leak-proof lid", "headline", "Same style as the first", "another layout"]),
        ("lifestyle", ["hikers", "real setting", "natural light"]),
        ("comparison", ["Two columns", "unnamed alternative", "Leak-proof lid", "Fits every bag"]),
    ],
)
def test_each_type_says_what_it_must_show(kind: str, words: list[str]) -> None:
    """The five images of the specification, each with its own task."""
    (task,) = re.findall("^Task: (.*)$", prompt_of({"type": kind}), re.MULTILINE)
    assert [word for word in words if word not in task] == []


@pytest.mark.parametrize("kind", ["main", "infographic_1", "infographic_2", "lifestyle", "comparison"])
def test_a_title_alone_makes_a_whole_prompt(kind: str) -> None:
    """Nothing but the title is needed, and nothing is left open where a feature would stand."""
    prompt = prompt_of({"type": kind}, product={"title": "Steel bottle"})
    assert "Product: Steel bottle" in prompt
    assert "None" not in prompt
    assert "“”" not in prompt


def test_a_custom_image_is_described_by_its_own_words() -> None:
    """The words of the person are the task, as they are."""
    image = {"type": "custom", "key": "box", "label": "Packaging", "prompt": "The box,\nhalf open"}
    prompt = prompt_of(image)
    assert "Image: Packaging\n" in prompt
    assert "Task: The box,\nhalf open\n" in prompt


def test_what_people_wrote_appears_verbatim() -> None:
    """Titles, features, audience, keywords and all three notes are repeated to the letter, hash signs and all."""
    prompt = prompt_of(
        {"type": "main", "note": "this image: #3 only"},
        product={"title": "“Ünïcode” #1", "features": ["50 % off\nsecond line"], "audience": "kids & adults"},
        keywords=[{"text": "thermos {cup}", "intents": ["durability", "style"]}, {"text": "mug"}],
        note="all images: no #ff0000 please",
        retry_note="retry: softer",
    )
    for words in (
        "“Ünïcode” #1",
        "50 % off\nsecond line",
        "kids & adults",
        "thermos {cup}",
        "- mug\n",
        "this image: #3 only",
        "all images: no #ff0000 please",
        "retry: softer",
    ):
        assert words in prompt


@pytest.mark.parametrize("variation", [None, "Prioritize clean composition"])
def test_a_prompt_closes_with_the_product_left_alone(variation: str | None) -> None:
    """The last word of every prompt; a variation follows on a line of its own."""
    prompt = prompt_of({"type": "main"}, variation=variation)
    assert prompt.endswith(f"\n{CLOSING}" + (f"\n[VARIATION: {variation}]" if variation else ""))
    assert "do not alter the product" in CLOSING


def test_the_brand_is_described() -> None:
    """Name, colours in words, mood."""
    prompt = prompt_of(
        {"type": "main"}, brand={"name": "Northfell", "colors": ["forest green", "#0a1f44"], "vibe": "natural_organic"}
    )
    assert "Brand: Northfell\n" in prompt
    assert "Brand colours: forest green, dark blue\n" in prompt
    assert "Mood: natural and organic" in prompt


@pytest.mark.parametrize("vibe", Vibe)
def test_every_vibe_has_words(vibe: Vibe) -> None:
    """The vibe's name itself is not put before a painter."""
    prompt = prompt_of({"type": "main"}, brand={"vibe": vibe})
    assert "Mood: " in prompt
    assert vibe.value not in prompt


def test_each_reference_has_its_role_by_position() -> None:
    """Pictures are told apart by position alone: product photos first, the style last."""
    uploads = [f"upl-{letter * 26}" for letter in "abc"]
    prompt = prompt_of({"type": "main"}, references=uploads[:2], style_reference=uploads[2])
    assert "The exact product is shown in image 1.\nThe exact product is shown in image 2.\nImage 3 shows" in prompt
    assert "upl-" not in prompt


def test_without_references_none_is_spoken_of() -> None:
    """No picture is promised that is not there."""
    assert not re.search(r"\bimage \d", prompt_of({"type": "main"}))


@pytest.mark.parametrize(
    ("colour", "words"),
    [
        ("#ffffff", "white"),
        ("#000", "black"),
        ("#808080", "grey"),
        ("#333", "dark grey"),
        ("#ddd", "light grey"),
        ("#ff0000", "red"),
        ("FF0000", "red"),
        ("#f80", "orange"),
        ("#ffff00", "yellow"),
        ("#00ff00", "green"),
        ("#00ffff", "turquoise"),
        ("#0000ff", "blue"),
        ("#8000ff", "violet"),
        ("#ff00ff", "magenta"),
        ("#8b0000", "dark red"),
        (" #ff0000 ", "red"),
        ("forest green", "forest green"),
        ("forest green #228B22", "forest green"),
        ("teal (#008080)", "teal"),
        ("#ff0000ff", "red"),
        ("rgb(139, 0, 0)", "dark red"),
        ("facade", "facade"),
    ],
)
def test_codes_become_words(colour: str, words: str) -> None:
    """Codes would be painted as garbled lettering; names stay as they are."""
    assert words == colour_in_words(colour)


@given(st.from_regex(r"#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})", fullmatch=True))
def test_every_code_has_words(code: str) -> None:
    """No code is left over, whatever its digits."""
    assert re.fullmatch(r"(dark |light )?[a-z]+", colour_in_words(code))


def test_the_longest_request_fits_the_provider_s_limit() -> None:
    """32,000 characters are taken; what validation lets in stays below that."""
    prompt = prompt_of(
        {"type": "custom", "key": "k", "label": "l" * 100, "prompt": "p" * 10_000, "note": "n" * 2000},
        product={"title": "t" * 200, "features": ["f" * 500] * 3, "audience": "a" * 200},
        brand={"name": "b" * 100, "colors": ["c" * 50] * 3, "vibe": "clinical_trust"},
        keywords=[{"text": "k" * 100, "intents": ["durability", "use_case", "style", "problem_solution", "comparison"]}]
        * 50,
        note="m" * 2000,
        references=[f"upl-{'a' * 26}"] * 16,
        variation="Focus on product detail and precision",
        retry_note="r" * 2000,
    )
    assert len(prompt) <= 32_000
