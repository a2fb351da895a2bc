"""What a session leaves with the server: few events, few billed actions, small payloads, and words for people."""

from datetime import timedelta

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHandle
from temporalio.converter import DataConverter

from providers.openai_client import openai_client
from providers.openai_images import OpenAIImages
from sessions.artifacts import Made
from sessions.image_prompts import CLOSING
from sessions.images import ImageSessionRequest, Product
from sessions.money import Usage
from sessions.ports import ImageCall
from sessions.state import SessionState
from sessions.wire import FAILED_ITEMS_ATTRIBUTE, KIND_ATTRIBUTE, STATUS_ATTRIBUTE, TENANT_ATTRIBUTE
from tests.support.eventually import eventually
from tests.support.history import billable_actions, history_payloads, of_type
from tests.support.scripted import Gate, forbidden
from tests.support.workflow_environment import RunningSession, Studio, image_input
from tests.unit.providers.loopback import Loopback, refused

pytestmark = pytest.mark.asyncio(loop_scope="session")

LABELS = ("Main image", "Infographic 1", "Infographic 2", "Lifestyle", "Comparison")
LARGEST_PAYLOAD = 64 * 1024
BYTES_OF_A_PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4096


async def _one_after_another(studio: Studio) -> RunningSession:
    """Make five images, each of which comes back at another time."""
    gates = {label: Gate() for label in LABELS}
    for label, gate in gates.items():
        studio.provider.script(label, gate)
    session = await studio.start()
    for count, gate in enumerate(gates.values(), start=1):
        await gate.reached.wait()
        gate.opened.set()
        await session.until(lambda view, count=count: view.counts.complete == count)  # type: ignore[misc]
    await session.result()
    return session


async def test_five_images_that_end_at_different_times_take_42_events_at_most(real_studio: Studio) -> None:
    """The history stays short, and watching by queries adds nothing to it."""
    session = await _one_after_another(real_studio)

    assert 42 >= len((await session.history()).events)


async def test_a_session_without_failures_is_billed_eight_actions(real_studio: Studio) -> None:
    """The start, five activities, one record and one update of the search attributes."""
    session = await _one_after_another(real_studio)

    assert 8 == billable_actions(await session.history())


async def test_no_payload_is_large_and_none_holds_a_picture(real_studio: Studio) -> None:
    """Megabytes go to the artifact store; the history gets references, even of a request with every field in use."""

    async def large(call: ImageCall) -> Made:
        return Made(data=BYTES_OF_A_PICTURE, media_type="image/png", model=call.model, usage=Usage())

    for label in LABELS:
        real_studio.provider.script(label, large)
    request = ImageSessionRequest(
        product=Product(title="T" * 200, features=("F" * 500,) * 3, audience="A" * 200), note="N" * 2000
    )
    session = await real_studio.start(image_input(request))
    await session.result()
    payloads = history_payloads(await session.history())

    assert LARGEST_PAYLOAD > max(len(payload) for payload in payloads)
    assert not [payload for payload in payloads if b"iVBOR" in payload or b"PNG\\r" in payload or b"\x89PNG" in payload]
    assert {len(BYTES_OF_A_PICTURE)} == {len(data) for data, _ in real_studio.artifacts.stored.values()}


async def test_neither_key_nor_prompt_gets_into_the_history(real_studio: Studio) -> None:
    """Even when the provider quotes both in its refusal, they are in no payload and in no ledger entry."""
    key = "sk-of-this-very-test-0123456789"
    answer = refused(401, message=f"Incorrect API key provided: {key}. Your prompt: {CLOSING}", code="invalid_api_key")
    studio = Studio(real_studio.environment)
    async with (
        Loopback([answer]) as server,
        openai_client(api_key=key, base_url=server.base_url, longest_silence=timedelta(seconds=5)) as client,
        studio.worker(provider=OpenAIImages(client)),
    ):
        session = await studio.start()
        view = await session.settled()
        history = await session.history()
        await studio.close()

    assert key in server.received[0].headers["authorization"]
    assert CLOSING in server.received[0].body.decode()
    assert ["permanent"] * 5 == [item.error.type for item in view.items if item.error]
    written = [
        *history_payloads(history),
        *(entry.model_dump_json().encode() for entry in studio.records.entries.values()),
    ]
    assert not [text for text in written if key.encode() in text or CLOSING.encode() in text]


async def test_activities_are_named_for_people(real_studio: Studio) -> None:
    """Each activity's summary is its item's label and round, its id the item's key and round."""
    real_studio.provider.script("Lifestyle", forbidden())
    session = await real_studio.start()
    await session.settled()
    await session.retry()
    await session.result()

    scheduled = of_type(await session.history(), EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED)
    converter = DataConverter.default.payload_converter
    summaries = {
        event.activity_task_scheduled_event_attributes.activity_id: converter.from_payload(event.user_metadata.summary)
        for event in scheduled
    }
    assert "Main image · round 1" == summaries["main#1"]
    assert "Lifestyle · round 1" == summaries["lifestyle#1"]
    assert "Lifestyle · round 2" == summaries["lifestyle#2"]
    assert ["Write down: complete", "Write down: partial", "Write down: processing"] == sorted(
        summary for summary in summaries.values() if "Write" in summary
    )


async def test_a_session_bears_its_title_in_lists(real_studio: Studio) -> None:
    """The static summary is the title, however long or foreign it is."""
    request = ImageSessionRequest(product=Product(title="زجاجة 🌊 " * 15))
    session = await real_studio.start(image_input(request))
    await session.result()
    summary = await (await session.handle.describe()).static_summary()

    assert summary is not None
    assert summary.startswith("زجاجة 🌊")
    assert 200 >= len(summary.encode())


async def test_search_attributes_find_what_needs_a_hand(real_studio: Studio) -> None:
    """A partial session is found by its status; after the retry it is found as complete, with nothing failed."""
    real_studio.provider.script("Lifestyle", forbidden())
    real_studio.provider.script("Comparison", forbidden())
    session = await real_studio.start()
    await session.settled()
    client = real_studio.environment.client

    async def found(status: str, failed: int) -> bool:
        query = (
            f'{KIND_ATTRIBUTE} = "images" AND {STATUS_ATTRIBUTE} = "{status}" AND {TENANT_ATTRIBUTE} = "default" '
            f"AND {FAILED_ITEMS_ATTRIBUTE} = {failed}"
        )
        return session.handle.id in [listed.id async for listed in client.list_workflows(query)]

    await eventually(lambda: found("partial", 2))
    await session.retry()
    await session.result()
    await eventually(lambda: found("complete", 0))


async def test_a_retry_round_is_found_as_processing(real_studio: Studio) -> None:
    """While failed items are made again, the session no longer counts as one that needs a hand."""
    gate = Gate()
    real_studio.provider.script("Lifestyle", forbidden(), gate)
    session = await real_studio.start()
    await session.settled()
    await session.retry()
    await gate.reached.wait()

    await eventually(lambda: _attribute_is(session.handle, "processing"))
    gate.opened.set()
    await session.result()
    await eventually(lambda: _attribute_is(session.handle, "complete"))


async def _attribute_is(handle: WorkflowHandle[object, SessionState], status: str) -> bool:
    description = await handle.describe()
    return [status] == description.search_attributes.get(STATUS_ATTRIBUTE)
