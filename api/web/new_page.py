"""The page on which sessions are started: both forms, with what is wrong in them and what they would cost."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from starlette.responses import Response

from api.routes.uploads import MOST_PICTURE_BYTES
from api.web.estimate_words import EstimateWords
from api.web.form_examples import EXAMPLES
from api.web.images_form import ImagesForm
from api.web.mistakes import Mistakes
from api.web.rendering import Pages
from api.web.story_form import StoryForm
from sessions.images import LABELS, Vibe

SIZES: Final[Mapping[str, str]] = {
    "1024x1024": "Square, 1024 × 1024",
    "2048x2048": "Large square, 2048 × 2048",
    "1536x1024": "Landscape, 1536 × 1024",
    "1024x1536": "Portrait, 1024 × 1536",
    "1920x1088": "Wide, 1920 × 1088",
    "1088x1920": "Tall, 1088 × 1920",
}
QUALITIES: Final[Mapping[str, str]] = {
    "low": "Low",
    "medium": "Medium",
    "high": "High",
    "xhigh": "Very high",
    "max": "Highest",
    "auto": "Automatic",
}
FORMATS: Final[Mapping[str, str]] = {"png": "PNG", "jpeg": "JPEG", "webp": "WebP"}
MOODS: Final[Mapping[str, str]] = {
    "": "Any",
    **{vibe.value: vibe.value.replace("_", " and ").capitalize() for vibe in Vibe},
}
ATTEMPTS: Final[Mapping[str, str]] = {str(number): str(number) for number in range(1, 11)}
_MORE: Final = ("model", "max_attempts", "budget", "callback_url", "tolerated_failures")
_MORE_OF_IMAGES: Final = ("own_images", "keywords", *_MORE)
_MORE_OF_STORY: Final = ("language", "content_rating", "set_length", *_MORE)
_STORY_IDS: Final = {name: f"story-{name}" for name in _MORE}
"""Both forms have these fields, and an id is there once on a page."""

_CHOICES: Final = {
    "images": {image_type.value: label for image_type, label in LABELS.items()},
    "sizes": SIZES,
    "qualities": QUALITIES,
    "formats": FORMATS,
    "moods": MOODS,
    "attempts": ATTEMPTS,
    "languages": ("en", "de", "es", "fr", "it", "nl", "pl", "pt-BR", "tr", "ar", "he", "hi", "ja", "ko", "zh"),
    "ratings": ("U", "PG", "12", "15", "18"),
}


@dataclass(frozen=True, kw_only=True)
class NewPage:
    """What the page shows. ``trouble``: why nothing was started, where no field is to blame."""

    images: ImagesForm = field(default_factory=lambda: ImagesForm().renewed())
    story: StoryForm = field(default_factory=lambda: StoryForm().renewed())
    image_mistakes: Mistakes = field(default_factory=dict)
    story_mistakes: Mistakes = field(default_factory=dict)
    image_estimate: EstimateWords | None = None
    story_estimate: EstimateWords | None = None
    trouble: str = ""

    def response(self, pages: Pages, *, status: int = 200) -> Response:
        """Return the page."""
        return pages.page(
            "new.html",
            status=status,
            page=self,
            examples=EXAMPLES,
            choices=_CHOICES,
            image_ids={"image": "image-main"},
            story_ids=_STORY_IDS,
            most_picture_bytes=MOST_PICTURE_BYTES,
        )

    @property
    def shows_more_of_images(self) -> bool:
        """Whether fields that are seldom used are, or are in the way."""
        return self.images.differs_in(_MORE_OF_IMAGES) or not self.image_mistakes.keys().isdisjoint(_MORE_OF_IMAGES)

    @property
    def shows_more_of_story(self) -> bool:
        """Whether fields that are seldom used are, or are in the way."""
        return self.story.differs_in(_MORE_OF_STORY) or not self.story_mistakes.keys().isdisjoint(_MORE_OF_STORY)


def example_page(name: str | None) -> NewPage:
    """Return the page with an example filled in, or with nothing where there is none of that name."""
    example = EXAMPLES.get(name or "")
    if example is None:
        return NewPage()
    filled_in = example.form.renewed()
    return NewPage(images=filled_in) if isinstance(filled_in, ImagesForm) else NewPage(story=filled_in)
