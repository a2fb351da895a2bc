"""Pictures through the real SDK, from a real server on the loopback address."""

import asyncio
import json
import logging
import threading

import pytest

import providers.openai_images
from imaging.inspect import PictureFacts, inspect_picture
from sessions.artifacts import Made
from sessions.errors import (
    AttemptError,
    TransientFailure,
)
from sessions.money import Usage
from sessions.ports import ReferencePicture
from tests.unit.providers.asking import (
    COUNTED,
    KEY,
    PROMPT,
    a_call,
    body_with,
    failure_of,
    images_at,
    made_of,
    picture,
)
from tests.unit.providers.loopback import (
    Loopback,
    answered,
    refused,
)


class TestPictures:
    async def test_a_picture_without_references_is_generated(self) -> None:
        """The call's parameters reach the provider as they are, and nothing that current models refuse."""
        async with Loopback([answered(200, body_with(picture()))]) as server, images_at(server.base_url) as images:
            await images.generate(a_call())
        (request,) = server.received
        assert request.path == "/v1/images/generations"
        assert json.loads(request.body) == {
            "prompt": PROMPT,
            "model": "gpt-image-2.5-flare",
            "n": 1,
            "size": "64x32",
            "quality": "low",
            "output_format": "png",
        }

    async def test_references_are_sent_along_in_their_order(self) -> None:
        """With references the picture is made from them: as files, in order, with their types."""
        photos = (
            ReferencePicture(name="front.jpg", media_type="image/jpeg", data=picture(form="JPEG")),
            ReferencePicture(name="style.png", media_type="image/png", data=picture()),
        )
        async with Loopback([answered(200, body_with(picture()))]) as server, images_at(server.base_url) as images:
            await images.generate(a_call(references=photos))
        (request,) = server.received
        assert request.path == "/v1/images/edits"
        parts = parts_of(request.body, content_type=request.headers["content-type"])
        files = [(head, data) for head, data in parts if b"filename" in head]
        assert [photo.data for photo in photos] == [data for _, data in files]
        assert [b'name="image[]"; filename="front.jpg"' in files[0][0], b"Content-Type: image/png" in files[1][0]] == [
            True,
            True,
        ]
        fields = {head.split(b'"')[1].decode(): data.decode() for head, data in parts if b"filename" not in head}
        assert fields == {
            "prompt": PROMPT,
            "model": "gpt-image-2.5-flare",
            "n": "1",
            "size": "64x32",
            "quality": "low",
            "output_format": "png",
        }

    @pytest.mark.parametrize("form", ["png", "webp", "jpeg"])
    async def test_the_bytes_are_kept_as_they_came(self, form: str) -> None:
        """What is returned is byte for byte what was sent, so that its provenance data survives."""
        data = picture(form=form.upper())
        made = await made_of(
            answered(200, body_with(data), headers={"x-request-id": "req_7"}), call=a_call(format=form)
        )
        assert (
            Made(
                data=data,
                media_type=f"image/{form}",
                model="gpt-image-2.5-flare",
                request_id="req_7",
                usage=COUNTED,
                width=64,
                height=32,
            )
            == made
        )

    @pytest.mark.parametrize(
        ("usage", "counted"),
        [
            (None, None),
            ("many", None),
            ({"input_tokens": -1, "output_tokens": 2}, None),
            ({"input_tokens": 1, "output_tokens": 2}, Usage(input_tokens=1, output_tokens=2)),
            (
                {"input_tokens": 1, "output_tokens": 2, "input_tokens_details": None},
                Usage(input_tokens=1, output_tokens=2),
            ),
        ],
    )
    async def test_a_picture_is_not_lost_to_usage_that_makes_no_sense(
        self, usage: object, counted: Usage | None
    ) -> None:
        """Compatible servers count differently or not at all."""
        made = await made_of(answered(200, body_with(picture(), usage=usage)))
        assert counted == made.usage

    async def test_an_answer_is_decoded_outside_the_event_loop(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Megabytes of one attempt do not hold up the others."""
        threads: list[int] = []

        def noted(data: bytes) -> PictureFacts:
            threads.append(threading.get_ident())
            return inspect_picture(data)

        monkeypatch.setattr(providers.openai_images, "inspect_picture", noted)
        await made_of(answered(200, body_with(picture())))
        assert len(threads) == 1
        assert threading.get_ident() not in threads

    async def test_twenty_calls_run_at_the_same_time(self) -> None:
        """No call waits for another one's connection."""
        count = 20
        arrived = asyncio.Barrier(count)
        body = json.dumps(body_with(picture())).encode()

        async def together(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await arrived.wait()
            await answered(200, body)(reader, writer)

        async with (
            Loopback([together]) as server,
            images_at(server.base_url) as images,
            asyncio.timeout(20),
        ):
            made = await asyncio.gather(*(images.generate(a_call()) for _ in range(count)))
        assert count == len(made)

    async def test_a_connection_is_never_used_twice(self) -> None:
        """A server that closes an idle connection cannot make the next call look like a lost paid one."""
        async with Loopback([answered(200, body_with(picture()))]) as server, images_at(server.base_url) as images:
            for _ in range(3):
                await images.generate(a_call())
        assert server.connections == 3

    async def test_a_server_without_keys_is_called_without_a_secret(self) -> None:
        """A server on one's own machine needs no key."""
        async with (
            Loopback([answered(200, body_with(picture()))]) as server,
            images_at(server.base_url, api_key=None) as images,
        ):
            await images.generate(a_call())
        assert server.received[0].headers["authorization"] == "Bearer no-key-needed"


class TestSecrets:
    @pytest.mark.parametrize("status", [400, 401, 403, 429, 500])
    async def test_neither_key_nor_prompt_is_repeated(self, status: int, caplog: pytest.LogCaptureFixture) -> None:
        """Neither the message nor any log line holds them, even where the provider quotes both."""
        caplog.set_level(logging.INFO)
        message = f"Key {KEY} may not say {PROMPT!r} or {PROMPT}, see Authorization: Bearer {KEY}"
        failure = await failure_of(refused(status, message=message), AttemptError)
        seen = failure.message + failure.advice + caplog.text
        assert KEY not in seen
        assert "Steel bottle" not in seen
        assert "do not alter" not in seen

    async def test_the_provider_s_own_exception_is_not_carried_along(self) -> None:
        """A traceback of the failure cannot print what the SDK knows of the request."""
        failure = await failure_of(refused(500), TransientFailure)
        assert failure.__cause__ is None
        assert failure.__suppress_context__


class TestCancelling:
    async def test_a_cancelled_call_ends_and_lets_go_of_its_connection(self) -> None:
        """Being cancelled is no failure of the provider: it passes through, and the server sees the caller leave."""
        arrived, left = asyncio.Event(), asyncio.Event()

        async def waiting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            arrived.set()
            await reader.read()
            left.set()
            writer.close()

        async with Loopback([waiting]) as server, images_at(server.base_url) as images:
            generating = asyncio.create_task(images.generate(a_call()))
            async with asyncio.timeout(10):
                await arrived.wait()
                generating.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await generating
                await left.wait()


def parts_of(body: bytes, *, content_type: str) -> list[tuple[bytes, bytes]]:
    """Head and data of each part of a multipart body."""
    boundary = b"--" + content_type.partition("boundary=")[2].encode()
    parts = body.split(boundary)[1:-1]
    halves = [part.removeprefix(b"\r\n").removesuffix(b"\r\n").partition(b"\r\n\r\n") for part in parts]
    return [(head, data) for head, _, data in halves]
