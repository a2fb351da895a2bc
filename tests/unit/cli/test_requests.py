import pytest

from cli.requests import character_of, checked, custom_image_of, given, image_of, tolerated
from runtime.refusal import Refused
from sessions.commands import RetryRequest
from sessions.images import ImageSessionRequest
from sessions.stories import StorySessionRequest


def test_only_what_was_given_is_in_the_request() -> None:
    """Options that nobody used leave no trace, so the server's defaults hold."""
    values = {"product": {"title": "X", "features": None, "audience": None}, "brand": {"name": None}, "images": []}
    assert {"product": {"title": "X"}} == given(values)
    assert {"product"} == checked(ImageSessionRequest, values).model_fields_set


def test_false_and_zero_were_given() -> None:
    """What is not nothing is sent."""
    assert {"a": False, "b": 0} == given({"a": False, "b": 0, "c": None, "d": ()})


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"product": {"title": "X", "features": ["a", "b", "c", "d"]}}, "--feature may have at most 3 entries"),
        ({"product": {"title": "X"}, "brand": {"vibe": "loud"}}, "--vibe must be 'premium_luxury'"),
        ({"product": {"title": "X"}, "images": [{"type": "main"}, {"type": "main"}]}, "images share a key (main)"),
        ({"product": {"title": "X"}, "max_attempts": 0}, "--max-attempts must be at least 1"),
        ({"product": {"title": "X\x1b"}}, "TITLE holds the control character U+001B; remove it"),
    ],
)
def test_a_mistake_names_its_option(values: dict[str, object], expected: str) -> None:
    """People are told of what they wrote, not of fields of JSON."""
    with pytest.raises(Refused) as refused:
        checked(ImageSessionRequest, values)
    assert expected in str(refused.value)


def test_options_with_parts_are_taken_apart() -> None:
    """A colon brings a note or who somebody is, an equals sign a prompt."""
    assert {"type": "main"} == image_of("main")
    assert {"type": "lifestyle", "note": "at 5:00"} == image_of("lifestyle: at 5:00")
    assert {"name": "Ada", "description": "keeps the light"} == character_of("Ada: keeps the light")
    assert {"name": "Ada"} == character_of("Ada")
    request = checked(
        ImageSessionRequest, {"product": {"title": "X"}, "images": [custom_image_of("gift_box=A box = a gift")]}
    )
    assert ("gift_box", "Gift box", "A box = a gift") == (
        request.images[0].key,
        request.images[0].label,
        request.images[0].prompt,
    )
    assert [3, "20%", None] == [tolerated("3"), tolerated("20%"), tolerated(None)]


def test_other_requests_are_checked_the_same_way() -> None:
    """Stories and retries name their options, too."""
    with pytest.raises(Refused, match="--segments must be at least 1"):
        checked(StorySessionRequest, {"idea": "X", "total_segments": 0})
    with pytest.raises(Refused, match="--note must not be blank"):
        checked(RetryRequest, {"items": [{"key": "main", "note": " "}]})
