"""The form that starts an image session."""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from api.web.mistakes import Location, Place
from api.web.typed import TypedForm, amount, line_number, lines, typed, whole_number
from sessions.identifiers import is_upload_id
from sessions.images import SEED_IMAGES, ImageSessionRequest, ImageType
from sessions.model import Value

_LABELS: Final = {
    "title": "Title",
    "features": "Features",
    "audience": "Audience",
    "name": "Brand name",
    "colors": "Brand colours",
    "vibe": "Mood",
    "keywords": "Keywords",
    "note": "Note",
    "references": "Photos",
    "model": "Model",
    "size": "Size",
    "quality": "Quality",
    "format": "File type",
    "max_attempts": "Attempts",
    "budget_usd": "Budget",
    "callback_url": "Callback",
    "tolerated_failures": "Failures",
}
_FIELDS: Final = {
    "name": "brand_name",
    "colors": "brand_colors",
    "vibe": "brand_vibe",
    "references": "photos",
    "budget_usd": "budget",
}
_ENTRIES: Final = {"references": "pictures", "colors": "colours"}
_NOT_IN_KEYS: Final = re.compile(r"[^a-z0-9]+")
_KEY_CHARACTERS: Final = 40


class KeptPhoto(Value):
    """A photo that is uploaded already, and what its file was called."""

    id: str
    name: str

    @property
    def value(self) -> str:
        """What the form sends of it."""
        return f"{self.id}:{self.name}"


class ImagesForm(TypedForm):
    """What a person typed who wants images of a product."""

    title: str = ""
    features: str = ""
    audience: str = ""
    brand_name: str = ""
    brand_colors: str = ""
    brand_vibe: str = ""
    image: tuple[str, ...] = tuple(image.type.value for image in SEED_IMAGES)
    own_images: str = ""
    photo: tuple[str, ...] = ()
    size: str = "1024x1024"
    quality: str = "medium"
    format: str = "png"
    note: str = ""
    keywords: str = ""
    model: str = ""
    max_attempts: str = "3"
    budget: str = ""
    callback_url: str = ""
    tolerated_failures: str = ""

    @property
    def kept(self) -> tuple[KeptPhoto, ...]:
        """The photos that are uploaded already, each once."""
        parted = (photo.partition(":") for photo in self.photo)
        return tuple({id_: KeptPhoto(id=id_, name=name) for id_, _, name in parted if is_upload_id(id_)}.values())

    def with_kept(self, photos: Sequence[KeptPhoto]) -> "ImagesForm":
        """Return the form with other photos that are uploaded already."""
        return self.model_copy(update={"photo": tuple(photo.value for photo in photos)})

    def to_estimate(self) -> "ImagesForm":
        """Return the form as far as it decides what the session costs: every product costs about the same."""
        return self if self.title.strip() else self.model_copy(update={"title": "Product"})

    def request(self) -> ImageSessionRequest:
        """Return the request that the form stands for.

        Raises:
            ValidationError: something in it cannot be.
        """
        brand = {
            "name": self.brand_name.strip() or None,
            "colors": tuple(color.strip() for color in self.brand_colors.split(",") if color.strip()),
            "vibe": self.brand_vibe or None,
        }
        return ImageSessionRequest.model_validate(
            {
                "product": {
                    "title": self.title.strip(),
                    "features": lines(self.features),
                    "audience": self.audience.strip() or None,
                },
                "brand": brand if any(brand.values()) else None,
                "keywords": tuple(_keyword(line) for line in lines(self.keywords)),
                "note": typed(self.note),
                "images": (*({"type": name} for name in self._chosen), *_own_images(self.own_images)),
                "references": tuple(photo.id for photo in self.kept),
                "model": self.model.strip() or None,
                "size": self.size.strip(),
                "quality": self.quality,
                "format": self.format,
                "max_attempts": whole_number(self.max_attempts),
                "budget_usd": amount(self.budget),
                "callback_url": self.callback_url.strip() or None,
                "tolerated_failures": whole_number(self.tolerated_failures),
            }
        )

    def place_of(self, location: Location) -> Place:
        """Return the field of what the request holds at a location."""
        match tuple(location):
            case ("images", int(index), *_) if index >= len(self._chosen):
                line = line_number(self.own_images, index - len(self._chosen))
                return Place(field="own_images", label="Images of your own", line=line)
            case ("images", *_):
                return Place(field="image", label="Images")
            case ("keywords", int(index), *_):
                return Place(field="keywords", label="Keywords", line=line_number(self.keywords, index))
            case ("product", "features", int(index)):
                return Place(field="features", label="Features", line=line_number(self.features, index))
            case parts:
                name = next((str(part) for part in reversed(parts) if part in _LABELS), "references")
                entries = _ENTRIES.get(name, "lines")
                return Place(field=_FIELDS.get(name, name), label=_LABELS[name], entries=entries)

    @property
    def _chosen(self) -> tuple[str, ...]:
        # A browser sends nothing for a box that is not ticked: the form sends an empty one along, to be told from
        # whoever sends none of this.
        return tuple(dict.fromkeys(name for name in self.image if name))


def _keyword(line: str) -> Mapping[str, Any]:
    text, _, intents = line.partition(":")
    named = (intent.strip().lower().replace(" ", "_") for intent in intents.split(","))
    return {"text": text.strip(), "intents": tuple(intent for intent in named if intent)}


def _own_images(text: str) -> Iterator[Mapping[str, Any]]:
    taken = {image_type.value for image_type in ImageType}
    for position, line in enumerate(lines(text), start=1):
        label, _, prompt = line.partition(":")
        key = _unused_key(label, taken=taken, position=position)
        taken.add(key)
        yield {"type": ImageType.CUSTOM, "key": key, "label": label.strip(), "prompt": prompt.strip() or None}


def _unused_key(label: str, *, taken: set[str], position: int) -> str:
    plain = unicodedata.normalize("NFKD", label).encode("ascii", errors="ignore").decode().lower()
    key = _NOT_IN_KEYS.sub("-", plain).strip("-")[:_KEY_CHARACTERS].strip("-")
    return key if key and key not in taken else f"{key or 'own'}-{position}"
