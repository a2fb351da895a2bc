"""What an image session may be asked for, and the items and tasks that come of it."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from sessions.images import ImageSessionInput, ImageSessionRequest, image_items
from sessions.items import new_items
from sessions.state import SessionState, items_retried
from sessions.statuses import SessionKind

NOW = datetime(2026, 11, 1, tzinfo=UTC)
UPLOAD = "upl-" + "a" * 26


def request_of(**fields: Any) -> ImageSessionRequest:
    return ImageSessionRequest.model_validate({"product": {"title": "Steel bottle"}, **fields})


def test_only_a_title_is_needed() -> None:
    """Without further words the five images of the specification are made."""
    request = request_of()
    assert image_items(request) == (
        ("main", "Main image"),
        ("infographic_1", "Infographic 1"),
        ("infographic_2", "Infographic 2"),
        ("lifestyle", "Lifestyle"),
        ("comparison", "Comparison"),
    )
    assert (request.size, request.quality, request.format, request.max_attempts) == ("1024x1024", "medium", "png", 3)


def test_everything_of_the_contract_s_example_is_taken() -> None:
    """The example that people copy works as it stands."""
    request = request_of(
        product={"title": "Steel bottle", "features": ["Keeps cold 24 h", "Leak-proof"], "audience": "hikers"},
        brand={"name": "Northfell", "colors": ["forest green"], "vibe": "natural_organic"},
        keywords=[{"text": "insulated bottle", "intents": ["durability"]}],
        note="for all images",
        images=[
            {"type": "main", "note": "for this image"},
            {"type": "custom", "key": "packaging", "label": "Packaging", "prompt": "The box, open"},
        ],
        references=[UPLOAD],
        model=None,
        size="1024x1024",
        quality="medium",
        format="png",
        max_attempts=3,
        budget_usd=None,
    )
    assert image_items(request) == (("main", "Main image"), ("packaging", "Packaging"))


@pytest.mark.parametrize("size", ["1024x1024", "1536x1024", "1920x1920", "2000x2000", "3840x1280", "1280x3840"])
def test_sizes_that_models_take(size: str) -> None:
    """Multiples of 16, no narrower than 1:3."""
    assert size == request_of(size=size).size


@pytest.mark.parametrize(
    ("size", "reason"),
    [
        ("", "WIDTHxHEIGHT"),
        ("auto", "WIDTHxHEIGHT"),
        ("1024", "WIDTHxHEIGHT"),
        ("1024X1024", "WIDTHxHEIGHT"),
        ("01024x1024", "WIDTHxHEIGHT"),
        ("-16x16", "WIDTHxHEIGHT"),
        ("1024x1024\n", "WIDTHxHEIGHT"),
        ("٣٢x٣٢", "WIDTHxHEIGHT"),
        ("1000x1000", "multiples of 16"),
        ("1024x3088", "ratio"),
        ("3856x3856", "3840"),
    ],
)
def test_sizes_that_no_model_takes(size: str, reason: str) -> None:
    """Refused before anything is paid, with the rule that is broken."""
    with pytest.raises(ValidationError, match=reason):
        request_of(size=size)


@pytest.mark.parametrize(
    "fields",
    [
        {"product": {}},
        {"product": {"title": ""}},
        {"product": {"title": " "}},
        {"product": {"title": "x" * 201}},
        {"product": {"title": "a\x00b"}},
        {"product": {"title": "x", "features": ["x"] * 4}},
        {"product": {"title": "x", "features": ["x" * 501]}},
        {"product": {"title": "x", "price": 5}},
        {"brand": {"colors": ["red"] * 4}},
        {"brand": {"vibe": "gloomy"}},
        {"keywords": [{"text": "x", "intents": ["anger"]}]},
        {"images": []},
        {"images": [{"type": "poster"}]},
        {"images": [{"type": "main"}] * 2},
        {"images": [{"type": "main"}, {"type": "custom", "key": "main", "prompt": "x"}]},
        {"images": [{"type": "custom", "prompt": "x"}]},
        {"images": [{"type": "custom", "key": "box"}]},
        {"images": [{"type": "custom", "key": "Box!", "prompt": "x"}]},
        {"images": [{"type": "main", "prompt": "x"}]},
        {"images": [{"type": "custom", "key": f"k{index}", "prompt": "x"} for index in range(101)]},
        {"references": ["upl-nope"]},
        {"references": ["../../etc/passwd"]},
        {"references": [UPLOAD] * 17},
        {"references": [UPLOAD] * 16, "style_reference": UPLOAD},
        {"quality": "best"},
        {"format": "gif"},
        {"max_attempts": 0},
        {"max_attempts": 11},
        {"note": "x" * 2001},
        {"note": ""},
        {"model": ""},
        {"unknown": 1},
    ],
)
def test_requests_that_make_no_sense_are_refused(fields: dict[str, Any]) -> None:
    """Unknown fields, empty or over-long texts, unknown types, keys twice, bounds: nothing is guessed."""
    with pytest.raises(ValidationError):
        request_of(**fields)


def test_two_images_of_one_type_need_keys_of_their_own() -> None:
    """The refusal names the key that is there twice; with a key of its own, a second one is welcome."""
    with pytest.raises(ValidationError, match=r"share a key \(lifestyle\)"):
        request_of(images=[{"type": "lifestyle"}, {"type": "lifestyle"}])
    request = request_of(images=[{"type": "lifestyle"}, {"type": "lifestyle", "key": "beach", "label": "Beach"}])
    assert image_items(request) == (("lifestyle", "Lifestyle"), ("beach", "Beach"))


def test_a_custom_image_is_labelled_by_its_key_unless_it_says_otherwise() -> None:
    """A label is nice to have."""
    request = request_of(images=[{"type": "custom", "key": "packaging", "prompt": "x"}])
    assert image_items(request) == (("packaging", "packaging"),)


def test_the_style_reference_comes_last() -> None:
    """Prompts name pictures by position: the product's photos first."""
    style = "upl-" + "b" * 26
    assert (UPLOAD, style) == request_of(references=[UPLOAD], style_reference=style).uploads
    assert request_of().uploads == ()


def test_a_task_holds_its_own_image_only_and_the_item_as_it_stands() -> None:
    """What one attempt needs, and no more: payloads stay small however long the list."""
    request = request_of(note="for all", format="webp", max_attempts=2)
    state = SessionState(
        id="ses-a",
        kind=SessionKind.IMAGES,
        tenant="default",
        title="Steel bottle",
        items=new_items(image_items(request), max_attempts=2),
        max_attempts=2,
        created_at=NOW,
        updated_at=NOW,
    )
    state = items_retried(state, notes={"lifestyle": "warmer"}, max_attempts=5, now=NOW)
    session = ImageSessionInput(state=state, request=request, model="gpt-image-2")
    task = session.task_for("lifestyle", state=state)
    assert tuple(image.item_key for image in task.request.images) == ("lifestyle",)
    assert (task.label, task.round, task.max_attempts, task.note) == ("Lifestyle", 2, 5, "warmer")
    assert (task.media_type, task.model, task.request.note) == ("image/webp", "gpt-image-2", "for all")


def test_there_is_no_task_for_an_item_that_does_not_exist() -> None:
    """A wrong key is a bug of the caller."""
    request = request_of(images=[{"type": "main"}])
    state = SessionState(
        id="ses-a",
        kind=SessionKind.IMAGES,
        tenant="default",
        title="T",
        items=new_items(image_items(request), max_attempts=3),
        created_at=NOW,
        updated_at=NOW,
    )
    with pytest.raises(KeyError):
        ImageSessionInput(state=state, request=request, model="m").task_for("lifestyle", state=state)
