"""Image sessions: what a person asks for, and the items and tasks that come of it."""

import re
from collections import Counter
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from sessions.artifacts import Artifact
from sessions.attempts import ItemTask, SessionInput
from sessions.callbacks import CallbackUrl
from sessions.commands import MAX_ATTEMPTS_LIMIT
from sessions.identifiers import is_item_key, is_upload_id
from sessions.items import DEFAULT_MAX_ATTEMPTS, ItemState
from sessions.limits import ToleratedFailures
from sessions.model import RequestModel
from sessions.money import Dollars
from sessions.state import SessionState
from sessions.texts import ManyLines, Note, OneLine

MAX_IMAGES = 100
MAX_REFERENCES = 16
MAX_EDGE_PIXELS = 3840
MAX_RATIO = 3
EDGE_MULTIPLE = 16


class ImageType(StrEnum):
    """What an image must show; ``custom`` is described by the person."""

    MAIN = "main"
    INFOGRAPHIC_1 = "infographic_1"
    INFOGRAPHIC_2 = "infographic_2"
    LIFESTYLE = "lifestyle"
    COMPARISON = "comparison"
    CUSTOM = "custom"


LABELS = {
    ImageType.MAIN: "Main image",
    ImageType.INFOGRAPHIC_1: "Infographic 1",
    ImageType.INFOGRAPHIC_2: "Infographic 2",
    ImageType.LIFESTYLE: "Lifestyle",
    ImageType.COMPARISON: "Comparison",
}


class Vibe(StrEnum):
    """The mood of a brand."""

    PREMIUM_LUXURY = "premium_luxury"
    CLEAN_MODERN = "clean_modern"
    BOLD_ENERGETIC = "bold_energetic"
    NATURAL_ORGANIC = "natural_organic"
    PLAYFUL_FUN = "playful_fun"
    CLINICAL_TRUST = "clinical_trust"


class KeywordIntent(StrEnum):
    """What somebody who searches for a keyword wants to know."""

    DURABILITY = "durability"
    USE_CASE = "use_case"
    STYLE = "style"
    PROBLEM_SOLUTION = "problem_solution"
    COMPARISON = "comparison"


def _valid_item_key(key: str) -> str:
    if not is_item_key(key):
        raise ValueError("must be 1 to 64 of a-z, 0-9, _ and -, beginning with a letter or digit")
    return key


def _valid_upload_id(upload_id: str) -> str:
    if not is_upload_id(upload_id):
        raise ValueError("must be an id that POST /api/uploads has returned")
    return upload_id


def _valid_size(size: str) -> str:
    match = re.fullmatch(r"([1-9][0-9]{0,4})x([1-9][0-9]{0,4})", size)
    if match is None:
        raise ValueError("must be WIDTHxHEIGHT in pixels, such as 1024x1024")
    width, height = int(match[1]), int(match[2])
    if width % EDGE_MULTIPLE or height % EDGE_MULTIPLE:
        raise ValueError(f"width and height must be multiples of {EDGE_MULTIPLE}")
    if max(width, height) > MAX_RATIO * min(width, height):
        raise ValueError(f"the ratio must lie between 1:{MAX_RATIO} and {MAX_RATIO}:1")
    if max(width, height) > MAX_EDGE_PIXELS:
        raise ValueError(f"no edge may be longer than {MAX_EDGE_PIXELS} pixels")
    return size


ItemKey = Annotated[str, AfterValidator(_valid_item_key)]
Size = Annotated[str, AfterValidator(_valid_size)]
UploadId = Annotated[str, AfterValidator(_valid_upload_id)]
Feature = Annotated[str, StringConstraints(max_length=500), ManyLines]
Quality = Literal["low", "medium", "high", "xhigh", "max", "auto"]
ImageFormat = Literal["png", "webp", "jpeg"]


class Product(RequestModel):
    """What is being sold."""

    title: Annotated[str, StringConstraints(max_length=200), OneLine]
    features: Annotated[tuple[Feature, ...], Field(max_length=3)] = ()
    audience: Annotated[str, StringConstraints(max_length=200), OneLine] | None = None


class Brand(RequestModel):
    """Who sells it."""

    name: Annotated[str, StringConstraints(max_length=100), OneLine] | None = None
    colors: Annotated[tuple[Annotated[str, StringConstraints(max_length=50), OneLine], ...], Field(max_length=3)] = ()
    vibe: Vibe | None = None


class Keyword(RequestModel):
    """What people search for when they want such a product."""

    text: Annotated[str, StringConstraints(max_length=100), OneLine]
    intents: Annotated[tuple[KeywordIntent, ...], Field(max_length=len(KeywordIntent))] = ()


class ImageRequest(RequestModel):
    """One image of the set. Key and label come from the type unless given; a custom image brings key and prompt."""

    type: ImageType
    key: ItemKey | None = None
    label: Annotated[str, StringConstraints(max_length=100), OneLine] | None = None
    prompt: Annotated[str, StringConstraints(max_length=10_000), ManyLines] | None = None
    note: Note | None = None

    @model_validator(mode="after")
    def _custom_images_describe_themselves(self) -> Self:
        if self.type is ImageType.CUSTOM:
            missing = [name for name in ("key", "prompt") if getattr(self, name) is None]
            if missing:
                raise ValueError(f"a custom image needs {' and '.join(missing)}")
        elif self.prompt is not None:
            raise ValueError("only images of type custom take a prompt; give a note to add to the others")
        return self

    @property
    def item_key(self) -> str:
        """The key of the item that this image becomes."""
        return self.key or self.type.value

    @property
    def item_label(self) -> str:
        """What the item is called."""
        return self.label or LABELS.get(self.type) or self.item_key


SEED_IMAGES = tuple(ImageRequest(type=image_type) for image_type in LABELS)
"""The five images that are made when a request names none."""


class ImageSessionRequest(RequestModel):
    """What starts an image session."""

    product: Product
    brand: Brand | None = None
    keywords: Annotated[tuple[Keyword, ...], Field(max_length=50)] = ()
    note: Note | None = None
    images: Annotated[tuple[ImageRequest, ...], Field(min_length=1, max_length=MAX_IMAGES)] = SEED_IMAGES
    references: Annotated[tuple[UploadId, ...], Field(max_length=MAX_REFERENCES)] = ()
    style_reference: UploadId | None = None
    model: Annotated[str, StringConstraints(max_length=100), OneLine] | None = None
    size: Size = "1024x1024"
    quality: Quality = "medium"
    format: ImageFormat = "png"
    max_attempts: int = Field(default=DEFAULT_MAX_ATTEMPTS, ge=1, le=MAX_ATTEMPTS_LIMIT, strict=True)
    budget_usd: Dollars | None = None
    callback_url: CallbackUrl | None = None
    tolerated_failures: ToleratedFailures | None = None

    @model_validator(mode="after")
    def _keys_are_unique(self) -> Self:
        counted = Counter(image.item_key for image in self.images)
        repeated = sorted(key for key, count in counted.items() if count > 1)
        if repeated:
            raise ValueError(f"images share a key ({', '.join(repeated)}); give each a key of its own")
        return self

    @model_validator(mode="after")
    def _references_fit_one_call(self) -> Self:
        if len(self.references) + (self.style_reference is not None) > MAX_REFERENCES:
            raise ValueError(f"a call takes {MAX_REFERENCES} pictures at most, the style reference included")
        return self

    @property
    def uploads(self) -> tuple[str, ...]:
        """The ids of all reference pictures in the order in which the provider gets them."""
        style = (self.style_reference,) if self.style_reference else ()
        return self.references + style


class ImageTask(ItemTask):
    """One image to make, with all that its prompt needs: the payload of the activity."""

    request: ImageSessionRequest
    """The session's request, with this image alone."""
    previous: Artifact | None = None
    """The picture to start from, where only what the note asks for is to change."""

    @property
    def image(self) -> ImageRequest:
        """The image to make."""
        return self.request.images[0]

    @property
    def media_type(self) -> str:
        """The media type that was asked for."""
        return f"image/{self.request.format}"


class ImageSessionInput(SessionInput):
    """The input of the workflow of an image session."""

    request: ImageSessionRequest

    def _references_beside(self, item: ItemState) -> tuple[str, ...]:
        """Return the photos that go along; where all places are taken, the picture to start from has the last."""
        room = MAX_REFERENCES - (self.request.style_reference is not None) - item.is_refined
        return self.request.references[:room]

    def task_for(self, key: str, *, state: SessionState) -> ImageTask:
        """Return the task of an item as it stands in a state."""
        item = state.item(key)
        image = next(image for image in self.request.images if image.item_key == key)
        return ImageTask.of(
            item,
            session=self,
            # The other images of the set are no business of this one: without them the payload stays small.
            request=self.request.model_copy(update={"images": (image,), "references": self._references_beside(item)}),
            previous=item.artifact if item.is_refined else None,
        )


def image_items(request: ImageSessionRequest) -> tuple[tuple[str, str], ...]:
    """Return the keys and labels of the items that a request asks for, in its order."""
    return tuple((image.item_key, image.item_label) for image in request.images)
