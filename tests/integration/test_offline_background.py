"""Responses of the offline provider in the background, as the real SDK sees them."""

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx2
import openai
import pytest
from openai import AsyncOpenAI
from openai.types.responses import Response

from providers.offline import faults
from providers.offline.texts import background
from providers.offline.texts.background import KeptResponses
from tests.support.eventually import eventually
from tests.support.offline import OfflineProvider, offline, offline_server, running_offline_provider

__all__ = ["offline", "offline_server"]

LONG = timedelta(minutes=5)


@pytest.fixture
async def client(offline: OfflineProvider) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(api_key="sk-secret", base_url=offline.base_url, max_retries=0, timeout=10) as client:
        yield client


async def begin(client: AsyncOpenAI, prompt: str = "A title, please.") -> Response:
    return await client.responses.create(model="gpt-6-luna", input=prompt, background=True, store=False)


async def ended(client: AsyncOpenAI, begun: Response) -> Response:
    async def look() -> Response | None:
        looked = await client.responses.retrieve(begun.id)
        return looked if looked.status not in ("queued", "in_progress") else None

    return await eventually(look)


async def test_a_response_is_begun_and_fetched(offline: OfflineProvider, client: AsyncOpenAI) -> None:
    """It comes to what the same request comes to at once, and the log has one call however often it is looked at."""
    begun = await begin(client)
    first, second = await ended(client, begun), await ended(client, begun)
    plain = await client.responses.create(model="gpt-6-luna", input="A title, please.", store=False)

    assert ("queued", True, [], None) == (begun.status, begun.background, begun.output, begun.usage)
    assert ("completed", True, plain.output_text) == (first.status, first.background, first.output_text)
    assert plain.usage == first.usage
    assert plain.id != first.id
    assert first == second
    assert ["POST", "POST"] == [call.method for call in offline.calls()]
    assert [200, True] == [offline.calls()[0].status, offline.calls()[0].answered]


async def test_it_is_under_way_for_as_long_as_it_takes(offline: OfflineProvider, client: AsyncOpenAI) -> None:
    """What makes answers late makes the response late, and not the call that begins it."""
    offline.fail(faults.Slow(duration=LONG))
    begun = await begin(client)

    looked = await client.responses.retrieve(begun.id)
    assert ("in_progress", []) == (looked.status, looked.output)


async def test_the_latency_is_how_long_it_takes() -> None:
    """As with any other call."""
    with running_offline_provider(latency=LONG) as slow:
        async with AsyncOpenAI(api_key="sk-secret", base_url=slow.base_url, max_retries=0, timeout=10) as client:
            begun = await begin(client)
            assert "in_progress" == (await client.responses.retrieve(begun.id)).status


async def test_the_same_request_twice_is_two_responses(offline: OfflineProvider, client: AsyncOpenAI) -> None:
    """Each has an id of its own, and what happens to one does not happen to the other."""
    offline.fail(faults.Slow(duration=LONG))
    one, other = await begin(client), await begin(client)
    await client.responses.cancel(one.id)

    assert one.id != other.id
    assert "in_progress" == (await client.responses.retrieve(other.id)).status


async def test_a_response_is_ended_once(offline: OfflineProvider, client: AsyncOpenAI) -> None:
    """Asked again it stays as it is, and what is finished cannot be ended any more."""
    offline.fail(faults.Slow(duration=LONG), times=1)
    begun = await begin(client)
    assert ["cancelled", "cancelled"] == [(await client.responses.cancel(begun.id)).status for _ in range(2)]
    assert "cancelled" == (await client.responses.retrieve(begun.id)).status

    finished = await ended(client, await begin(client, "Another one."))
    assert finished == await client.responses.cancel(finished.id)


async def test_nobody_knows_an_id_that_was_not_given(client: AsyncOpenAI) -> None:
    """Nor one of a response that was made at once, as it is kept by nobody."""
    plain = await client.responses.create(model="gpt-6-luna", input="A title, please.")
    for name in ("resp_0", plain.id):
        with pytest.raises(openai.NotFoundError):
            await client.responses.retrieve(name)
        with pytest.raises(openai.NotFoundError):
            await client.responses.cancel(name)


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (faults.Incomplete(), "incomplete", None),
        (faults.Failed(code="rate_limit_exceeded"), "failed", "rate_limit_exceeded"),
        (faults.Hang(duration=timedelta(0)), "failed", "server_error"),
        (faults.Refusal(), "completed", None),
    ],
)
async def test_what_goes_wrong_with_the_text_goes_wrong_in_the_end(
    offline: OfflineProvider, client: AsyncOpenAI, fault: faults.Fault, status: str, code: str | None
) -> None:
    """The call that begins it is answered as it should be."""
    offline.fail(fault)
    begun = await begin(client)
    response = await ended(client, begun)

    assert "queued" == begun.status
    assert (status, code) == (response.status, response.error and response.error.code)
    assert [fault.kind] == [call.fault for call in offline.calls()]


async def test_a_response_that_hangs_is_never_finished(offline: OfflineProvider, client: AsyncOpenAI) -> None:
    """The call is answered; only the response is not."""
    offline.fail(faults.Hang())
    begun = await begin(client)
    assert "in_progress" == (await client.responses.retrieve(begun.id)).status


async def test_what_goes_wrong_with_the_answer_goes_wrong_at_the_start(
    offline: OfflineProvider, client: AsyncOpenAI
) -> None:
    """An error status, or a connection that is dropped, is the answer to the call that was to begin it."""
    offline.fail(faults.RateLimit(), times=1)
    with pytest.raises(openai.RateLimitError):
        await begin(client)
    offline.fail(faults.Disconnect(), times=1)
    with pytest.raises(openai.APIConnectionError):
        await begin(client)


async def test_a_failed_answer_comes_at_once_without_a_background(
    offline: OfflineProvider, client: AsyncOpenAI
) -> None:
    """The fault means the same for a plain call."""
    offline.fail(faults.Failed())
    response = await client.responses.create(model="gpt-6-luna", input="A title, please.")
    assert ("failed", "server_error") == (response.status, response.error and response.error.code)


async def test_the_looks_have_request_ids(offline: OfflineProvider, client: AsyncOpenAI) -> None:
    """Each its own."""
    begun = await begin(client)
    async with httpx2.AsyncClient(base_url=offline.base_url) as raw:
        answers = [await raw.get(f"/responses/{begun.id}") for _ in range(2)]
    assert 2 == len({answer.headers["x-request-id"] for answer in answers})


async def test_a_response_is_forgotten_after_a_while(
    client: AsyncOpenAI, offline: OfflineProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with the real service, which keeps them for some minutes; here the process holds them in memory."""
    begun = await begin(client)
    await ended(client, begun)
    monkeypatch.setattr(background, "_KEPT_FOR", timedelta(seconds=-1))
    with pytest.raises(openai.NotFoundError):
        await client.responses.retrieve(begun.id)


def test_an_empty_shelf_knows_nothing() -> None:
    """The error names the id."""
    with pytest.raises(Exception, match="'resp_9' not found"):
        KeptResponses(latency=timedelta(0)).look("resp_9")
