"""The flight recorder's routes: all facts of all attempts, filtered, in parts, live."""

import asyncio
import re
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from api.web.shared import Shared
from service.watch import Change
from sessions.errors import ErrorClass
from sessions.images import ImageSessionRequest
from sessions.ledger import LedgerEntry
from sessions.money import Usage
from sessions.state import SessionState, item_started
from sessions.statuses import AttemptStatus
from tests.unit.api.hearing import messages
from tests.unit.api.in_memory import MOMENT, InMemory, application
from tests.unit.api.serving import served

HTML = {"Accept": "text/html,*/*"}


def entry(attempt: int, *, item: str = "lifestyle", **changes: Any) -> LedgerEntry:
    """Return an attempt that was made and cost two cents."""
    began = MOMENT + timedelta(seconds=5 * attempt)
    values: dict[str, Any] = {
        "item": item,
        "attempt": attempt,
        "round": 1,
        "prompt_sha256": "0" * 64,
        "model": "gpt-image-2.5-flare",
        "status": AttemptStatus.COMPLETE,
        "started_at": began,
        "ended_at": began + timedelta(seconds=2),
        "usage": Usage(input_tokens=1000, output_tokens=500),
        "cost_microdollars": 20_000,
        "request_id": f"req-{attempt}",
        "worker": "host:77",
        **changes,
    }
    return LedgerEntry.model_validate(values)


UNCERTAIN: dict[str, Any] = {
    "status": AttemptStatus.UNCERTAIN,
    "error_type": ErrorClass.UNCERTAIN,
    "error": "The connection <b>broke</b>.",
    "advice": "It may have been billed.",
    "usage": None,
    "request_id": None,
    "cost_microdollars": 70_000,
}


def rows(page: str) -> list[str]:
    """Return the ids of the attempts in a page's table."""
    return re.findall(r'<tr role="row" id="attempt-([^"]+)"', page)


async def test_every_fact_of_an_attempt_is_there(
    client: httpx2.AsyncClient, memory: InMemory, state: SessionState
) -> None:
    """When, how long, the class in plain words, why it was tried again, tokens, cost, request, model, worker."""
    memory.entries[state.id] = [
        entry(1, **UNCERTAIN),
        entry(2, variation="Emphasize clarity and simplicity", throttled_calls=2),
    ]
    page = (await client.get(f"/sessions/{state.id}/attempts", headers=HTML)).text
    assert ["lifestyle-1", "lifestyle-2"] == rows(page)
    for fact in (
        "21 Nov 2026, 12:00:05 UTC",
        "took 2.0 s",
        "No whole answer came back",
        "The connection &lt;b&gt;broke&lt;/b&gt;.",
        "Tried again as attempt 2, 3.0\u00a0s later",
        "It may have been billed, nobody here can tell; the cost is the worst case",
        "up to $0.07",
        "1,000 in, 500 out",
        "$0.02",
        "req-2",
        "gpt-image-2.5-flare",
        "host:77",
        "“Emphasize clarity and simplicity”",
        "The provider asked 2 times to wait. Waiting uses up no attempt",
        'aria-label="attempt 1 uncertain, attempt 2 complete"',
        f'href="/api/sessions/{state.id}/attempts"',
    ):
        assert fact in page
    sums = re.findall(r"<dt>([^<]+)</dt><dd>([^<]+)</dd>", page)
    assert [
        ("Attempts", "2"),
        ("Spent", "$0.02"),
        ("Uncertain", "$0.07"),
        ("Tokens in", "1,000"),
        ("Tokens out", "500"),
    ] == sums
    assert " style=" not in page


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", ["main-1", "lifestyle-1", "lifestyle-2"]),
        ("?item=lifestyle&outcome=", ["lifestyle-1", "lifestyle-2"]),
        ("?item=&outcome=complete", ["main-1", "lifestyle-2"]),
        ("?item=lifestyle&outcome=uncertain", ["lifestyle-1"]),
        ("?item=nothing", []),
        ("?outcome=nonsense", ["main-1", "lifestyle-1", "lifestyle-2"]),
        ("?part=7", ["main-1", "lifestyle-1", "lifestyle-2"]),
    ],
)
async def test_attempts_are_filtered_by_item_and_outcome(
    client: httpx2.AsyncClient, memory: InMemory, state: SessionState, query: str, shown: list[str]
) -> None:
    """Items in the session's order, attempts in theirs; the sums are those of what is shown."""
    memory.entries[state.id] = [entry(2), entry(1, **UNCERTAIN), entry(1, item="main")]
    page = (await client.get(f"/sessions/{state.id}/attempts{query}", headers=HTML)).text
    assert shown == rows(page)
    if not shown:
        assert "There are no such attempts" in page


async def test_a_large_session_comes_in_parts(client: httpx2.AsyncClient, memory: InMemory) -> None:
    """A thousand items of three attempts each: a hundred at a time, the picture with them, and a picture of all."""
    request = ImageSessionRequest.model_validate(
        {
            "product": {"title": "T"},
            "images": [{"type": "custom", "key": f"i-{number}", "prompt": "d"} for number in range(20)],
        }
    )
    state = memory.begin(request)
    memory.entries[state.id] = [entry(attempt, item=f"i-{number}") for attempt in range(1, 16) for number in range(20)]
    first = (await client.get(f"/sessions/{state.id}/attempts", headers=HTML)).text
    assert 100 == len(rows(first))
    assert "part 1 of 3" in first
    assert 'class="columns"' in first
    assert 7 == first.count('<li class="lane">')
    assert "<dt>Attempts</dt><dd>300</dd>" in first
    last = (await client.get(f"/sessions/{state.id}/attempts?part=3", headers=HTML)).text
    assert "i-19-15" == rows(last)[-1]
    assert [] == sorted(set(rows(first)) & set(rows(last)))


async def test_a_session_without_attempts_says_so(client: httpx2.AsyncClient, memory: InMemory) -> None:
    """Nothing is drawn of nothing."""
    state = memory.begin(ImageSessionRequest.model_validate({"product": {"title": "T"}}))
    page = (await client.get(f"/sessions/{state.id}/attempts", headers=HTML)).text
    assert "No attempt has begun yet" in page
    assert "<table" not in page
    assert 404 == (await client.get("/sessions/ses-aaaaaaaaaaaaaaaa/attempts", headers=HTML)).status_code


async def test_attempts_are_told_of_live(memory: InMemory, state: SessionState) -> None:
    """The whole of what is shown, at once and at every change."""
    memory.entries[state.id] = [entry(1, status=AttemptStatus.RUNNING, ended_at=None)]
    async with (
        served(application(memory)) as (_, client),
        client.stream("GET", f"/sessions/{state.id}/attempts/live?item=lifestyle") as stream,
    ):
        heard = messages(stream)
        assert '<span class="status running">' in await anext(heard)
        memory.entries[state.id] = [entry(1), entry(2)]
        memory.put(item_started(memory.states[state.id], key="lifestyle", now=MOMENT))
        await memory.tell()
        message = await anext(heard)
        assert message.startswith('<div id="recorder"')
        assert ["lifestyle-1", "lifestyle-2"] == rows(message)


async def test_an_event_is_made_once_for_all_who_wait_for_it(memory: InMemory, state: SessionState) -> None:
    """Also when they ask at the same time and the first one leaves; one that could not be made is made again."""
    events, change, made = Shared[bytes](), Change(seen=await memory.seen(state.id), is_last=False), 0
    may_go_on = asyncio.Event()

    async def make() -> bytes:
        nonlocal made
        made += 1
        await may_go_on.wait()
        if made == 1:
            raise OSError
        return b"event"

    first, *others = [asyncio.create_task(events.of(change, place="here", make=make)) for _ in range(3)]
    await asyncio.sleep(0)
    first.cancel()
    may_go_on.set()
    assert [OSError, OSError] == [type(end) for end in await asyncio.gather(*others, return_exceptions=True)]
    assert [b"event", b"event"] == [await events.of(change, place="here", make=make) for _ in range(2)]
    assert 2 == made
