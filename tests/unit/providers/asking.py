"""Asking a provider for one picture, through the real SDK."""

import base64
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TypeVar

import pytest
from PIL import Image

from providers.openai_client import openai_client
from providers.openai_images import OpenAIImages
from sessions.artifacts import Made
from sessions.errors import AttemptError
from sessions.money import Usage
from sessions.ports import ImageCall
from tests.unit.providers.loopback import Answer, Loopback

KEY = "sk-test-0123456789abcdef"
PROMPT = "Image: Main image\nProduct: Steel bottle\nEnhance and stage, do not alter the product."
USAGE = {
    "input_tokens": 70,
    "input_tokens_details": {"text_tokens": 30, "image_tokens": 40},
    "output_tokens": 1756,
    "total_tokens": 1826,
}
COUNTED = Usage(input_tokens=70, input_image_tokens=40, output_tokens=1756)


def picture(*, width: int = 64, height: int = 32, form: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(buffer, form)
    return buffer.getvalue()


def body_with(data: bytes, *, usage: object = USAGE) -> dict[str, object]:
    return {"created": 1, "data": [{"b64_json": base64.b64encode(data).decode()}], "usage": usage}


def a_call(**changes: object) -> ImageCall:
    call = ImageCall(prompt=PROMPT, model="gpt-image-2.5-flare", size="64x32", quality="low", format="png")
    return call.model_copy(update=changes)


@asynccontextmanager
async def images_at(
    base_url: str, *, longest_silence: timedelta = timedelta(seconds=30), api_key: str | None = KEY
) -> AsyncIterator[OpenAIImages]:
    async with openai_client(api_key=api_key, base_url=base_url, longest_silence=longest_silence) as client:
        yield OpenAIImages(client)


async def made_of(answer: Answer, *, call: ImageCall | None = None) -> Made:
    async with Loopback([answer]) as server, images_at(server.base_url) as images:
        return await images.generate(call or a_call())


Failure = TypeVar("Failure", bound=AttemptError)


async def failure_of(
    answer: Answer, kind: type[Failure], *, longest_silence: timedelta = timedelta(seconds=30)
) -> Failure:
    """The failure that one call comes to. Whatever it is, exactly one request was sent."""
    async with Loopback([answer]) as server, images_at(server.base_url, longest_silence=longest_silence) as images:
        with pytest.raises(kind) as caught:
            await images.generate(a_call())
        assert len(server.received) == 1
    assert caught.value.message
    assert caught.value.advice
    return caught.value
