"""Judging requests, and counting tokens."""

import io
import json
from typing import Any

import pytest
from PIL import Image

from providers.offline.errors import ApiError
from providers.offline.image_requests import MAX_IMAGES, ImageRequest, decoded
from providers.offline.images import GENERATIONS, ImageJob, usage
from providers.offline.pictures.render import Size


def rejected(**fields: object) -> ApiError:
    with pytest.raises(ApiError) as caught:
        ImageRequest({"prompt": "Product: Mug", **fields}).parameters()
    return caught.value


@pytest.mark.parametrize(
    ("fields", "param", "code"),
    [
        ({"size": "1000x1024"}, "size", "invalid_value"),
        ({"size": "1024x336"}, "size", "invalid_value"),
        ({"size": "3856x2160"}, "size", "invalid_value"),
        ({"size": "3840x3840"}, "size", "invalid_value"),
        ({"size": "0x0"}, "size", "invalid_value"),
        ({"size": "big"}, "size", "invalid_value"),
        ({"size": "16x" + "9" * 5000}, "size", "invalid_value"),
        ({"n": 0}, "n", "invalid_value"),
        ({"n": 11}, "n", "invalid_value"),
        ({"quality": "hd"}, "quality", "invalid_value"),
        ({"output_format": "gif"}, "output_format", "invalid_value"),
        ({"output_compression": 101}, "output_compression", "invalid_value"),
        ({"background": "transparent"}, "background", "invalid_value"),
        ({"stream": True}, "stream", "invalid_value"),
        ({"response_format": "url"}, "response_format", "unknown_parameter"),
        ({"prompt": ""}, "prompt", "invalid_value"),
        ({"prompt": "x" * 32_001}, "prompt", "invalid_value"),
        ({"prompt": "\ud800"}, "prompt", "invalid_value"),
        ({"prompt": 5}, "prompt", "invalid_value"),
    ],
    ids=str,
)
def test_wrong_parameter_is_named(fields: dict[str, object], param: str, code: str) -> None:
    """The error is a 400 that names the parameter."""
    error = rejected(**fields)

    assert (400, param, code) == (error.status, error.detail.param, error.detail.code)
    assert param in error.detail.message


def test_missing_prompt_is_named() -> None:
    """There is no picture without a prompt."""
    with pytest.raises(ApiError) as caught:
        ImageRequest({}).parameters()

    assert caught.value.detail.code == "missing_required_parameter"


@pytest.mark.parametrize("size", [None, "auto"])
def test_size_is_a_square_unless_said(size: str | None) -> None:
    """Automatic sizing gives the standard size."""
    assert Size(1024, 1024) == ImageRequest({"prompt": "a", "size": size}).parameters().size


def test_form_fields_are_read_as_numbers() -> None:
    """A multipart form has only texts."""
    parameters = ImageRequest({"prompt": "a", "n": "2", "output_compression": "70"}).parameters()

    assert (parameters.n, parameters.output_compression) == (2, 70)


def test_reference_images_are_judged() -> None:
    """None, too many, and what is no picture are 400s."""
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "PNG")
    fine = file.getvalue()

    assert len(decoded((fine,))) == 1
    for photos in ((), (fine,) * (MAX_IMAGES + 1), (fine, b"GIF89a"), (fine[:40],)):
        with pytest.raises(ApiError) as caught:
            decoded(photos)
        assert (caught.value.status, caught.value.detail.param) == (400, "image")


def test_reference_images_are_turned_upright_and_bounded() -> None:
    """Phones note how they were held instead of turning the picture; no reference is kept larger than it is used."""
    exif = Image.Exif()
    exif[0x0112] = 6
    file = io.BytesIO()
    Image.new("RGB", (3200, 800)).save(file, "JPEG", exif=exif)

    (picture,) = decoded((file.getvalue(),))

    assert (picture.size, picture.mode) == ((400, 1600), "RGBA")


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "I;16", "RGB", "RGBA"])
def test_reference_image_of_any_mode_is_drawn(mode: str) -> None:
    """Grey, indexed, sixteen bits: all are pictures."""
    file = io.BytesIO()
    Image.new(mode, (40, 30)).save(file, "PNG")
    job = ImageJob(ImageRequest({"prompt": "Product: Mug", "size": "64x64"}, (file.getvalue(),)), needs_photos=True)

    assert json.loads(job.answer(None))["data"]


@pytest.mark.parametrize(
    ("quality", "size", "tokens"),
    [
        ("low", Size(1024, 1024), 196),
        ("medium", Size(1024, 1024), 1756),
        ("high", Size(1024, 1024), 7024),
        ("low", Size(1536, 1024), 158),
        ("medium", Size(1536, 1024), 1372),
        ("high", Size(1024, 1536), 5488),
        ("medium", Size(2000, 2000), 3456),
    ],
)
def test_output_tokens_follow_the_published_figures(quality: str, size: Size, tokens: int) -> None:
    """The formula gives the figures of the price list."""
    assert tokens == usage("a", quality=quality, size=size).output_tokens


def test_input_tokens_count_text_and_images() -> None:
    """A quarter of a token for each character, and something for each reference image."""
    photos = (Image.new("RGB", (600, 600)), Image.new("RGB", (1200, 600)))
    counted = usage("x" * 400, quality="low", size=Size(1024, 1024), n=2, photos=photos)

    assert (
        counted.input_tokens_details.text_tokens,
        counted.input_tokens_details.image_tokens,
    ) == (100, 65 + 129 + 65 + 258)
    assert counted.output_tokens == 2 * 196
    assert counted.input_tokens + counted.output_tokens == counted.total_tokens


def test_same_request_gives_the_same_answer() -> None:
    """Not only the picture: the whole body is the same, byte for byte."""
    job = ImageJob(ImageRequest({"prompt": "Product: Mug", "size": "256x256"}), GENERATIONS.needs_photos)
    body: dict[str, Any] = json.loads(job.answer(None))

    assert job.answer(None) == job.answer(None)
    assert (body["size"], body["quality"], body["output_format"]) == ("256x256", "medium", "png")
