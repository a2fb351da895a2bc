"""Money over HTTP: estimated before a start, summed up afterwards."""

import csv
import io
from collections.abc import AsyncIterator
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from api.app import create_app
from api.services import Services
from runtime.settings import Settings
from service.callbacks import CallbackRules
from service.costs import CostService
from sessions.ledger import LedgerEntry
from sessions.money import Usage
from sessions.records import RecordsOutOfReachError
from sessions.statuses import AttemptStatus, ItemStatus, SessionKind
from storage.records.database import Database
from storage.records.repository import Records
from tests.unit.api.in_memory import DEFAULTS, MOMENT, InMemory, client_of
from tests.unit.storage.histories import entry_of, new_state

pytest_plugins = ["tests.support.databases"]

IMAGES = {"kind": "images", "product": {"title": "Steel bottle"}}
STORY = {"kind": "story", "idea": "A short film about rain."}


@dataclass
class Ledger:
    """Records in a database, that can be made to be silent."""

    records: Records
    is_down: bool = False
    lookups: int = 0

    async def costs(self, *arguments: Any, **named: Any) -> Any:
        if self.is_down:
            raise RecordsOutOfReachError
        return await self.records.costs(*arguments, **named)

    async def recorded_calls(self, *arguments: Any, **named: Any) -> Any:
        self.lookups += 1
        if self.is_down:
            raise RecordsOutOfReachError
        return await self.records.recorded_calls(*arguments, **named)

    async def enter(self, session_id: str, *entries: LedgerEntry) -> None:
        for entry in entries:
            await self.records.record_attempt(
                session_id, entry=entry, item_status=ItemStatus.PROCESSING, max_attempts=99
            )


@pytest.fixture
async def ledger(sqlite_url: str) -> AsyncIterator[Ledger]:
    database = Database(sqlite_url)
    yield Ledger(Records(database))
    await database.close()


@pytest.fixture
async def client(memory: InMemory, ledger: Ledger) -> AsyncIterator[httpx2.AsyncClient]:
    costs = CostService(
        records=ledger,
        reports=ledger,
        uploads=memory,
        callbacks=CallbackRules(),
        defaults=DEFAULTS,
        now=lambda: MOMENT,
    )
    others: dict[str, Any] = {field.name: memory for field in fields(Services)}
    app = create_app(Settings(), services=Services(**(others | {"costs": costs})))
    async with client_of(app) as client:
        yield client


async def test_an_estimate_starts_nothing(client: httpx2.AsyncClient, memory: InMemory) -> None:
    """It takes the body of a start, and tells what that would cost."""
    images = (await client.post("/api/estimate", json=IMAGES | {"model": "gpt-image-2"})).json()
    story = (await client.post("/api/estimate", json=STORY)).json()

    amount = images["estimated_usd"]
    assert amount["low"] == amount["expected"] == amount["high"] == round(images["worst_case_usd"] / 3, 6)
    assert ("images", "price_table", "2026-11-01", None) == tuple(
        images[name] for name in ("kind", "basis", "as_of", "learned_from_attempts")
    )
    assert ["main", "infographic_1", "infographic_2", "lifestyle", "comparison"] == [
        item["key"] for item in images["items"]
    ]
    assert story["estimated_usd"]["low"] < story["estimated_usd"]["high"] < story["worst_case_usd"]
    assert ("story", "gpt-6-luna") == (story["kind"], story["model"])
    assert ({}, []) == (memory.states, memory.started)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (IMAGES | {"product": {}}, "#/product/title"),
        (IMAGES | {"images": [{"type": "poster"}]}, "#/images/0/type"),
        (IMAGES | {"idea": "Rain."}, "#/idea"),
        (IMAGES | {"max_attempts": 11}, "#/max_attempts"),
        (STORY | {"idea": ""}, "#/idea"),
        (STORY | {"characters": [{"name": "Ada"}, {}]}, "#/characters/1/name"),
        (STORY | {"kind": "audio"}, "#/kind"),
        ({"idea": "Rain."}, "#/kind"),
        ([], "#"),
        (None, "#"),
    ],
)
async def test_mistakes_are_told_as_at_a_start(client: httpx2.AsyncClient, body: object, pointer: str) -> None:
    """A pointer leads to the mistake in the body as it was sent, whatever its kind."""
    response = await client.post("/api/estimate", json=body)

    assert 422 == response.status_code
    assert [pointer] == [error["pointer"] for error in response.json()["errors"]]


async def test_two_images_of_one_key_are_refused_in_words(client: httpx2.AsyncClient) -> None:
    """What does not fit together is refused as at a start."""
    response = await client.post("/api/estimate", json=IMAGES | {"images": [{"type": "main"}, {"type": "main"}]})

    assert (422, True) == (response.status_code, "share a key (main)" in response.json()["detail"])


async def test_a_picture_that_was_never_uploaded(client: httpx2.AsyncClient) -> None:
    """A reference is looked up as at a start."""
    response = await client.post("/api/estimate", json=IMAGES | {"references": ["upl-" + "b" * 26]})

    assert (422, True) == (response.status_code, "There is no upload upl-b" in response.json()["detail"])


async def test_a_callback_to_this_machine(client: httpx2.AsyncClient) -> None:
    """An address that no session may call is refused before anybody starts one."""
    response = await client.post("/api/estimate", json=STORY | {"callback_url": "https://127.0.0.1/"})

    assert (422, True) == (response.status_code, "callback" in response.json()["detail"].lower())


async def test_an_estimate_learns_and_remembers_for_a_while(client: httpx2.AsyncClient, ledger: Ledger) -> None:
    """What a model has used counts, and the ledger is not asked again for each estimate."""
    first = (await client.post("/api/estimate", json=STORY | {"model": "local"})).json()
    state = new_state("outline", "set-01", kind=SessionKind.STORY)
    start = '{"request": {"idea": "Rain."}, "plan": {"total_segments": 5, "segments_per_set": 5}}'
    await ledger.records.create_session(state, request_sha256="d", start=start)
    used = {"model": "another", "usage": Usage(input_tokens=2000, output_tokens=1100)}
    await ledger.enter(
        state.id,
        *(
            entry_of("set-01", attempt=number, status=AttemptStatus.COMPLETE).model_copy(update=used)
            for number in range(1, 7)
        ),
    )
    again = (await client.post("/api/estimate", json=STORY | {"model": "local"})).json()
    other = (await client.post("/api/estimate", json=STORY | {"model": "another"})).json()

    assert ("fallback", None) == (first["basis"], first["priced_as"])
    assert (first, 2) == (again, ledger.lookups)
    assert ("learned", 6, None) == (other["basis"], other["learned_from_attempts"], other["priced_as"])


async def test_an_estimate_does_without_the_ledger(client: httpx2.AsyncClient, ledger: Ledger) -> None:
    """While the records are down people still learn what a session would cost, roughly; the rest is refused."""
    ledger.is_down = True
    estimate = await client.post("/api/estimate", json=STORY)
    costs = await client.get("/api/costs")

    assert (200, 503) == (estimate.status_code, costs.status_code)
    assert any("does not answer" in note for note in estimate.json()["notes"])


async def test_costs_of_the_month(client: httpx2.AsyncClient, ledger: Ledger) -> None:
    """Without a question it is the current month, by day."""
    await ledger.enter(
        "ses-a",
        entry_of(attempt=1, status=AttemptStatus.COMPLETE, cost_microdollars=100_001),
        entry_of(attempt=2, status=AttemptStatus.UNCERTAIN, cost_microdollars=200_002),
        entry_of(attempt=3, status=AttemptStatus.COMPLETE, cost_microdollars=1, started_at=MOMENT - timedelta(days=30)),
    )
    response = await client.get("/api/costs")
    totals = {
        "attempts": 2,
        "running": 0,
        "complete": 1,
        "failed": 0,
        "uncertain": 1,
        "input_tokens": 14,
        "output_tokens": 22,
        "spent_usd": 0.100001,
        "uncertain_usd": 0.200002,
    }

    assert {
        "from": "2026-11-01T00:00:00Z",
        "to": "2026-12-01T00:00:00Z",
        "by": "day",
        "currency": "USD",
        "rows": [{"day": "2026-11-21", **totals}],
        "totals": totals,
        "next_cursor": None,
    } == response.json()


async def test_a_sheet_is_safe_to_open(client: httpx2.AsyncClient, ledger: Ledger) -> None:
    """A title that looks like a formula is a text, accents and commas survive, and a cent is no power of ten."""
    titles = ['=HYPERLINK("http://x")', "+1", "Fläschchen, 1 l", " @a", "－1"]
    for number, title in enumerate(titles):
        state = new_state(title=title)
        await ledger.records.create_session(state, request_sha256="d", start="{}")
        await ledger.enter(state.id, entry_of(status=AttemptStatus.COMPLETE, cost_microdollars=len(titles) - number))
    response = await client.get("/api/costs", params={"by": "session"}, headers={"Accept": "text/csv"})
    rows = list(csv.DictReader(io.StringIO(response.content.decode(), newline="")))

    assert "text/csv; charset=utf-8" == response.headers["content-type"]
    assert ["'" + titles[0], "'+1", titles[2], "' @a", "'－1"] == [row["title"] for row in rows]
    assert ["0.000005", "0.000004"] == [row["spent_usd"] for row in rows[:2]]
    assert {"images"} == {row["kind"] for row in rows}


async def test_models_are_safe_to_open(client: httpx2.AsyncClient, ledger: Ledger) -> None:
    """The name of a model is anybody's words, too."""
    await ledger.enter("ses-a", entry_of().model_copy(update={"model": "=1+1"}))
    response = await client.get("/api/costs?by=model&format=csv")

    assert "'=1+1," in response.text


@pytest.mark.parametrize(
    ("query", "accept", "is_csv"),
    [
        ("", "*/*", False),
        ("", "text/csv", True),
        ("", "application/json, text/csv", False),
        ("", "application/json;q=0.5, text/csv ; q=0.9", True),
        ("", "text/html, text/csv;q=0", False),
        ("?format=json", "text/csv", False),
        ("?format=csv", "application/json", True),
    ],
)
async def test_json_or_csv(client: httpx2.AsyncClient, query: str, accept: str, is_csv: bool) -> None:
    """A client gets what it asks for, by the address before the header; one that takes anything gets JSON."""
    response = await client.get(f"/api/costs{query}", headers={"Accept": accept})

    assert is_csv == response.headers["content-type"].startswith("text/csv")
    assert "Accept" == response.headers["vary"]


async def test_pages_lead_on(client: httpx2.AsyncClient, ledger: Ledger) -> None:
    """The link to the next page keeps the question, in CSV as in JSON; the last page has none."""
    for number in range(3):
        await ledger.enter(f"ses-{number}", entry_of(status=AttemptStatus.COMPLETE, cost_microdollars=number))
    address: str | None = "/api/costs?by=session&limit=2&from=2026-11-01T00:00:00%2B01:00&format=csv"
    seen: list[str] = []
    while address:
        response = await client.get(address)
        seen += [row["session"] for row in csv.DictReader(io.StringIO(response.text))]
        address = response.links.get("next", {}).get("url")

    assert ["ses-2", "ses-1", "ses-0"] == seen


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("from=yesterday", "from"),
        ("to=2026-11-21T10:00:00", "to"),
        ("by=week", "by"),
        ("format=xml", "format"),
        ("limit=0", "limit"),
        ("limit=10001", "limit"),
        ("untill=2026-11-21", "untill"),
    ],
)
async def test_a_bad_question_is_named(client: httpx2.AsyncClient, query: str, parameter: str) -> None:
    """The problem names the parameter as it was sent."""
    response = await client.get(f"/api/costs?{query}")

    assert (422, [parameter]) == (response.status_code, [error["parameter"] for error in response.json()["errors"]])


@pytest.mark.parametrize(
    "query", ["from=2026-11-21&to=2026-11-20", "from=2027-01-01", "by=session&cursor=no", "cursor=no"]
)
async def test_a_question_without_an_answer_is_refused(client: httpx2.AsyncClient, query: str) -> None:
    """A period of nothing and a made-up cursor are mistakes, and the answer says what to do."""
    response = await client.get(f"/api/costs?{query}")

    assert 422 == response.status_code
    assert any(word in response.json()["detail"] for word in ("earlier than to", "out"))


async def test_prices_are_shown_with_their_date(client: httpx2.AsyncClient) -> None:
    """Whoever doubts a figure can look at what it was computed with."""
    table = (await client.get("/api/prices")).json()

    assert "2026-11-01" == table["as_of"]
    assert {"text_input": 0.1, "image_input": 0.0, "output": 0.5} == table["models"]["gpt-6-luna"]
    assert "fallback" in table


async def test_the_calls_are_described(client: httpx2.AsyncClient) -> None:
    """Programs find both kinds of request and both forms of an answer in the description."""
    described = (await client.get("/api/openapi.json")).json()
    body = described["paths"]["/api/estimate"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    answers = described["paths"]["/api/costs"]["get"]["responses"]["200"]["content"]

    assert 2 == len(body["anyOf"])
    assert {"application/json", "text/csv"} == set(answers)
