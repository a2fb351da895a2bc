"""The page of an item: its versions compared, which counts, and every way to another one."""

import json
import re
from collections.abc import AsyncGenerator

import httpx2
import pytest

from api.web.item import of_item
from service.watch import Change
from sessions.artifacts import Artifact, Receipt
from sessions.identifiers import artifact_key
from sessions.images import ImageSessionRequest
from sessions.state import SessionState, item_started
from sessions.steering import RetakeRequest
from sessions.stories import StorySessionRequest
from sessions.story_checks import story_set_of
from tests.unit.api.hearing import messages
from tests.unit.api.in_memory import MOMENT, InMemory, application
from tests.unit.api.serving import served
from tests.unit.sessions.story_examples import outline_for, set_answer

HTML = {"Accept": "text/html,*/*"}
SCRIPTED = {"HX-Request": "true"}
FIRST_PROMPT = "Image: Main\nA red <b>bottle</b>."
SECOND_PROMPT = "Image: Main\nA blue <b>bottle</b>.\n[VARIATION: Emphasize clarity and simplicity]"


def give_prompt(memory: InMemory, session_id: str, *, attempt: int, prompt: str, key: str = "main") -> None:
    """Keep what a version was made from."""
    artifact = next(
        one.artifact
        for one in memory.entries[session_id]
        if one.item == key and one.attempt == attempt and one.artifact is not None
    )
    receipt = Receipt(artifact=Artifact.model_validate(artifact), model="m", prompt=prompt)
    memory.receipts[artifact_key(session_id, item=key, attempt=attempt)] = receipt


@pytest.fixture
async def retaken(memory: InMemory) -> SessionState:
    """A session whose only image has two versions, the newer of which counts."""
    state = memory.begin(ImageSessionRequest.model_validate({"product": {"title": "T"}, "images": [{"type": "main"}]}))
    memory.complete(state, key="main", data=b"first")
    await memory.retake(state.id, RetakeRequest(), item="main")
    state = memory.complete(memory.states[state.id], key="main", data=b"second", attempt=2)
    give_prompt(memory, state.id, attempt=1, prompt=FIRST_PROMPT)
    give_prompt(memory, state.id, attempt=2, prompt=SECOND_PROMPT)
    return state


async def test_versions_stand_side_by_side_with_the_difference_of_their_prompts(
    client: httpx2.AsyncClient, retaken: SessionState
) -> None:
    """Pictures, variations and words put in and taken out; the prompt to edit comes without its variation."""
    page = (await client.get(f"/sessions/{retaken.id}/items/main", headers=HTML)).text
    for attempt in (1, 2):
        assert f'src="/api/sessions/{retaken.id}/items/main/content?attempt={attempt}"' in page
    assert "<del>red </del><ins>blue </ins>&lt;b&gt;bottle&lt;/b&gt;." in page
    assert "<ins>\n[VARIATION: Emphasize clarity and simplicity]</ins>" in page
    assert "Version 2 of 2 counts: the newest does until a person chooses." in page
    assert "\nImage: Main\nA blue &lt;b&gt;bottle&lt;/b&gt;.</textarea>" in page
    assert 1 == page.count("Use this version")
    assert f'href="/sessions/{retaken.id}/attempts?item=main"' in page
    assert " style=" not in page


async def test_a_person_chooses_which_version_counts(
    client: httpx2.AsyncClient, memory: InMemory, retaken: SessionState
) -> None:
    """And reads that newer ones do not take its place; what cannot be chosen is refused."""
    place = f"/sessions/{retaken.id}/items/main"
    response = await client.post(f"{place}/select", data={"attempt": "1"}, headers=HTML)
    assert (303, place) == (response.status_code, response.headers["location"])
    chosen = memory.states[retaken.id].item("main").artifact
    assert chosen is not None
    assert 1 == chosen.attempt
    page = (await client.get(place, headers=HTML)).text
    assert "Version 1 of 2 counts, as a person chose." in page
    for attempt, status in (("7", 422), ("x", 422), ("0", 422)):
        refused = await client.post(f"{place}/select", data={"attempt": attempt}, headers=SCRIPTED)
        assert status == refused.status_code
        assert "application/problem+json" == refused.headers["content-type"]
    assert 204 == (await client.post(f"{place}/select", data={"attempt": "2"}, headers=SCRIPTED)).status_code


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", [2, 3]),
        ("?left=1&right=3", [1, 3]),
        ("?left=3&right=1", [3, 1]),
        ("?left=1&right=1", [2, 3]),
        ("?left=1&right=9", [2, 3]),
    ],
)
async def test_any_two_of_several_versions_can_be_compared(
    client: httpx2.AsyncClient, memory: InMemory, retaken: SessionState, query: str, shown: list[int]
) -> None:
    """Left to itself, the page shows the one that counts and the one before it."""
    await memory.retake(retaken.id, RetakeRequest(), item="main")
    memory.complete(memory.states[retaken.id], key="main", data=b"third", attempt=3)
    page = (await client.get(f"/sessions/{retaken.id}/items/main{query}", headers=HTML)).text
    assert [str(attempt) for attempt in shown] == re.findall(r'<li id="version-(\d+)"', page)
    assert ">Compare</button>" in page


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ({"note": " Blue\r\nlid "}, {"note": "Blue\nlid"}),
        ({"note": "Blue", "from_previous": "true"}, {"note": "Blue", "is_refined": True}),
        ({"prompt": "Mine\r\n"}, {"prompt": "Mine"}),
        ({}, {"note": None, "prompt": None, "is_refined": False}),
    ],
)
async def test_a_retake_asks_for_what_was_typed(
    client: httpx2.AsyncClient,
    memory: InMemory,
    retaken: SessionState,
    typed: dict[str, str],
    wanted: dict[str, object],
) -> None:
    """A note, a prompt of one's own, or from the picture there is; and back to the page that it was asked from."""
    place = f"/sessions/{retaken.id}/items/main"
    response = await client.post(f"{place}/retake", data={**typed, "place": "item"}, headers=HTML)
    assert (303, place) == (response.status_code, response.headers["location"])
    item = memory.states[retaken.id].item("main")
    assert wanted == {name: getattr(item, name) for name in wanted}
    page = (await client.get(place, headers=HTML)).text
    assert "It waits for its turn, to be made again." in page
    assert ">Retake</button>" not in page


async def test_a_retake_that_cannot_be_says_why(client: httpx2.AsyncClient, retaken: SessionState) -> None:
    """A picture to start from needs words that say what is to change; a note and a prompt do not go together."""
    place = f"/sessions/{retaken.id}/items/main/retake"
    for typed in ({"from_previous": "true"}, {"note": "a", "prompt": "b"}, {"note": "x" * 2001}):
        refused = await client.post(place, data=typed, headers=SCRIPTED)
        assert 422 == refused.status_code
        assert refused.json()["detail"]


async def test_forms_on_a_card_lead_back_to_it(
    client: httpx2.AsyncClient, memory: InMemory, state: SessionState
) -> None:
    """The same routes serve the board."""
    response = await client.post(f"/sessions/{state.id}/items/comparison/retry", data={"note": "Calmer"}, headers=HTML)
    assert f"/sessions/{state.id}#card-comparison" == response.headers["location"]
    assert "Calmer" == memory.states[state.id].item("comparison").note
    response = await client.post(f"/sessions/{state.id}/items/main/retake", headers=HTML)
    assert f"/sessions/{state.id}#card-main" == response.headers["location"]


async def test_a_failed_item_is_retried_from_its_page(
    client: httpx2.AsyncClient, memory: InMemory, state: SessionState
) -> None:
    """What went wrong, what to do, and a note to change."""
    place = f"/sessions/{state.id}/items/comparison"
    page = (await client.get(place, headers=HTML)).text
    assert "The provider refused the content (violence)." in page
    assert "Change the note, then retry." in page
    assert ">Retry</button>" in page
    response = await client.post(f"{place}/retry", data={"note": "Calmer", "place": "item"}, headers=HTML)
    assert (303, place) == (response.status_code, response.headers["location"])
    assert "Calmer" == memory.states[state.id].item("comparison").note
    assert "It waits for its turn." in (await client.get(place, headers=HTML)).text


async def test_one_version_is_downloaded_under_a_name_of_its_own(
    client: httpx2.AsyncClient, retaken: SessionState
) -> None:
    """Label, attempt and title; the bytes are those of the version that was asked for."""
    place = f"/sessions/{retaken.id}/items/main/download"
    response = await client.get(f"{place}?attempt=2", headers=HTML)
    assert b"second" == response.content
    assert (
        "attachment; filename=\"main-2.png\"; filename*=UTF-8''Main_image_2_T.png"
        == response.headers["content-disposition"]
    )
    assert 404 == (await client.get(f"{place}?attempt=9", headers=HTML)).status_code


@pytest.mark.parametrize("path", ["nothing", "nothing/live", "nothing/download", "%00"])
async def test_an_item_that_is_not_there_is_not_found(
    client: httpx2.AsyncClient, retaken: SessionState, path: str
) -> None:
    """In words, on a page."""
    response = await client.get(f"/sessions/{retaken.id}/items/{path}", headers=HTML)
    assert 404 == response.status_code
    assert "This session has no item" in response.text


async def test_a_set_and_an_outline_are_shown_as_text(client: httpx2.AsyncClient, memory: InMemory) -> None:
    """Scenes, narration and dialogue with the names of who speaks; bytes that are gone are said to be."""
    request = StorySessionRequest.model_validate({"idea": "A lighthouse.", "total_segments": 10})
    outline = outline_for(request)
    answer = json.dumps(set_answer(request.plan, 1))
    story_set = story_set_of(answer, metadata=outline.metadata, plan=request.plan, set_number=1)
    state = memory.write(memory.begin_story(request), key="outline", document=outline)
    state = memory.write(state, key="set-01", document=story_set)
    page = (await client.get(f"/sessions/{state.id}/items/set-01", headers=HTML)).text
    assert story_set.segments[0].scene in page
    assert len(story_set.segments) == page.count('class="scene"')
    assert '<span class="speaker">Ada</span> Who is there?' in page
    page = (await client.get(f"/sessions/{state.id}/items/outline", headers=HTML)).text
    assert outline.short_summary in page
    assert "Use this version" not in page
    del memory.stored[artifact_key(state.id, item="set-01", attempt=1)]
    page = (await client.get(f"/sessions/{state.id}/items/set-01", headers=HTML)).text
    assert "Its text cannot be read any more." in page


async def test_the_page_changes_by_itself(memory: InMemory, state: SessionState) -> None:
    """The whole of what is shown, at once and when the item is being made."""
    async with (
        served(application(memory)) as (_, client),
        client.stream("GET", f"/sessions/{state.id}/items/lifestyle/live") as stream,
    ):
        heard = messages(stream)
        assert "It waits for its turn." in await anext(heard)
        memory.put(item_started(memory.states[state.id], key="lifestyle", now=MOMENT))
        await memory.tell()
        assert "Attempt 1 of 3 is being made." in await anext(heard)


async def test_what_becomes_of_other_items_is_no_news(memory: InMemory, state: SessionState) -> None:
    """A thousand of them would have each page read its versions a thousand times. The last change always comes."""
    others = [item.key for item in state.items if item.key not in ("main", "comparison")]
    is_closed = False

    async def changes() -> AsyncGenerator[Change, None]:
        nonlocal is_closed
        try:
            yield Change(seen=await memory.seen(state.id), is_last=False)
            for key in others:
                memory.put(item_started(memory.states[state.id], key=key, now=MOMENT))
                yield Change(seen=await memory.seen(state.id), is_last=False)
            yield Change(seen=await memory.seen(state.id), is_last=True)
        finally:
            is_closed = True

    assert [False, True] == [change.is_last async for change in of_item(changes(), key="main")]
    memory.put(state)
    assert [False, False, True] == [change.is_last async for change in of_item(changes(), key="lifestyle")]
    assert is_closed
