from dataclasses import replace
from datetime import timedelta

import httpx2
import pytest
from standardwebhooks.webhooks import Webhook

from service.callbacks import CallbackRules
from service.errors import CallbackRefusedError
from sessions.callbacks import CallbackType
from sessions.deliveries import Delivery, DeliveryOutcome
from sessions.state import SessionState
from tests.support.callbacks import SECRET, Names, ScriptedSender, receiving
from tests.unit.api.in_memory import MOMENT, InMemory, application, client_of
from webhooks.sender import WebhookSender

TEST = "/api/callbacks/test"


def delivery(state: SessionState, *, attempt: int, outcome: DeliveryOutcome) -> Delivery:
    return Delivery(
        id="dlv-abc-1-7",
        session_id=state.id,
        type=CallbackType.SESSION_SETTLED,
        url="https://hooks.example.com/?token=***",
        attempt=attempt,
        at=MOMENT,
        outcome=outcome,
        status=503,
        error="The receiver answered 503.",
        duration=timedelta(milliseconds=12),
        next_attempt_at=MOMENT + timedelta(seconds=5),
    )


async def test_the_log_of_a_session_is_shown(memory: InMemory, state: SessionState, client: httpx2.AsyncClient) -> None:
    """Every attempt with address, outcome, status, reason, duration and when the next one is due."""
    memory.delivered.logged = [delivery(state, attempt=number, outcome=DeliveryOutcome.FAILED) for number in (1, 2)]
    answer = await client.get(f"/api/sessions/{state.id}/deliveries")

    assert 200 == answer.status_code
    assert [1, 2] == [line["attempt"] for line in answer.json()["deliveries"]]
    assert {
        "id": "dlv-abc-1-7",
        "type": "session.settled",
        "url": "https://hooks.example.com/?token=***",
        "attempt": 1,
        "at": "2026-11-21T12:00:00Z",
        "outcome": "failed",
        "status": 503,
        "error": "The receiver answered 503.",
        "duration_ms": 12,
        "next_attempt_at": "2026-11-21T12:00:05Z",
    } == answer.json()["deliveries"][0]


async def test_a_session_without_callbacks_has_an_empty_log(state: SessionState, client: httpx2.AsyncClient) -> None:
    """Nothing was to be told: an empty list, no mistake."""
    assert {"deliveries": []} == (await client.get(f"/api/sessions/{state.id}/deliveries")).json()


@pytest.mark.parametrize("session_id", ["ses-x", "..%2f", "ses-aaaaaaaaaaaaaaaa"])
async def test_an_unknown_session_has_no_log(session_id: str, client: httpx2.AsyncClient) -> None:
    """404, as for everything else of it."""
    assert 404 == (await client.get(f"/api/sessions/{session_id}/deliveries")).status_code


async def test_without_records_the_log_says_so(
    memory: InMemory, state: SessionState, client: httpx2.AsyncClient
) -> None:
    """503: try again."""
    memory.delivered.is_down = True
    assert 503 == (await client.get(f"/api/sessions/{state.id}/deliveries")).status_code


async def test_a_test_call_is_signed_and_told_of(memory: InMemory) -> None:
    """A real receiver gets a real callback of the type test, and the answer says what it said."""
    memory.sender = WebhookSender(secret=SECRET, allow_private=True, resolve=Names(["127.0.0.1"]))
    async with client_of(application(memory)) as client, receiving() as receiver:
        answer = (await client.post(TEST, json={"url": receiver.url("hooks.example.com")})).json()
        [request] = receiver.received
        receiver.answers(404)
        refused = (await client.post(TEST, json={"url": receiver.url("hooks.example.com")})).json()

    body = Webhook(SECRET).verify(request.body, request.headers)
    assert "test" == body["type"]
    assert request.headers["webhook-id"] == answer["id"]
    assert (True, 204, None) == (answer["delivered"], answer["status"], answer["error"])
    assert answer["url"].endswith("?token=***")
    assert (False, 404, "The receiver answered 404.") == (refused["delivered"], refused["status"], refused["error"])
    assert answer["id"] != refused["id"]


@pytest.mark.parametrize(
    "url",
    [
        *("http://localhost:8000/", "http://127.0.0.1/", "http://169.254.169.254/latest/meta-data/", "http://[::1]/"),
        *("http://2130706433/", "http://0x7f.1/", "http://0177.0.0.1/", "http://0.0.0.0/", "http://database/"),
        *("http://[::ffff:10.0.0.1]/", "http://metadata.google.internal/", "http://printer.local/", "http://10.1.2.3/"),
    ],
)
async def test_an_address_inside_is_refused(url: str, memory: InMemory, client: httpx2.AsyncClient) -> None:
    """422 that says why and names the setting; nothing is sent."""
    answer = await client.post(TEST, json={"url": url})

    assert (422, "application/problem+json") == (answer.status_code, answer.headers["content-type"])
    assert "RETAKES_WEBHOOK_ALLOW_PRIVATE" in answer.json()["detail"]
    assert isinstance(memory.sender, ScriptedSender)
    assert [] == memory.sender.sent


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"url": "ftp://hooks.example.com/"}, "must start with https"),
        ({"url": "https://me:hush@hooks.example.com/"}, "user or a password"),
        ({"url": "https://h.example/" + "a" * 2000}, "at most 2,000 characters"),
        ({"url": 7}, "must be a text"),
        ({"address": "https://h.example/"}, "is no field"),
        ({}, "RETAKES_CALLBACK_URL"),
        (None, "RETAKES_CALLBACK_URL"),
    ],
)
async def test_what_is_no_address_is_refused(body: object, expected: str, client: httpx2.AsyncClient) -> None:
    """422 that names the mistake, without the address itself."""
    answer = await client.post(TEST, json=body) if body is not None else await client.post(TEST)

    assert 422 == answer.status_code
    assert expected in answer.json()["detail"]
    assert "hush" not in answer.text


async def test_without_an_address_the_installations_is_called(memory: InMemory) -> None:
    """The one that sessions fall back to."""
    memory.callback_rules = CallbackRules(installation_url="https://hooks.example.com/all")
    async with client_of(application(memory)) as client:
        answer = (await client.post(TEST)).json()

    assert (True, "https://hooks.example.com/all") == (answer["delivered"], answer["url"])


def test_rules_say_where_a_session_calls() -> None:
    """Its own address before the installation's, and nowhere where there is neither."""
    rules = CallbackRules(installation_url="https://all.example.com/")

    assert "https://own.example.com/" == rules.url_for("https://own.example.com/")
    assert "https://all.example.com/" == rules.url_for(None)
    assert replace(rules, installation_url=None).url_for(None) is None
    assert "http://127.0.0.1/" == replace(rules, allow_private=True).url_for("http://127.0.0.1/")


def test_nothing_is_promised_that_cannot_be_signed() -> None:
    """Without a secret an address is refused before anything starts, and the message names the setting."""
    rules = CallbackRules(can_sign=False)

    assert rules.url_for(None) is None
    with pytest.raises(CallbackRefusedError, match="RETAKES_WEBHOOK_SECRET"):
        rules.url_for("https://own.example.com/")
