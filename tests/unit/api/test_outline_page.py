"""The outline of a story as a page: read, changed, approved."""

import httpx2
import pytest

from sessions.state import SessionState, outline_approved
from sessions.stories import StorySessionRequest, part_key
from sessions.story_checks import outlined_part_of
from tests.support.forms import Form
from tests.support.written import TITLE, valid_answer
from tests.unit.api.in_memory import MOMENT, InMemory
from tests.unit.api.test_story_page import HTML, NASTY, outline, with_outline

REQUEST = StorySessionRequest(
    idea="Two keepers of a light.", total_segments=4, segments_per_set=2, approve_outline=True
)
LONG = StorySessionRequest(idea="A saga.", total_segments=10_000, segments_per_set=10, approve_outline=True)


@pytest.fixture
def waiting(memory: InMemory) -> SessionState:
    """A story whose outline waits for a person."""
    return with_outline(memory, REQUEST)


def page_of(state: SessionState) -> str:
    return f"/sessions/{state.id}/outline"


async def form_of(client: httpx2.AsyncClient, state: SessionState) -> dict[str, str]:
    """Return the fields of the form, as a browser would send them untouched."""
    page = await client.get(page_of(state), headers=HTML)
    return Form(page.text, action=page_of(state)).fields


async def sent(client: httpx2.AsyncClient, state: SessionState, fields: dict[str, str]) -> httpx2.Response:
    """Send the form as the page does."""
    return await client.post(page_of(state), files={name: (None, text) for name, text in fields.items()}, headers=HTML)


async def test_approved_as_it_is(client: httpx2.AsyncClient, memory: InMemory, waiting: SessionState) -> None:
    """An untouched form adds no version, whatever browsers do to line ends; the reader is next."""
    response = await sent(client, waiting, await form_of(client, waiting))
    assert (303, f"/sessions/{waiting.id}/story") == (response.status_code, response.headers["location"])
    state = memory.states[waiting.id]
    assert not state.awaits_approval
    assert 1 == len(state.item("outline").versions)


async def test_approved_with_changes(client: httpx2.AsyncClient, memory: InMemory, waiting: SessionState) -> None:
    """Every field can be changed, a character taken out and others added; what was not touched stays as it was."""
    fields = await form_of(client, waiting)
    response = await sent(
        client,
        waiting,
        {
            **fields,
            "title": "Another Light",
            "hashtags": "#a #b, #c #d #e #f #g",
            "description": "One.\r\n\r\nTwo.",
            "character-1-role": "The older keeper.",
            "character-2-out": "out",
            "character-3-name": "Cleo",
            **{f"character-3-{trait}": "Odd." for trait in ("physical_appearance", "clothing", "personality", "role")},
            "character-3-voice": "High.",
            "set-2-beats": "They meet.\r\n\r\n They part. \r\n",
            "set-2-ends": "Alone.",
        },
    )
    assert 303 == response.status_code
    story = (await client.get(f"/api/sessions/{waiting.id}/outline")).json()
    before = outline(REQUEST).model_dump(mode="json")
    assert ("Another Light", "One.\n\nTwo.") == (story["title"], story["description"])
    assert ["#a", "#b", "#c", "#d", "#e", "#f", "#g"] == story["hashtags"]
    assert ["ada", "cleo"] == [one["id"] for one in story["characters_roster"]]
    assert {**before["characters_roster"][0], "role": "The older keeper."} == story["characters_roster"][0]
    assert ["They meet.", "They part."] == story["sets"][1]["beats"]
    assert ("Before set 2.", "Alone.") == (story["sets"][1]["begins"], story["sets"][1]["ends"])
    assert before["sets"][0] == story["sets"][0]
    assert not memory.states[waiting.id].awaits_approval


@pytest.mark.parametrize(
    ("typed", "field", "words"),
    [
        ({"title": "x" * 60}, "title", "The title has 60 characters; 59 are the most."),
        ({"title": " "}, "title", "Must not be blank."),
        ({"short_summary": ""}, "short_summary", "Must not be blank."),
        ({"hashtags": "#one"}, "hashtags", "The outline has 1 different hashtags instead of 7 to 15."),
        ({"description": "x" * 4001}, "description", "4,001 characters; 4,000 are the most."),
        ({"set-2-beats": ""}, "set-2-beats", "Set 2 has no beats."),
        ({"set-1-begins": ""}, "set-1-begins", "Set 1 leaves begins blank."),
        ({"set-1-ends": "x" * 1001}, "set-1-ends", "Set 1 has a ends of 1,001 characters"),
        ({"character-2-name": "ADA"}, "characters", "Several characters share the same name."),
        ({"character-2-out": "out"}, "characters", "The outline has 1 characters instead of 2 to 20."),
        ({"character-3-name": "Cleo"}, "character-3-physical_appearance", "leaves physical appearance blank."),
    ],
)
async def test_a_mistake_stands_at_its_field_and_nothing_typed_is_lost(
    client: httpx2.AsyncClient, memory: InMemory, waiting: SessionState, typed: dict[str, str], field: str, words: str
) -> None:
    """The form comes back with all of it, and the outline stays as it was."""
    fields = {**await form_of(client, waiting), "narrator_voice": NASTY, **typed}
    response = await sent(client, waiting, fields)
    assert 422 == response.status_code
    error = response.text.partition(f'id="{field}-error">')[2].partition("</p>")[0]
    assert words in error
    assert "The outline was not taken yet" in response.text
    assert {name: text.strip() for name, text in fields.items()} == {
        name: text.strip() for name, text in Form(response.text, action=page_of(waiting)).fields.items()
    }
    assert waiting == memory.states[waiting.id]


async def test_a_mistake_counts_rows_not_those_who_are_left(
    client: httpx2.AsyncClient, memory: InMemory, waiting: SessionState
) -> None:
    """With the first character taken out, what is wrong with the second is told at the second."""
    fields = {**await form_of(client, waiting), "character-1-out": "out", "character-2-voice": ""}
    response = await sent(client, waiting, fields)
    assert 'id="character-2-voice-error"' in response.text


async def test_somebody_else_has_approved_it(
    client: httpx2.AsyncClient, memory: InMemory, waiting: SessionState
) -> None:
    """The person is told, keeps what they typed, and finds no button that would lead nowhere."""
    fields = {**await form_of(client, waiting), "title": "Mine"}
    memory.put(outline_approved(waiting, replaced={}, title=None, now=MOMENT))
    response = await sent(client, waiting, fields)
    assert 409 == response.status_code
    assert "does not wait for an approval" in response.text
    assert 'value="Mine"' in response.text
    assert ">Approve<" not in response.text


async def test_the_outline_was_written_anew(
    client: httpx2.AsyncClient, memory: InMemory, waiting: SessionState
) -> None:
    """Nobody approves what they have not seen; once told, they can have their own way."""
    fields = {**await form_of(client, waiting), "title": "Mine"}
    retaken = await client.post(f"{page_of(waiting)}/retake", data={"note": "Darker.\r\nShorter."}, headers=HTML)
    assert (303, page_of(waiting)) == (retaken.status_code, retaken.headers["location"])
    assert "Darker.\nShorter." == memory.states[waiting.id].item("outline").note
    assert "is being written" in (await client.get(page_of(waiting), headers=HTML)).text
    again = outline(REQUEST).model_copy(update={"title": "Theirs"})
    memory.write(memory.states[waiting.id], key="outline", document=again, title="Theirs", attempt=2)
    refused = await sent(client, waiting, fields)
    assert 409 == refused.status_code
    assert "was written anew meanwhile" in refused.text
    assert 'value="Mine"' in refused.text
    assert memory.states[waiting.id].awaits_approval
    assert 303 == (await sent(client, waiting, Form(refused.text, action=page_of(waiting)).fields)).status_code
    assert "Mine" == memory.states[waiting.id].title


async def test_what_cannot_be_kept_is_not_lost(
    client: httpx2.AsyncClient, memory: InMemory, waiting: SessionState
) -> None:
    """A store that does not answer is no reason to type it all again."""
    fields = {**await form_of(client, waiting), "title": "Mine"}
    memory.is_unable_to_keep = True
    response = await sent(client, waiting, fields)
    assert 503 == response.status_code
    assert "The artifacts cannot be read or written now." in response.text
    assert 'value="Mine"' in response.text
    assert "refresh" not in response.text
    assert ">Approve<" in response.text


async def test_read_when_nothing_waits(client: httpx2.AsyncClient, memory: InMemory) -> None:
    """Beats, characters and texts as they stand, without a field."""
    state = with_outline(memory)
    page = (await client.get(page_of(state), headers=HTML)).text
    assert "it stays as it is" in page
    for text in (TITLE, "A keeper and a light.", "Beat 2.", "After set 2.", "An oilskin.", "segments 3–4"):
        assert text in page
    assert "<textarea" not in page


async def test_a_saga_is_read_in_parts(client: httpx2.AsyncClient, memory: InMemory) -> None:
    """Its texts and characters are a form, its thousand sets are read 60 at a time, and the API is named for them."""
    state = with_outline(memory, LONG)
    plan = LONG.plan
    for number in range(1, plan.total_parts + 1):
        prompt = f"Outline part {number} of 17 (sets {plan.sets_of(number)[0]}-{plan.sets_of(number)[-1]})"
        part = outlined_part_of(valid_answer(prompt), plan=plan, part_number=number)
        state = memory.write(state, key=part_key(number), document=part)
    page = (await client.get(page_of(state), headers=HTML)).text
    assert "set-1-beats" not in page
    assert f"PUT /api/sessions/{state.id}/outline" in page
    assert 60 == page.count('<li id="set-')
    assert 100_000 >= len(page.encode())
    last = (await client.get(f"{page_of(state)}?part=17", headers=HTML)).text
    assert 'id="set-1000"' in last
    assert ">Approve<" not in last
    response = await sent(client, state, {**await form_of(client, state), "title": "Longer"})
    assert 303 == response.status_code
    story = (await client.get(f"/api/sessions/{state.id}/outline")).json()
    assert ("Longer", 1000, 17) == (story["title"], len(story["sets"]), len(story["parts"]))
