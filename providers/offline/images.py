"""The endpoints that draw: ``/v1/images/generations`` and ``/v1/images/edits``."""

import base64
import functools
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from PIL import Image
from pydantic import BaseModel, ConfigDict
from starlette.requests import Request

from providers.offline.calls import Asked
from providers.offline.errors import moderation_blocked
from providers.offline.faults import EmptyImage, Fault, Moderation, Refusal, UndecodableImage, WrongSize
from providers.offline.image_requests import ImageParameters, ImageRequest, decoded, read_json, read_multipart
from providers.offline.pictures.render import Format, Size, draw, encode

# A real time would make the same request give other bytes.
_CREATED = 1_767_225_600
_NO_PICTURE = b"These bytes are not a picture."
_WRONG_BY = 16

# Output tokens: a formula that fits the published figures of low, medium and high; beyond those it is a guess.
_QUALITY_FACTORS = {"low": 16, "medium": 48, "high": 96, "xhigh": 144, "max": 192}
_CHARACTERS_PER_TOKEN = 4
_REFERENCE_BASE_TOKENS = 65
_REFERENCE_TILE_TOKENS = 129


class _Wire(BaseModel):
    model_config = ConfigDict(frozen=True)


class InputTokens(_Wire):
    """What the tokens of the request were spent on."""

    text_tokens: int
    image_tokens: int


class OutputTokens(_Wire):
    """What the tokens of the answer were spent on."""

    image_tokens: int
    text_tokens: int = 0


class Usage(_Wire):
    """What a request is billed for, in tokens."""

    input_tokens: int
    input_tokens_details: InputTokens
    output_tokens: int
    output_tokens_details: OutputTokens
    total_tokens: int


class ImageData(_Wire):
    """One picture, its file in Base64."""

    b64_json: str


class ImagesAnswer(_Wire):
    """The answer to an image request."""

    created: int
    background: str
    data: tuple[ImageData, ...]
    output_format: Format
    quality: str
    size: str
    usage: Usage


Reader = Callable[[Request], Awaitable[ImageRequest]]


@dataclass(frozen=True)
class ImagesEndpoint:
    """An endpoint that answers with pictures."""

    read_request: Reader
    needs_photos: bool

    async def read(self, request: Request) -> "ImageJob":
        """Read a request without judging it."""
        return ImageJob(await self.read_request(request), self.needs_photos)


GENERATIONS = ImagesEndpoint(read_json, needs_photos=False)
EDITS = ImagesEndpoint(read_multipart, needs_photos=True)


@dataclass(frozen=True)
class ImageJob:
    """An image request to be judged, drawn and answered."""

    request: ImageRequest
    needs_photos: bool
    is_background: bool = False

    @property
    def asked(self) -> Asked:
        """What the log keeps of it."""
        return self.request.asked

    def answer(self, fault: Fault | None) -> bytes:
        """Return the answer with its pictures, or spoiled as the fault has it."""
        parameters = self.request.parameters()
        photos = decoded(self.request.photos) if self.needs_photos else ()
        if isinstance(fault, Refusal):
            raise moderation_blocked(Moderation(stage="input"))
        quality = parameters.quality if parameters.quality not in (None, "auto") else "medium"
        return (
            ImagesAnswer(
                created=_CREATED,
                background="opaque",
                data=_data(parameters, photos, fault),
                output_format=parameters.output_format or Format.PNG,
                quality=quality,
                size=str(parameters.size),
                usage=usage(parameters.prompt, quality=quality, size=parameters.size, n=parameters.n, photos=photos),
            )
            .model_dump_json()
            .encode()
        )


def _data(parameters: ImageParameters, photos: tuple[Image.Image, ...], fault: Fault | None) -> tuple[ImageData, ...]:
    match fault:
        case EmptyImage(part="data"):
            return ()
        case EmptyImage():
            files = [b""] * parameters.n
        case UndecodableImage():
            files = [_NO_PICTURE] * parameters.n
        case WrongSize():
            wrong = Size(parameters.size.width + _WRONG_BY, parameters.size.height)
            files = [_file(parameters, wrong, photos, number) for number in range(parameters.n)]
        case _:
            files = [_file(parameters, parameters.size, photos, number) for number in range(parameters.n)]
    return tuple(ImageData(b64_json=base64.b64encode(file).decode()) for file in files)


def _file(parameters: ImageParameters, size: Size, photos: tuple[Image.Image, ...], number: int) -> bytes:
    file_format = parameters.output_format or Format.PNG
    compression = 100 if parameters.output_compression is None else parameters.output_compression
    if not photos:
        return _drawn(parameters.prompt, size, file_format, compression, number)
    picture = draw(parameters.prompt, size=size, photo=photos[0], number=number)
    return encode(picture, file_format=file_format, compression=compression)


# Load tests ask for the same pictures over and over, and drawing them would be what they measure.
@functools.lru_cache(maxsize=128)
def _drawn(prompt: str, size: Size, file_format: Format, compression: int, number: int) -> bytes:
    return encode(draw(prompt, size=size, number=number), file_format=file_format, compression=compression)


def usage(prompt: str, *, quality: str, size: Size, n: int = 1, photos: tuple[Image.Image, ...] = ()) -> Usage:
    """Return what a request is billed for: near the real service's figures, not equal to them.

    Args:
        prompt: the whole prompt.
        quality: low, medium, high, xhigh or max.
        size: of each picture.
        n: how many pictures.
        photos: the reference images.
    """
    text = math.ceil(len(prompt) / _CHARACTERS_PER_TOKEN)
    images = sum(_reference_tokens(photo) for photo in photos)
    output = n * _output_tokens(quality, size)
    return Usage(
        input_tokens=text + images,
        input_tokens_details=InputTokens(text_tokens=text, image_tokens=images),
        output_tokens=output,
        output_tokens_details=OutputTokens(image_tokens=output),
        total_tokens=text + images + output,
    )


def _output_tokens(quality: str, size: Size) -> int:
    factor = _QUALITY_FACTORS[quality]
    short, long = sorted((size.width, size.height))
    share = round(factor * short / long)
    return math.ceil(factor * share * (2_000_000 + size.width * size.height) / 4_000_000)


def _reference_tokens(photo: Image.Image) -> int:
    """A base and a price per tile, the picture scaled so that its shorter side is one tile."""
    short, long = sorted((photo.width, photo.height))
    return _REFERENCE_BASE_TOKENS + _REFERENCE_TILE_TOKENS * math.ceil(long / max(short, 1))
