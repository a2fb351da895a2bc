"""The forms: what was typed becomes a request, and a mistake finds its field."""

from typing import Any

import pytest
from pydantic import ValidationError
from starlette.datastructures import FormData, UploadFile

from api.web.form_examples import EXAMPLES
from api.web.images_form import ImagesForm, KeptPhoto
from api.web.mistakes import Mistakes, mistakes_of
from api.web.story_form import StoryForm
from sessions.images import SEED_IMAGES, ImageSessionRequest
from sessions.stories import StorySessionRequest

UPLOAD = "upl-" + "a" * 26
OTHER = "upl-" + "b" * 26


def mistakes_in(form: ImagesForm | StoryForm) -> Mistakes:
    with pytest.raises(ValidationError) as caught:
        form.request()
    return mistakes_of(caught.value, place_of=form.place_of)


def test_a_title_is_enough() -> None:
    """Everything else has the defaults of the API."""
    expected = ImageSessionRequest.model_validate({"product": {"title": "Bottle"}})
    assert expected == ImagesForm(title=" Bottle ").request()
    assert expected == ImagesForm.sent(FormData([("title", "Bottle"), ("unknown", "x")])).request()


def test_an_idea_is_enough() -> None:
    """Everything else has the defaults of the API."""
    assert StorySessionRequest(idea="Rain.\nMore rain.") == StoryForm(idea="Rain.\r\nMore rain.\r\n").request()


def test_everything_that_images_take() -> None:
    """Each field becomes what the API takes it as."""
    form = ImagesForm(
        title="Bottle",
        features="Cold\r\n\r\nTight",
        audience="hikers",
        brand_name="Northfell",
        brand_colors="green, , white",
        brand_vibe="natural_organic",
        image=("", "main", "comparison"),
        own_images="Packaging: a box: closed\n\nפנים: the inside\nPackaging: the same from above",
        photo=(f"{UPLOAD}:front.jpg", "no upload:x", f"{OTHER}:a:b.png", f"{UPLOAD}:again.jpg"),
        size="1536x1024",
        quality="high",
        format="webp",
        note="a\r\nb",
        keywords="steel bottle: durability, Use case\ngift",
        model="gpt-image-2",
        max_attempts="5",
        budget="$2.50",
        callback_url="https://hooks.example/x",
        tolerated_failures="20%",
    )
    assert (
        ImageSessionRequest.model_validate(
            {
                "product": {"title": "Bottle", "features": ["Cold", "Tight"], "audience": "hikers"},
                "brand": {"name": "Northfell", "colors": ["green", "white"], "vibe": "natural_organic"},
                "images": [
                    {"type": "main"},
                    {"type": "comparison"},
                    {"type": "custom", "key": "packaging", "label": "Packaging", "prompt": "a box: closed"},
                    {"type": "custom", "key": "own-2", "label": "פנים", "prompt": "the inside"},
                    {"type": "custom", "key": "packaging-3", "label": "Packaging", "prompt": "the same from above"},
                ],
                "references": [UPLOAD, OTHER],
                "size": "1536x1024",
                "quality": "high",
                "format": "webp",
                "note": "a\nb",
                "keywords": [{"text": "steel bottle", "intents": ["durability", "use_case"]}, {"text": "gift"}],
                "model": "gpt-image-2",
                "max_attempts": 5,
                "budget_usd": 2.5,
                "callback_url": "https://hooks.example/x",
                "tolerated_failures": "20%",
            }
        )
        == form.request()
    )


def test_everything_that_a_story_takes() -> None:
    """Each field becomes what the API takes it as."""
    form = StoryForm(
        idea="Rain.",
        segments="٦٠",
        characters="Ada: a keeper: of lights\nJonas",
        approve_outline="yes",
        language="pt-BR",
        content_rating="PG",
        set_length="20",
        model="gpt-6-luna",
        max_attempts="1",
        budget="0.5",
        callback_url="https://hooks.example/x",
        tolerated_failures="3",
    )
    assert (
        StorySessionRequest.model_validate(
            {
                "idea": "Rain.",
                "total_segments": 60,
                "segments_per_set": 20,
                "characters": [{"name": "Ada", "description": "a keeper: of lights"}, {"name": "Jonas"}],
                "approve_outline": True,
                "language": "pt-BR",
                "content_rating": "PG",
                "model": "gpt-6-luna",
                "max_attempts": 1,
                "budget_usd": 0.5,
                "callback_url": "https://hooks.example/x",
                "tolerated_failures": 3,
            }
        )
        == form.request()
    )


@pytest.mark.parametrize(
    ("typed", "field", "words"),
    [
        ({"title": "a\tb"}, "title", "Title: must be one line, without line breaks or tabs."),
        ({"features": "\n\na\n" + "b" * 501}, "features", "Features: line 4 may have at most 500 characters."),
        ({"brand_colors": "a,b,c,d"}, "brand_colors", "Brand colours: may have at most 3 colours."),
        ({"brand_vibe": "grim"}, "brand_vibe", "Mood: must be 'premium_luxury'"),
        ({"image": ("",)}, "image", "Images: choose at least one."),
        ({"image": ("poster",)}, "image", "Images: must be 'main'"),
        ({"own_images": "\nBox"}, "own_images", "Images of your own: line 2 needs a colon and, after it, what the"),
        ({"own_images": "Box: x\n: y"}, "own_images", "Images of your own: line 2 must not be blank."),
        ({"keywords": "a\nb: fame"}, "keywords", "Keywords: line 2 must be 'durability'"),
        (
            {"photo": tuple(f"upl-{letter * 26}:x" for letter in "abcdefghijklmnopq")},
            "photos",
            "Photos: may have at most 16 pictures.",
        ),
        ({"note": "x" * 10_000}, "note", "Note: may have at most 2,000 characters."),
        ({"size": "huge"}, "size", "Size: must be WIDTHxHEIGHT in pixels"),
        ({"max_attempts": "many"}, "max_attempts", "Attempts: must be a whole number."),
        ({"max_attempts": ""}, "max_attempts", "Attempts: must be a whole number."),
        ({"max_attempts": "11"}, "max_attempts", "Attempts: must be at most 10."),
        ({"budget": "ten"}, "budget", "Budget: must be a valid number."),
        ({"budget": "nan"}, "budget", "Budget: must be a number."),
        ({"budget": "-1"}, "budget", "Budget: must be at least 0"),
        ({"callback_url": "hooks"}, "callback_url", "Callback: must start with https://"),
        ({"tolerated_failures": "some"}, "tolerated_failures", "Failures: must be a number of items"),
    ],
)
def test_a_mistake_about_images_stands_at_its_field(typed: dict[str, Any], field: str, words: str) -> None:
    """With the line, as a person counts lines."""
    mistakes = mistakes_in(ImagesForm(**{"title": "Bottle", **typed}))
    assert [field] == list(mistakes)
    assert mistakes[field][0].startswith(words)


@pytest.mark.parametrize(
    ("typed", "field", "words"),
    [
        ({"idea": " "}, "idea", "Idea: must not be blank."),
        ({"segments": "many"}, "segments", "Segments: must be a whole number."),
        ({"segments": "9" * 30}, "segments", "Segments: must be a whole number."),
        ({"segments": "10000", "set_length": "2"}, "segments", "Segments: 10,000 segments in sets of 2 are 5,000"),
        ({"set_length": "21"}, "set_length", "Length of a set: must be at most 20."),
        ({"characters": "Ada\n\n: nobody"}, "characters", "Characters: line 3 must not be blank."),
        ({"characters": "Ada\nada: again"}, "characters", "Characters: share the name ada"),
        ({"language": "English"}, "language", "Language: must be a tag such as en, de or pt-BR."),
        ({"content_rating": ""}, "content_rating", "Content rating: must not be blank."),
    ],
)
def test_a_mistake_about_a_story_stands_at_its_field(typed: dict[str, str], field: str, words: str) -> None:
    """With the line, as a person counts lines."""
    mistakes = mistakes_in(StoryForm(**{"idea": "Rain.", **typed}))
    assert [field] == list(mistakes)
    assert mistakes[field][0].startswith(words)


def test_every_mistake_is_told_at_once() -> None:
    """Nobody wants to be sent back field by field."""
    form = ImagesForm(title="", note="x" * 2001, budget="x", own_images="Box")
    assert ["title", "note", "own_images", "budget"] == list(mistakes_in(form))


def test_what_is_typed_in_any_script_stays_as_it_is() -> None:
    """Markup is text, and so are emoji of several characters and what runs from right to left."""
    title = "<script>alert(1)</script> 👩‍👩‍👧 בקבוק \u200fx"
    assert title == ImagesForm(title=title).request().product.title


def test_a_form_holds_what_a_browser_sends() -> None:
    """Of what is sent twice the last, of boxes all; files are not texts."""
    data = FormData(
        [
            ("title", "a"),
            ("title", "b"),
            ("image", ""),
            ("image", "main"),
            ("note", UploadFile(file=None, filename="x")),  # type: ignore[arg-type]  # never read
        ]
    )
    form = ImagesForm.sent(data)
    assert ("b", ("", "main"), "") == (form.title, form.image, form.note)


def test_photos_survive_in_the_form() -> None:
    """By their id, with the names of their files, whatever these hold."""
    photos = (KeptPhoto(id=UPLOAD, name='a:b "c".jpg'), KeptPhoto(id=OTHER, name=""))
    form = ImagesForm().with_kept(photos)
    assert photos == ImagesForm.sent(FormData([("photo", value) for value in form.photo])).kept


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_can_be_started_as_it_is(name: str) -> None:
    """It shows what the form can do, and it fills in what counts."""
    form = EXAMPLES[name].form
    request = form.request()
    if isinstance(request, ImageSessionRequest):
        assert request.product.features
        assert len(request.images) <= len(SEED_IMAGES)
    else:
        assert request.characters
        assert request.total_segments
