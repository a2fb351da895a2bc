import json
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import httpx2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from sessions.announcements import settled_callback
from sessions.callbacks import CallbackUrl, host_of, shown_url
from sessions.deliveries import CallbackAnswer, DeliveryOutcome
from sessions.errors import ErrorClass, ItemError
from sessions.items import new_items
from sessions.money import Spending
from sessions.state import SessionState, item_failed, item_started, items_retried
from sessions.statuses import SessionKind

MOMENT = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
ADDRESS: TypeAdapter[str] = TypeAdapter(CallbackUrl)


def settled() -> SessionState:
    state = SessionState(
        id="ses-abcdefghijklmnop",
        kind=SessionKind.IMAGES,
        tenant="default",
        title="Steel bottle",
        items=new_items([("main", "Main image")], max_attempts=3),
        created_at=MOMENT,
        updated_at=MOMENT,
    )
    error = ItemError(type=ErrorClass.CONTENT, message="The provider refused the content.", advice="Change the note.")
    started = item_started(state, key="main", now=MOMENT)
    return item_failed(started, key="main", error=error, attempts_used=3, spending=Spending(), now=MOMENT)


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.com",
        "http://hooks.example.com:8080/a/b?token=x&y",
        "HTTPS://Hooks.Example.com./",
        "https://xn--mller-kva.example/",
        "https://[2606:4700::1111]:8443/x",
        "http://127.0.0.1:9/x",  # whether it may be called is not the type's to say
        "https://hooks.example.com/" + "a" * 1974,
    ],
)
def test_addresses_are_taken_as_they_are(url: str) -> None:
    """Any address of the web without credentials and fragment, up to 2,000 characters."""
    assert url == ADDRESS.validate_python(url)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("", "ASCII"),
        ("hooks.example.com", "must start with https"),
        ("ftp://hooks.example.com/", "must start with https"),
        ("file:///etc/passwd", "must start with https"),
        ("https://user@hooks.example.com/", "user or a password"),
        ("https://user:secret@hooks.example.com/", "user or a password"),
        ("https://hooks.example.com@127.0.0.1/", "user or a password"),
        ("https://hooks.example.com/#a", "fragment"),
        ("https://hooks.example.com/#", "fragment"),
        ("https:///path", "must name a host"),
        ("https://:443/", "must name a host"),
        ("https://1.2.3.256/", "must name a host"),
        ("https://[fe80::1%25eth0]/", "must name a host"),
        ("https://[::1/", "must be an address such as"),
        ("https://hooks.example.com:0/", "port"),
        ("https://hooks.example.com:99999/", "must be an address such as"),
        ("https://hooks.example.com:x/", "must be an address such as"),
        ("https://müller.example/", "xn--"),
        ("https://①②⑦.0.0.1/", "xn--"),
        ("https://hooks.example.com\\@127.0.0.1/", "backslashes"),
        ("https://hooks.example.com/a b", "ASCII without"),
        ("https://hooks.example.com/\r\nX: y", "ASCII without"),
        ("https://hooks.example.com/" + "a" * 1975, "at most 2000"),
    ],
)
def test_other_addresses_are_refused(url: str, expected: str) -> None:
    """What is no address, holds a secret, or reads differently to two readers is refused with the reason."""
    with pytest.raises(ValidationError, match=re.escape(expected)):
        ADDRESS.validate_python(url)


_url_text = st.text(st.sampled_from("ht:/@#?[]%.\\0127aex-_ \t\n；①。"), max_size=30)


@given(st.builds("{}{}".format, st.sampled_from(["http://", "https://", "http:", "//", ""]), _url_text))
@example("http://a@b@c/")
@example("http://[::ffff:127.0.0.1]/")
@example("http://a.example?@b.example/")
@example("http://a:/")
def test_two_readers_of_a_taken_address_see_one_host(url: str) -> None:
    """The host that is looked at is the one that would be called, for whatever is not refused."""
    try:
        taken = ADDRESS.validate_python(url)
    except ValidationError:
        return
    called = httpx2.URL(taken)
    assert host_of(taken) == called.raw_host.decode().lower()
    assert urlsplit(taken).port == called.port or called.port is None


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://h.example/p", "https://h.example/p"),
        ("https://h.example/p?token=hush&b=2", "https://h.example/p?token=***&b=***"),
        ("https://h.example/p?hush", "https://h.example/p?***"),
        ("https://h.example/p?a=b=hush", "https://h.example/p?a=***"),
        ("https://h.example/p?a=b?hush&&", "https://h.example/p?a=***&***&***"),
    ],
)
def test_a_log_shows_no_value_of_a_query(url: str, expected: str) -> None:
    """Names of a query stay readable, its values do not."""
    assert expected == shown_url(url)


def test_a_settled_session_tells_what_became_of_it() -> None:
    """The body says type, moment, status, counts, message and where to look; it is small and the same every time."""
    task = settled_callback(settled(), url="https://hooks.example.com/?token=hush")
    message = task.message()
    body = json.loads(message.body)

    assert "session.settled" == body["type"]
    assert "2026-11-21T12:00:00Z" == body["timestamp"]
    data = body["data"]
    assert ("ses-abcdefghijklmnop", "images", "Steel bottle", "failed", 1) == tuple(
        data[name] for name in ("id", "kind", "title", "status", "round")
    )
    assert {"total": 1, "failed": 1} == {name: number for name, number in data["counts"].items() if number}
    assert "main failed after 3 attempts" in data["message"]
    assert "/api/sessions/ses-abcdefghijklmnop" == data["links"]["self"]
    assert "hush" not in message.body
    assert message == type(task).model_validate_json(task.model_dump_json()).message()


def test_a_delivery_is_known_by_its_id() -> None:
    """Telling the same again has the same id; the next round, when it settles, has another. No id holds a full stop."""
    state = settled()
    retried = items_retried(state, notes={"main": None}, max_attempts=None, now=MOMENT)
    first = settled_callback(state, url="https://h.example/").delivery_id

    assert first == settled_callback(state, url="https://h.example/").delivery_id
    assert first != settled_callback(retried, url="https://h.example/").delivery_id
    assert "." not in first


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        *((status, DeliveryOutcome.DELIVERED) for status in (200, 202, 204, 299)),
        *((status, DeliveryOutcome.GIVEN_UP) for status in (400, 401, 404, 410, 422, 451)),
        *((status, DeliveryOutcome.FAILED) for status in (301, 307, 408, 425, 429, 500, 503, None)),
    ],
)
def test_the_answer_decides_whether_there_is_another_attempt(status: int | None, expected: DeliveryOutcome) -> None:
    """Success ends it, a call that is wrong is given up, and all that may pass is tried again; each says why."""
    answer = CallbackAnswer(status=status, error=None if status else "no", duration=timedelta())
    assert expected is answer.outcome
    assert (expected is DeliveryOutcome.DELIVERED) == (answer.reason is None)


@pytest.mark.parametrize(("asked", "expected"), [(None, None), (-5, None), (0, None), (90, 90), (10**6, 3600)])
def test_a_receiver_may_put_the_next_attempt_off_for_an_hour(asked: int | None, expected: int | None) -> None:
    """What it asks is honoured within bounds."""
    answer = CallbackAnswer(
        status=503, retry_after=None if asked is None else timedelta(seconds=asked), duration=timedelta()
    )
    assert (None if expected is None else timedelta(seconds=expected)) == answer.wanted_wait
