"""Callbacks against real receivers on the loopback address."""

import json
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
import pytest_asyncio
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from sessions.callbacks import CallbackMessage
from sessions.deliveries import DeliveryOutcome
from tests.support.callbacks import SECRET, Names, Receiver, receiving
from webhooks.sender import WebhookSender

PATIENCE = timedelta(seconds=5)


def message(url: str) -> CallbackMessage:
    return CallbackMessage(id="dlv-abc-1-7", url=url, body='{"type":"test","title":"Süß & \\u2028"}')


def sender(names: Names | None = None, *, allow_private: bool = True) -> WebhookSender:
    return WebhookSender(secret=SECRET, allow_private=allow_private, resolve=names or Names(["127.0.0.1"]))


@pytest_asyncio.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


async def test_the_standards_own_library_verifies_what_arrives(receiver: Receiver) -> None:
    """A receiver that has the secret can tell our call from anybody else's, with the library it is written for."""
    answer = await sender().send(message(receiver.url()), patience=PATIENCE)

    assert (DeliveryOutcome.DELIVERED, 204, None) == (answer.outcome, answer.status, answer.reason)
    [request] = receiver.received
    assert request.line == "POST /hooks/retakes?token=hush HTTP/1.1"
    assert ("application/json", "dlv-abc-1-7") == (request.headers["content-type"], request.headers["webhook-id"])
    assert json.loads(request.body) == Webhook(SECRET).verify(request.body, request.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(request.body + b" ", request.headers)


async def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    """Where a receiver points to is not called, and the reason says what to do."""
    async with receiving() as elsewhere:
        receiver.answers(307, f"Location: {elsewhere.url()}")
        answer = await sender().send(message(receiver.url()), patience=PATIENCE)

        assert (DeliveryOutcome.FAILED, 307) == (answer.outcome, answer.status)
        assert "redirects are not followed" in (answer.reason or "")
        assert (1, 0) == (receiver.connections, elsewhere.connections)


@pytest.mark.parametrize(
    "addresses",
    [["127.0.0.1"], ["8.8.8.8", "10.0.0.1"], ["::1"], ["::ffff:127.0.0.1"], ["169.254.169.254"], ["64:ff9b::7f00:1"]],
)
async def test_a_name_that_leads_inside_is_never_connected_to(receiver: Receiver, addresses: list[str]) -> None:
    """One private address among those of a name is enough: nothing is sent, now or later."""
    names = Names(addresses)
    answer = await sender(names, allow_private=False).send(message(receiver.url("hooks.example")), patience=PATIENCE)

    assert answer.outcome is DeliveryOutcome.GIVEN_UP
    assert "RETAKES_WEBHOOK_ALLOW_PRIVATE" in (answer.reason or "")
    assert "hooks.example leads to" in (answer.reason or "")
    assert 0 == receiver.connections


@pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "0x7f.1", "localhost", "127.1"])
async def test_no_spelling_of_this_machine_is_connected_to(receiver: Receiver, host: str) -> None:
    """As the system itself resolves them."""
    inside = WebhookSender(secret=SECRET, allow_private=False)
    answer = await inside.send(message(receiver.url(host)), patience=PATIENCE)

    assert (DeliveryOutcome.GIVEN_UP, 0) == (answer.outcome, receiver.connections)


async def test_a_name_is_looked_up_once(receiver: Receiver) -> None:
    """A name server that answers differently the second time changes nothing: the connection goes to what was looked
    at, under the receiver's own name."""
    names = Names(["127.0.0.1"], ["127.0.0.99"])
    answer = await sender(names).send(message(receiver.url("hooks.example")), patience=PATIENCE)

    assert answer.outcome is DeliveryOutcome.DELIVERED
    assert ["hooks.example"] == names.asked
    assert f"hooks.example:{receiver.port}" == receiver.received[0].headers["host"]


async def test_the_next_address_is_tried_when_one_does_not_answer(receiver: Receiver) -> None:
    """A receiver with several addresses is reached by those that work."""
    names = Names(["127.0.0.77", "127.0.0.1"])
    answer = await sender(names).send(message(receiver.url("hooks.example")), patience=PATIENCE)

    assert answer.outcome is DeliveryOutcome.DELIVERED


async def test_proxies_of_the_environment_are_not_used(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy would look the name up for itself."""
    async with receiving() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        answer = await sender().send(message(receiver.url("hooks.example")), patience=PATIENCE)

        assert answer.outcome is DeliveryOutcome.DELIVERED
        assert (1, 0) == (receiver.connections, proxy.connections)


async def test_silence_ends_with_the_patience(receiver: Receiver) -> None:
    """A receiver that takes the call and says nothing costs no more than the patience, and may be tried again."""
    receiver.answer = None
    answer = await sender().send(message(receiver.url()), patience=timedelta(milliseconds=300))

    assert (DeliveryOutcome.FAILED, None) == (answer.outcome, answer.status)
    assert "within 0.3 seconds" in (answer.reason or "")
    assert timedelta(milliseconds=300) <= answer.duration < timedelta(seconds=3)


@pytest.mark.parametrize(
    "said",
    [b"", b"SSH-2.0-OpenSSH\r\n\r\n", b"HTTP/1.1 banana\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: " + b"x" * 2_000_000],
)
async def test_what_is_no_answer_fails_the_attempt_only(receiver: Receiver, said: bytes) -> None:
    """Whatever a server sends back, nothing is raised, and nothing is read without end."""
    receiver.answer = said
    answer = await sender().send(message(receiver.url()), patience=PATIENCE)

    assert (DeliveryOutcome.FAILED, None) == (answer.outcome, answer.status)
    assert (answer.reason or "").startswith("The receiver was not reached: ")


async def test_the_body_of_an_answer_is_not_waited_for(receiver: Receiver) -> None:
    """The status decides; an answer that never ends does not matter."""
    receiver.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\nx"
    answer = await sender().send(message(receiver.url()), patience=PATIENCE)

    assert answer.outcome is DeliveryOutcome.DELIVERED


async def test_a_name_that_is_not_known_may_be_tried_again() -> None:
    """Name servers have bad moments."""
    answer = await sender(Names([])).send(message("http://hooks.example/"), patience=PATIENCE)

    assert answer.outcome is DeliveryOutcome.FAILED
    assert "Name or service not known" in (answer.reason or "")


@pytest.mark.parametrize(
    ("value", "expected"), [("90", 90), ("-1", None), ("soon", None), ("99999999999999999999", 10**6), ("", None)]
)
async def test_a_receiver_says_when_to_come_back(receiver: Receiver, value: str, expected: int | None) -> None:
    """Retry-After in seconds; nonsense is passed over."""
    receiver.answers(503, f"Retry-After: {value}")
    answer = await sender().send(message(receiver.url()), patience=PATIENCE)

    assert (None if expected is None else timedelta(seconds=expected)) == answer.retry_after


async def test_a_receiver_names_the_moment_to_come_back(receiver: Receiver) -> None:
    """Retry-After as a date."""
    receiver.answers(429, f"Retry-After: {format_datetime(datetime.now(UTC) + timedelta(minutes=2), usegmt=True)}")
    answer = await sender().send(message(receiver.url()), patience=PATIENCE)

    assert answer.retry_after is not None
    assert timedelta(seconds=110) < answer.retry_after <= timedelta(seconds=120)


async def test_without_a_secret_nothing_is_sent(receiver: Receiver) -> None:
    """An unsigned call could come from anybody; somebody may still set the secret, so it may be tried again."""
    unsigned = WebhookSender(secret=None, allow_private=True)
    answer = await unsigned.send(message(receiver.url()), patience=PATIENCE)

    assert (DeliveryOutcome.FAILED, 0) == (answer.outcome, receiver.connections)
    assert "RETAKES_WEBHOOK_SECRET" in (answer.reason or "")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of hooks.example, and its key, in one file."""
    folder = tmp_path_factory.mktemp("certificate")
    made = [folder / "key.pem", folder / "certificate.pem"]
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed, and makes the certificate (Debian: openssl)")
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", str(made[0]))
    name = ("-subj", "/CN=hooks.example", "-addext", "subjectAltName=DNS:hooks.example")
    subprocess.run(
        [openssl, "req", "-x509", "-days", "2", *key, *name, "-out", str(made[1])], check=True, capture_output=True
    )
    both = folder / "both.pem"
    both.write_text("".join(file.read_text() for file in made))
    return both


@pytest.mark.parametrize(
    ("host", "expected"), [("hooks.example", DeliveryOutcome.DELIVERED), ("other.example", DeliveryOutcome.FAILED)]
)
async def test_a_certificate_is_checked_against_the_name(
    certificate: Path, host: str, expected: DeliveryOutcome
) -> None:
    """The connection goes to an address, and yet the server is asked for, and has to be, the one that was named."""
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(certificate)
    asked: list[str | None] = []
    serving.sni_callback = lambda _connection, name, _context: asked.append(name)
    async with receiving(certificate=serving) as receiver:
        trusting = WebhookSender(
            secret=SECRET,
            allow_private=True,
            resolve=Names(["127.0.0.1"]),
            certificates=ssl.create_default_context(cafile=str(certificate)),
        )
        answer = await trusting.send(message(receiver.url(host, scheme="https")), patience=PATIENCE)

    assert (expected, [host]) == (answer.outcome, asked)
