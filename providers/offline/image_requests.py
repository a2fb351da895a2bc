"""Reading image requests: JSON or multipart, judged as the real service judges them."""

from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Annotated, Literal

from PIL import Image, ImageOps
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from providers.offline.bodies import judged, printable, read_object
from providers.offline.calls import Asked
from providers.offline.errors import invalid_request
from providers.offline.pictures.render import Format, Size

MAX_IMAGES = 16
MAX_IMAGE_BYTES = 50 * 1024 * 1024
_MAX_PIXELS = 3840 * 2160
_MAX_EDGE = 3840
_MAX_RATIO = 3
_MAX_REFERENCE_PIXELS = 80_000_000
_DEFAULT_SIZE = Size(1024, 1024)
_LARGEST_REFERENCE = (1600, 1600)


def _size(value: object) -> object:
    """Return a size, or say what is wrong with it."""
    if value in (None, "auto"):
        return _DEFAULT_SIZE
    width, cross, height = str(value).partition("x")
    if not (cross and width.isdecimal() and height.isdecimal()):
        raise ValueError("expected 'auto' or WIDTHxHEIGHT in pixels")
    size = Size(int(width[:6]), int(height[:6]))
    if size.width % 16 or size.height % 16 or not size.width or not size.height:
        raise ValueError("width and height must both be divisible by 16")
    if max(size.width, size.height) > _MAX_RATIO * min(size.width, size.height):
        raise ValueError("the ratio must be between 1:3 and 3:1")
    if max(size.width, size.height) > _MAX_EDGE or size.width * size.height > _MAX_PIXELS:
        raise ValueError("the largest size is 3840x2160")
    return size


class ImageParameters(BaseModel):
    """What an image request may say. Parameters that change nothing here are accepted and ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    prompt: str = Field(min_length=1, max_length=32_000)
    model: str | None = None
    n: Annotated[int, BeforeValidator(lambda value: 1 if value is None else value), Field(ge=1, le=10)] = 1
    size: Annotated[Size, BeforeValidator(_size)] = _DEFAULT_SIZE
    quality: Literal["low", "medium", "high", "xhigh", "max", "auto"] | None = None
    output_format: Format | None = None
    output_compression: int | None = Field(default=None, ge=0, le=100)
    background: Literal["opaque", "auto"] | None = None
    moderation: Literal["low", "auto"] | None = None
    complexity: Literal["low", "medium", "high"] | None = None
    input_fidelity: Literal["high", "low"] | None = None
    stream: Literal[False, "false", None] = None
    partial_images: Literal[0, "0", None] = None
    safety_identifier: str | None = None
    user: str | None = None


@dataclass(frozen=True)
class ImageRequest:
    """An image request as it came: nothing in it has been judged."""

    fields: Mapping[str, object]
    photos: tuple[bytes, ...] = ()

    @property
    def asked(self) -> Asked:
        """What the log keeps of it."""
        return Asked(
            model=self._text("model"),
            prompt=self._text("prompt"),
            size=self._text("size"),
            quality=self._text("quality"),
            images=len(self.photos),
        )

    def parameters(self) -> ImageParameters:
        """Return the parameters.

        Raises:
            ApiError: one is missing, unknown or wrong.
        """
        return judged(ImageParameters, self.fields)

    def _text(self, name: str) -> str | None:
        value = self.fields.get(name)
        return printable(value) if isinstance(value, str) else None


async def read_json(request: Request) -> ImageRequest:
    """Return a request whose body is JSON.

    Raises:
        ApiError: it is no JSON object.
    """
    return ImageRequest(await read_object(request))


async def read_multipart(request: Request) -> ImageRequest:
    """Return a request whose body is multipart, with its reference images in order.

    Raises:
        ApiError: it is no multipart form, has a mask without images, or an unknown file.
    """
    try:
        async with request.form(max_files=MAX_IMAGES * 4) as form:
            return await _from_form(form)
    except HTTPException as error:
        raise invalid_request(f"The form cannot be read: {error.detail}", code=None) from error


async def _from_form(form: FormData) -> ImageRequest:
    fields: dict[str, object] = {}
    photos: list[bytes] = []
    for name, value in form.multi_items():
        if not isinstance(value, UploadFile):
            fields[name] = value
        elif name in ("image", "image[]"):
            photos.append(await value.read())
        elif name != "mask":
            fields[name] = value
    return ImageRequest(fields, tuple(photos))


def decoded(photos: tuple[bytes, ...]) -> tuple[Image.Image, ...]:
    """Return reference images as upright pictures in RGBA, the very large ones scaled down.

    Raises:
        ApiError: there are none or too many, or one is too large or no PNG, WebP or JPEG.
    """
    if not photos:
        raise invalid_request("Missing required parameter: 'image'.", param="image", code="missing_required_parameter")
    if len(photos) > MAX_IMAGES:
        message = f"At most {MAX_IMAGES} images are allowed, not {len(photos)}."
        raise invalid_request(message, param="image", code="too_many_images")
    return tuple(_decoded(photo, number) for number, photo in enumerate(photos, start=1))


def _decoded(photo: bytes, number: int) -> Image.Image:
    if len(photo) > MAX_IMAGE_BYTES:
        raise invalid_request(f"Image {number} is larger than 50 MB.", param="image", code="image_too_large")
    try:
        picture = Image.open(BytesIO(photo), formats=("PNG", "WEBP", "JPEG"))
        if picture.width * picture.height > _MAX_REFERENCE_PIXELS:
            raise invalid_request(f"Image {number} has too many pixels.", param="image", code="image_too_large")
        picture.draft("RGB", _LARGEST_REFERENCE)
        upright = ImageOps.exif_transpose(picture).convert("RGBA")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        message = f"Image {number} is not a PNG, WebP or JPEG that can be read."
        raise invalid_request(message, param="image", code="invalid_image_file") from error
    upright.thumbnail(_LARGEST_REFERENCE)
    return upright
