"""The reader of a story, as it is served."""

import re
from collections.abc import AsyncGenerator

import httpx2

from api.web.rendering import Pages
from api.web.story_parts import StoryParts
from service.watch import Change
from sessions.identifiers import artifact_key
from sessions.images import ImageSessionRequest
from sessions.present import Seen, session_view
from sessions.scripts import DialogueLine, Outline, StorySet
from sessions.state import SessionState
from sessions.stories import StorySessionRequest, set_key
from sessions.story_checks import outline_of, story_set_of
from tests.support.written import TITLE, outline_answer, set_answer
from tests.unit.api.in_memory import InMemory, application
from tests.unit.api.serving import served

HTML = {"Accept": "text/html,*/*"}
REQUEST = StorySessionRequest(idea="Two keepers of a light.", total_segments=4, segments_per_set=2)
LONG = StorySessionRequest(idea="A saga.", total_segments=10_000, segments_per_set=10)
NASTY = "<script>alert(1)</script> 🫙 قارورة"


def outline(request: StorySessionRequest = REQUEST) -> Outline:
    return outline_of(
        outline_answer(sets=request.plan.total_sets, parts=request.plan.total_parts), request=request, plan=request.plan
    )


def with_outline(memory: InMemory, request: StorySessionRequest = REQUEST, **changed: object) -> SessionState:
    """Put down a story whose outline is written."""
    document = outline(request).model_copy(update=changed)
    return memory.write(memory.begin_story(request), key="outline", document=document, title=document.title)


def with_set(memory: InMemory, state: SessionState, number: int, *, line: str = "") -> SessionState:
    """Let a set be written."""
    request = memory.stories[state.id]
    plan = request.plan
    text = set_answer(plan.segments_of(number), is_first=number == 1, is_last=number == plan.total_sets)
    written = story_set_of(text, metadata=outline(request).metadata, plan=plan, set_number=number)
    if line:
        first = written.segments[0].model_copy(
            update={
                "content_type": "dialogue",
                "narration": None,
                "dialogue": (DialogueLine(character_id="ada", line=line),),
                "scene": line,
            }
        )
        segments = [one.model_dump() for one in (first, *written.segments[1:])]
        written = StorySet.model_validate({**written.model_dump(), "segments": segments})
    return memory.write(state, key=set_key(number), document=written)


async def _messages(response: httpx2.Response) -> AsyncGenerator[str, None]:
    """Yield what a stream sends but its signs of life."""
    kind, lines = "", []
    async for line in response.aiter_lines():
        if line.startswith("event:"):
            kind = line
        elif line.startswith("data:"):
            lines.append(line.removeprefix("data:").removeprefix(" "))
        elif not line:
            if lines and not kind:
                yield "\n".join(lines)
            kind, lines = "", []


async def test_a_story_is_read_while_it_is_written(client: httpx2.AsyncClient, memory: InMemory) -> None:
    """What is there is read, with who speaks; what is not says where it stands; every export is a link."""
    state = with_set(memory, with_outline(memory), 1, line="Who goes there?")
    state = memory.fail(state, key="set-02")
    page = (await client.get(f"/sessions/{state.id}/story", headers=HTML)).text
    assert f'<h1 dir="auto">{TITLE}</h1>' in page
    assert "A keeper and a light." in page
    assert "An oilskin." in page
    assert '<p class="speaker" dir="auto">Ada</p><p class="spoken" dir="auto">Who goes there?</p>' in page
    assert "What happens in segment 2." in page
    assert page.index('id="set-1"') < page.index('id="segment-1"') < page.index('id="set-2"')
    assert re.search(r"segments 3–4\s+· attempt 3 of 3", page)
    assert "This set could not be written." in page
    assert "The provider refused the content (violence)." in page
    for extension in ("md", "fountain", "fdx", "pdf", "csv"):
        assert f'href="/api/sessions/{state.id}/export/{extension}"' in page


async def test_before_the_outline_there_are_places(client: httpx2.AsyncClient, memory: InMemory) -> None:
    """Nothing to export yet."""
    state = memory.begin_story(REQUEST)
    page = (await client.get(f"/sessions/{state.id}/story", headers=HTML)).text
    assert 2 == page.count("This set waits for the outline.")
    assert "/export/" not in page


async def test_what_is_written_is_shown_as_text(client: httpx2.AsyncClient, memory: InMemory) -> None:
    """Markup, emoji and writing from right to left stay what they are."""
    state = with_outline(memory, title=NASTY[:59])
    state = with_set(memory, state, 1, line=NASTY)
    page = (await client.get(f"/sessions/{state.id}/story", headers=HTML)).text
    assert "<script>alert" not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt; 🫙 قارورة") >= 3


async def test_only_the_sets_of_a_part_are_read(client: httpx2.AsyncClient, memory: InMemory) -> None:
    """Of a thousand sets four are sent; one of them that has left the store keeps nobody from the others."""
    state = with_outline(memory, LONG)
    for number in (1, 2, 999, 1000):
        state = with_set(memory, state, number)
    for number in (2, 1000):
        del memory.stored[artifact_key(state.id, item=set_key(number), attempt=1)]
    first = (await client.get(f"/sessions/{state.id}/story", headers=HTML)).text
    assert ["1", "2", "3", "4"] == re.findall(r'<section id="set-(\d+)"', first)
    assert "What happens in segment 10." in first
    assert 1 == first.count("What was written is no longer stored.")
    assert 'href="/sessions/' + state.id + '/story?part=250"' not in first
    assert "Sets 981–1000" in first
    last = (await client.get(f"/sessions/{state.id}/story?part=9999", headers=HTML)).text
    assert "part 250 of 250" in last
    assert "What happens in segment 9990." in last
    led = await client.get(f"/sessions/{state.id}/story?set=999", headers=HTML)
    assert (303, f"/sessions/{state.id}/story?part=250#set-999") == (led.status_code, led.headers["location"])


async def test_what_was_read_is_not_read_again(client: httpx2.AsyncClient, memory: InMemory) -> None:
    """A page that is shown at every change does not ask the store each time."""
    state = with_set(memory, with_outline(memory), 1)
    first = (await client.get(f"/sessions/{state.id}/story", headers=HTML)).text
    memory.stored.clear()
    assert "What happens in segment 2." in first
    assert "What happens in segment 2." in (await client.get(f"/sessions/{state.id}/story", headers=HTML)).text


async def test_images_have_no_story(client: httpx2.AsyncClient, memory: InMemory) -> None:
    """The answer says so."""
    state = memory.begin(ImageSessionRequest.model_validate({"product": {"title": "T"}}))
    for place in ("story", "story/live", "outline", "outline/live"):
        response = await client.get(f"/sessions/{state.id}/{place}", headers=HTML)
        assert (404, "text/html; charset=utf-8") == (response.status_code, response.headers["content-type"])


async def test_a_set_arrives(memory: InMemory) -> None:
    """The first message is what stands, the next holds the set."""
    state = with_outline(memory, LONG)
    async with (
        served(application(memory)) as (_, client),
        client.stream("GET", f"/sessions/{state.id}/story/live?part=2") as response,
    ):
        messages = _messages(response)
        assert "What happens" not in await anext(messages)
        with_set(memory, state, 6)
        await memory.tell()
        assert "What happens in segment 51." in await anext(messages)


async def test_only_what_changes_in_a_part_is_told(memory: InMemory) -> None:
    """After the whole, a message holds pieces; a change that is seen nowhere is none."""
    first = with_set(memory, with_outline(memory, LONG), 1)
    elsewhere = first.model_copy(update={"budget_microdollars": 5, "revision": first.revision + 1})
    second = with_set(memory, elsewhere, 2)
    changes = [
        Change(seen=Seen(view=session_view(state), state=state, under_way={}), is_last=False)
        for state in (first, elsewhere, second)
    ]
    parts = StoryParts(pages=Pages(asks_for_key=False))

    async def told() -> AsyncGenerator[Change, None]:
        for change in changes:
            yield change

    here = [event.decode() async for event in parts.events(told(), part=1, stories=memory.services.stories)]
    assert ["contents", "set-2"] == re.findall(r'hx-target="#([^"]+)" hx-swap="outerMorph">', here[1])
    assert 2 == len(here)
    far = [event.decode() async for event in parts.events(told(), part=200, stories=memory.services.stories)]
    assert 'id="set-797"' in far[0]
    assert "set-797" not in far[1]


async def test_a_message_is_small(memory: InMemory) -> None:
    """Of 10,000 segments with texts of the usual length, one holds at most 100 kB."""
    state = with_outline(memory, LONG)
    usual = {
        "scene": 240,
        "narration": 130,
        "camera": 60,
        "background_definition": 90,
        "music": 50,
        "sound_effects": 50,
    }
    metadata, plan = outline(LONG).metadata, LONG.plan
    for number in range(1, 5):
        written = story_set_of(
            set_answer(plan.segments_of(number), is_first=number == 1), metadata=metadata, plan=plan, set_number=number
        )
        segments = [
            one.model_copy(update={name: "w" * length for name, length in usual.items()}) for one in written.segments
        ]
        state = memory.write(
            state, key=set_key(number), document=written.model_copy(update={"segments": tuple(segments)})
        )
    async with (
        served(application(memory)) as (_, client),
        client.stream("GET", f"/sessions/{state.id}/story/live") as response,
    ):
        message = await anext(_messages(response))
    assert 40 == message.count("<article")
    assert 100_000 >= len(message.encode())


async def test_the_outline_is_live_until_it_is_there(memory: InMemory) -> None:
    """Then the stream ends: nothing moves under somebody who types."""
    state = memory.begin_story(REQUEST.model_copy(update={"approve_outline": True}))
    async with (
        served(application(memory)) as (_, client),
        client.stream("GET", f"/sessions/{state.id}/outline/live") as response,
    ):
        messages = _messages(response)
        assert "The outline is being written." in await anext(messages)
        memory.write(state, key="outline", document=outline(), title=TITLE)
        await memory.tell()
        last = await anext(messages)
        assert 'id="stream"' not in last
        assert ">Approve<" in last
        assert [] == [message async for message in messages]
