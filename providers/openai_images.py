"""Pictures from OpenAI's images API, or from any server that speaks it."""

import asyncio
from typing import Annotated

import httpx2
import openai
from openai import AsyncOpenAI
from pydantic import ConfigDict, Field, ValidationError

from imaging.inspect import NotAPictureError, inspect_picture
from providers.openai_advice import ASKING_FOR_PICTURES
from providers.openai_errors import classified, unreadable_answer
from providers.quoting import request_id_of
from sessions.artifacts import Made
from sessions.errors import ContentRejected, PermanentFailure
from sessions.keeping import kept
from sessions.model import Value
from sessions.money import MOST_TOKENS, Usage
from sessions.ports import ImageCall

_MAKE_ANOTHER = "Press Retry failed; if it keeps happening, start a new session with another model, size or format."
_CHECK_ADDRESS = "Check OPENAI_BASE_URL (for most servers it ends in /v1), restart, then press Retry failed."


class OpenAIImages:
    """Makes pictures, each with exactly one request.

    The only limits on time are those of the client, per read and write. A server that sends a byte now and then
    outlives them, so whoever calls sets a deadline of its own; being cancelled is passed on at once, until the answer
    is there: then it is read to its end.
    """

    def __init__(self, client: AsyncOpenAI) -> None:
        self._client = client

    async def generate(self, call: ImageCall) -> Made:
        """Make one picture; with references it is made from them. The bytes are those that the provider sent.

        Raises:
            AttemptError: whatever went wrong, classified. A picture that is not what was asked for is
                `ContentRejected`, with the usage that was billed for it.
        """
        try:
            answer = await self._ask(call)
        except openai.OpenAIError as error:
            # Not chained: tracebacks are logged, and the SDK's own message may quote the prompt.
            raise classified(error, prompt=call.prompt, advice=ASKING_FOR_PICTURES) from None
        # Not parsed by the SDK: it would read megabytes of JSON on the event loop, and every attempt would wait.
        # The answer is there and paid for, so being stopped no longer stops this.
        return await kept(asyncio.to_thread(_made, answer, call=call))

    async def _ask(self, call: ImageCall) -> httpx2.Response:
        # No response_format: the current models refuse it and always answer with base64. No complexity: several
        # models refuse the value that others take as a matter of course.
        if not call.references:
            generated = await self._client.images.with_raw_response.generate(
                prompt=call.prompt,
                model=call.model,
                n=1,
                size=call.size,
                quality=call.quality,
                output_format=call.format,
            )
            return generated.http_response
        edited = await self._client.images.with_raw_response.edit(
            image=[(picture.name, picture.data, picture.media_type) for picture in call.references],
            prompt=call.prompt,
            model=call.model,
            n=1,
            size=call.size,
            quality=call.quality,
            output_format=call.format,
        )
        return edited.http_response


class _Picture(Value):
    # Decoded while the JSON is read: at 8 MB that is a quarter of the time of reading it as text first, and both
    # hold the interpreter's lock, so that a thread alone would not keep the event loop free.
    model_config = ConfigDict(val_json_bytes="base64")

    b64_json: bytes | None = None


class _Pictures(Value):
    data: tuple[_Picture, ...] | None = None


_Count = Annotated[int, Field(ge=0, le=MOST_TOKENS)]


class _InputDetails(Value):
    image_tokens: _Count = 0


class _Tokens(Value):
    input_tokens: _Count = 0
    output_tokens: _Count = 0
    input_tokens_details: _InputDetails | None = None


class _Billed(Value):
    usage: _Tokens | None = None


def _made(answer: httpx2.Response, *, call: ImageCall) -> Made:
    """Turn an answer into a checked picture. CPU-bound, for a thread."""
    request_id = request_id_of(answer)
    media_type = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == "text/html":
        raise PermanentFailure(
            "The address answered with a web page instead of a picture: it is no OpenAI-compatible API.",
            advice=_CHECK_ADDRESS,
            request_id=request_id,
        )
    usage = _usage(answer.content)
    try:
        pictures = _Pictures.model_validate_json(answer.content).data
    except ValidationError as error:
        if error.errors(include_input=False)[0]["type"] == "json_invalid":
            raise unreadable_answer(request_id=request_id) from None
        raise _rejected("held no picture that can be decoded", request_id=request_id, usage=usage) from None
    data = pictures[0].b64_json if pictures else None
    if not data:
        raise _rejected("held no picture", request_id=request_id, usage=usage)
    try:
        facts = inspect_picture(data)
    except NotAPictureError as error:
        raise _rejected(f"held no usable picture. {error}", request_id=request_id, usage=usage) from None
    asked = f"image/{call.format} of {call.size} pixels"
    got = f"{facts.media_type} of {facts.width}x{facts.height} pixels"
    if got != asked:
        raise _rejected(f"held another picture: {got} instead of {asked}", request_id=request_id, usage=usage)
    return Made(
        data=data,
        media_type=facts.media_type,
        model=call.model,
        request_id=request_id,
        usage=usage,
        width=facts.width,
        height=facts.height,
    )


def _usage(body: bytes) -> Usage | None:
    """Return what was counted. Read apart from the picture: neither is lost when the other cannot be understood."""
    try:
        tokens = _Billed.model_validate_json(body).usage
        if tokens is None:
            return None
        return Usage(
            input_tokens=tokens.input_tokens,
            output_tokens=tokens.output_tokens,
            input_image_tokens=tokens.input_tokens_details.image_tokens if tokens.input_tokens_details else 0,
        )
    except ValidationError:
        return None


def _rejected(what: str, *, request_id: str | None, usage: Usage | None) -> ContentRejected:
    message = f"The provider's answer {what.removesuffix('.')}."
    return ContentRejected(message, advice=_MAKE_ANOTHER, request_id=request_id, usage=usage)
