"""Stories over HTTP: started, decided on, read, exported and taken home."""

import io
import json
import zipfile

import pytest

from screenplays.formats import FORMATS
from sessions.images import ImageSessionRequest
from sessions.scripts import StorySet
from sessions.state import SessionState
from sessions.stories import StorySessionRequest
from sessions.story_checks import outline_of, story_set_of
from tests.support.written import TITLE, outline_answer, set_answer
from tests.unit.api.in_memory import InMemory, application, client_of

REQUEST = StorySessionRequest(
    idea="Two keepers of a light.", total_segments=4, segments_per_set=2, approve_outline=True
)
PLAN = REQUEST.plan
OUTLINE = outline_of(outline_answer(sets=2), request=REQUEST, plan=PLAN)


def _set(number: int) -> StorySet:
    text = set_answer(PLAN.segments_of(number), is_first=number == 1, is_last=number == PLAN.total_sets)
    return story_set_of(text, metadata=OUTLINE.metadata, plan=PLAN, set_number=number)


SETS = {number: _set(number) for number in (1, 2)}


def _outlined(memory: InMemory) -> SessionState:
    return memory.write(memory.begin_story(REQUEST), key="outline", document=OUTLINE, title=TITLE)


async def test_only_the_idea_is_required(memory: InMemory) -> None:
    """The answer is the session, and says where it is."""
    async with client_of(application(memory)) as client:
        response = await client.post("/api/sessions/stories", json={"idea": "A short film about rain."})

    view = response.json()
    assert 202 == response.status_code
    assert view["links"]["self"] == response.headers["location"]
    assert ("story", 3) == (view["kind"], view["counts"]["total"])


TRAITS = ("id", "physical_appearance", "clothing", "personality", "role", "voice")


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"idea": ""}, "#/idea"),
        ({"idea": "x" * 100_001}, "#/idea"),
        ({"total_segments": 0}, "#/total_segments"),
        ({"total_segments": 10_000_000}, "#/total_segments"),
        ({"segments_per_set": 21}, "#/segments_per_set"),
        ({"characters": [{"description": "Nameless."}]}, "#/characters/0/name"),
        ({"characters": [{"name": "\u200b\ufeff"}]}, "#/characters/0/name"),
        *(({"characters": [{"name": "Ada", trait: "\u200b"}]}, f"#/characters/0/{trait}") for trait in TRAITS),
        ({"title": "No such field"}, "#/title"),
    ],
)
async def test_bad_input_is_named_and_starts_nothing(
    memory: InMemory, changed: dict[str, object], pointer: str
) -> None:
    """The problem points to the field that is wrong."""
    async with client_of(application(memory)) as client:
        response = await client.post("/api/sessions/stories", json={"idea": "An idea.", **changed})

    assert 422 == response.status_code
    assert [pointer] == [error["pointer"] for error in response.json()["errors"]]
    assert {} == memory.states


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"characters": [{"name": "Ada"}, {"name": " ada "}]}, "characters: share the name ada"),
        ({"characters": [{"name": "A", "id": "x"}, {"name": "B", "id": "x"}]}, "characters: share the id x"),
        ({"total_segments": 2000, "segments_per_set": 1}, "2,000 sets; 1,000 are the most, so raise segments_per_set"),
    ],
)
async def test_what_does_not_fit_together_is_said_in_words(
    memory: InMemory, body: dict[str, object], said: str
) -> None:
    """The advice tells what to change."""
    async with client_of(application(memory)) as client:
        response = await client.post("/api/sessions/stories", json={"idea": "An idea.", **body})

    assert 422 == response.status_code
    assert said in response.json()["detail"]


async def test_an_outline_is_read_with_all_that_is_in_it(memory: InMemory) -> None:
    """In the form in which it can be sent back."""
    state = _outlined(memory)
    async with client_of(application(memory)) as client:
        response = await client.get(f"/api/sessions/{state.id}/outline")

    assert OUTLINE.model_dump(mode="json") == response.json()


async def test_an_approval_lets_the_sets_begin(memory: InMemory) -> None:
    """The outline stays as it is."""
    state = _outlined(memory)
    async with client_of(application(memory)) as client:
        response = await client.put(f"/api/sessions/{state.id}/outline", json={"approve": True})

    assert 202 == response.status_code
    assert not memory.states[state.id].awaits_approval


async def test_an_outline_is_replaced_by_what_is_sent(memory: InMemory) -> None:
    """Read, changed and sent back, it is the outline's next version, and names the story."""
    state = _outlined(memory)
    async with client_of(application(memory)) as client:
        outline = (await client.get(f"/api/sessions/{state.id}/outline")).json()
        changed = {**outline, "title": "Another Light"}
        response = await client.put(f"/api/sessions/{state.id}/outline", json={"outline": changed})
        again = (await client.get(f"/api/sessions/{state.id}/outline")).json()

    assert 202 == response.status_code
    assert "Another Light" == response.json()["title"]
    assert "Another Light" == again["title"]
    item = memory.states[state.id].item("outline")
    assert (1, 2) == (item.attempt, item.artifact.attempt if item.artifact else None)
    shown = response.json()["items"][0]
    assert (1, 3, 0, None, 2) == tuple(
        shown[name] for name in ("attempt", "max_attempts", "retry_count", "variation", "selected_attempt")
    )


@pytest.mark.parametrize(
    ("decision", "said"),
    [
        ({}, 'end either {"approve": true} or {"outline": {…}}'),
        ({"approve": False}, "approve"),
        ({"approve": True, "outline": OUTLINE.model_dump(mode="json")}, "end either"),
        ({"outline": {"title": "Alone"}}, "is required"),
        ({"outline": OUTLINE.model_dump(mode="json") | {"sets": [{"set_number": 1}]}}, "sets"),
        ({"outline": OUTLINE.model_dump(mode="json") | {"sets": [OUTLINE.sets[0].model_dump(mode="json")]}}, "set"),
        ({"outline": OUTLINE.model_dump(mode="json") | {"title": "x" * 60}}, "title"),
    ],
)
async def test_a_decision_that_cannot_be_is_refused(memory: InMemory, decision: object, said: str) -> None:
    """The session still waits, and the answer says what is wrong."""
    state = _outlined(memory)
    async with client_of(application(memory)) as client:
        response = await client.put(f"/api/sessions/{state.id}/outline", json=decision)

    assert 422 == response.status_code
    assert said in response.json()["detail"]
    assert state == memory.states[state.id]


async def test_nobody_decides_on_an_outline_twice(memory: InMemory) -> None:
    """The second decision finds nothing that waits for it."""
    state = _outlined(memory)
    async with client_of(application(memory)) as client:
        await client.put(f"/api/sessions/{state.id}/outline", json={"approve": True})
        response = await client.put(f"/api/sessions/{state.id}/outline", json={"approve": True})

    assert 409 == response.status_code


async def test_an_outline_that_is_not_there_cannot_be_decided_on(memory: InMemory) -> None:
    """It is still being written."""
    state = memory.begin_story(REQUEST)
    async with client_of(application(memory)) as client:
        answers = [
            await client.put(f"/api/sessions/{state.id}/outline", json={"approve": True}),
            await client.get(f"/api/sessions/{state.id}/outline"),
            await client.get(f"/api/sessions/{state.id}/story"),
            await client.get(f"/api/sessions/{state.id}/export/md"),
        ]

    assert [409] * 4 == [answer.status_code for answer in answers]
    assert all("“Outline” is not ready yet" in answer.json()["detail"] for answer in answers)


async def test_a_story_is_put_together_from_the_sets_that_are_ready(memory: InMemory) -> None:
    """What is the same everywhere stands once; each set as it is stored."""
    state = memory.write(_outlined(memory), key="set-02", document=SETS[2])
    async with client_of(application(memory)) as client:
        response = await client.get(f"/api/sessions/{state.id}/story")

    story = response.json()
    assert "application/json" == response.headers["content-type"]
    assert OUTLINE.metadata.model_dump(mode="json") == {key: value for key, value in story.items() if key != "sets"}
    assert [SETS[2].model_dump(mode="json")] == story["sets"]


@pytest.mark.parametrize("name", FORMATS)
async def test_a_story_is_exported(memory: InMemory, name: str) -> None:
    """Every format is a download that is named by the story."""
    state = memory.write(_outlined(memory), key="set-01", document=SETS[1])
    async with client_of(application(memory)) as client:
        response = await client.get(f"/api/sessions/{state.id}/export/{name}")

    assert 200 == response.status_code
    assert FORMATS[name].media_type == response.headers["content-type"]
    assert f"The_Last_Light.{FORMATS[name].extension}" in response.headers["content-disposition"]
    assert response.content


async def test_an_unknown_format_is_refused(memory: InMemory) -> None:
    """The answer names those there are."""
    state = _outlined(memory)
    async with client_of(application(memory)) as client:
        response = await client.get(f"/api/sessions/{state.id}/export/docx")

    assert 422 == response.status_code
    assert "'md', 'fountain', 'fdx', 'pdf' or 'csv'" in response.json()["detail"]


async def test_the_archive_holds_the_story_under_its_names(memory: InMemory) -> None:
    """Metadata, outline and each finished set; the bytes of a set are those that are stored."""
    state = memory.write(_outlined(memory), key="set-02", document=SETS[2])
    async with client_of(application(memory)) as client:
        response = await client.get(f"/api/sessions/{state.id}/archive")

    archive = zipfile.ZipFile(io.BytesIO(response.content))
    named = [f"The_Last_Light_{name}.json" for name in ("metadata", "outline", "set_02")]
    assert [*named, "manifest.json"] == archive.namelist()
    assert SETS[2].model_dump(mode="json") == json.loads(archive.read(named[2]))
    assert OUTLINE.metadata.model_dump(mode="json") == json.loads(archive.read(named[0]))


@pytest.mark.parametrize("what", ["outline", "story", "export/pdf"])
async def test_images_have_no_story(memory: InMemory, what: str) -> None:
    """Nor has a session that is not there."""
    state = memory.begin(ImageSessionRequest.model_validate({"product": {"title": "Steel bottle"}}))
    async with client_of(application(memory)) as client:
        responses = [
            await client.get(f"/api/sessions/{session_id}/{what}") for session_id in (state.id, "ses-aaaaaaaaaaaaaaaa")
        ]

    assert [404, 404] == [response.status_code for response in responses]


async def test_a_person_starts_a_story_at_the_page(memory: InMemory) -> None:
    """The form leads to the session, and a mistake is shown beside its field with what was typed."""
    headers = {"accept": "text/html"}
    async with client_of(application(memory)) as client:
        started = await client.post("/new/story", data={"idea": "Rain.", "segments": "20"}, headers=headers)
        refused = await client.post("/new/story", data={"idea": "<b>Rain", "segments": "many"}, headers=headers)

    (state,) = memory.states.values()
    assert (303, f"/sessions/{state.id}") == (started.status_code, started.headers["location"])
    assert 422 == refused.status_code
    assert "Segments: must be a whole number." in refused.text
    assert "&lt;b&gt;Rain" in refused.text


async def test_the_page_of_a_story_leads_to_where_it_is_read(memory: InMemory) -> None:
    """Sets are read, not looked at."""
    state = memory.write(_outlined(memory), key="set-01", document=SETS[1])
    async with client_of(application(memory)) as client:
        page = (await client.get(f"/sessions/{state.id}", headers={"accept": "text/html"})).text
        home = (await client.get("/", headers={"accept": "text/html"})).text

    assert f'href="/sessions/{state.id}/items/set-01"' in page
    assert f'href="/sessions/{state.id}/story"' in page
    assert '/content?attempt=1"><img' not in page + home
