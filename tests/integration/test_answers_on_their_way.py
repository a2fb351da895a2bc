"""An answer that has arrived is paid for: whoever stops the call while it is being read gets it all the same."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from providers import openai_images, openai_text, openai_written
from providers.openai_text import TextApi
from tests.support.eventually import eventually
from tests.unit.providers import asking, asking_texts
from tests.unit.providers.asking_texts import APIS, a_text_call, texts_at, unheard
from tests.unit.providers.loopback import Loopback, answered

Read = Callable[..., Any]


class Reader:
    """Reads an answer once the test lets it, in the thread in which answers are read."""

    def __init__(self, read: Read) -> None:
        self.reached, self.opened = threading.Event(), threading.Event()
        self._read = read

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        self.reached.set()
        assert self.opened.wait(10)
        return self._read(*arguments, **named)

    async def is_reached(self) -> None:
        """Wait until an answer has arrived."""
        assert await asyncio.to_thread(self.reached.wait, 10)


@pytest.mark.parametrize("api", APIS)
async def test_a_text_is_read_to_its_end(api: TextApi, monkeypatch: pytest.MonkeyPatch) -> None:
    """Being stopped comes too late for it."""
    name = "written_response" if api == "responses" else "written_chat"
    reader = Reader(getattr(openai_written, name))
    monkeypatch.setattr(openai_text, name, reader)
    body = asking_texts.a_body(api)
    async with Loopback([answered(200, body)]) as server, texts_at(server.base_url, api=api) as texts:
        writing = asyncio.create_task(texts.write(a_text_call(), on_pending=unheard))
        await reader.is_reached()
        writing.cancel()
        await asyncio.sleep(0)
        reader.opened.set()
        assert asking_texts.TEXT == (await writing).text


async def test_a_picture_is_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Decoding megabytes takes long enough to be stopped in."""
    reader = Reader(openai_images._made)
    monkeypatch.setattr(openai_images, "_made", reader)
    body = asking.body_with(asking.picture())
    async with Loopback([answered(200, body)]) as server, asking.images_at(server.base_url) as images:
        making = asyncio.create_task(images.generate(asking.a_call()))
        await reader.is_reached()
        making.cancel()
        await asyncio.sleep(0)
        reader.opened.set()
        assert asking.picture() == (await making).data


async def test_a_deadline_that_passes_meanwhile_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer has come in time; that it is read afterwards is no fault of the provider's."""
    reader = Reader(openai_written.written_response)
    monkeypatch.setattr(openai_text, "written_response", reader)
    body = asking_texts.a_body("responses")

    async def pass_by(deadline: asyncio.Timeout) -> None:
        await reader.is_reached()
        deadline.reschedule(0)
        await eventually(deadline.expired)
        reader.opened.set()

    async with Loopback([answered(200, body)]) as server, texts_at(server.base_url, api="responses") as texts:
        async with asyncio.timeout(None) as deadline:
            passing = asyncio.create_task(pass_by(deadline))
            written = await texts.write(a_text_call(), on_pending=unheard)
        await passing
    assert asking_texts.TEXT == written.text
