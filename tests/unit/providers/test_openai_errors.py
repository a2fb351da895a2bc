"""What is read out of an error: waits, codes, words."""

import json
from datetime import timedelta

import httpx2
import openai
import pytest

from providers.openai_advice import ASKING_FOR_PICTURES
from providers.openai_errors import classified
from sessions.errors import (
    AttemptError,
    BillingStopped,
    ContentRejected,
    PermanentFailure,
    Throttled,
    TransientFailure,
    UncertainOutcome,
)

DATE = "Sun, 01 Nov 2026 12:00:00 GMT"
REQUEST = httpx2.Request("POST", "http://127.0.0.1/v1/images/generations", headers={"authorization": "Bearer hidden-1"})


def status_error(
    status: int, body: object, *, headers: dict[str, str] | None = None, text: str | None = None
) -> openai.APIStatusError:
    """An error as the SDK itself makes it from a response."""
    content = text if text is not None else json.dumps(body)
    response = httpx2.Response(status, headers=headers, content=content.encode(), request=REQUEST)
    client = openai.OpenAI(api_key="k", base_url="http://127.0.0.1/v1")
    with client:
        return client._make_status_error_from_response(response)


def of_status(status: int, *, headers: dict[str, str] | None = None, **error: object) -> AttemptError:
    return classified(status_error(status, {"error": error}, headers=headers), prompt="", advice=ASKING_FOR_PICTURES)


class TestRetryAfter:
    @pytest.mark.parametrize(
        ("headers", "wait"),
        [
            ({}, None),
            ({"retry-after": "7"}, timedelta(seconds=7)),
            ({"retry-after": "0.5"}, timedelta(seconds=0.5)),
            ({"retry-after": "0"}, timedelta(0)),
            ({"retry-after": "-3"}, timedelta(0)),
            ({"retry-after-ms": "1500", "retry-after": "7"}, timedelta(seconds=1.5)),
            ({"retry-after-ms": "soon", "retry-after": "7"}, timedelta(seconds=7)),
            ({"retry-after": "Sun, 01 Nov 2026 12:00:30 GMT", "date": DATE}, timedelta(seconds=30)),
            ({"retry-after": "Sun, 01 Nov 2026 11:00:00 GMT", "date": DATE}, timedelta(0)),
            ({"retry-after": "Sun, 01 Nov 2020 12:00:30 GMT"}, timedelta(0)),
            ({"retry-after": "Sun, 01 Nov 2099 12:00:30 GMT"}, timedelta(days=1)),
            ({"retry-after": "in a while", "date": DATE}, None),
            ({"retry-after": ""}, None),
            ({"retry-after": "nan"}, None),
            ({"retry-after": "inf"}, None),
            ({"retry-after": "1e300"}, timedelta(days=1)),
        ],
    )
    def test_the_wait_is_read_in_every_form_it_has(self, headers: dict[str, str], wait: timedelta | None) -> None:
        """Milliseconds, seconds or a date by the server's own clock; anything else is no wait, and never an error."""
        failure = of_status(429, headers=headers, code="rate_limit_exceeded")
        assert isinstance(failure, Throttled)
        assert wait == failure.retry_after


class TestClasses:
    @pytest.mark.parametrize("should_retry", ["true", "false"])
    def test_the_header_for_clients_that_repeat_by_themselves_decides_nothing(self, should_retry: str) -> None:
        """`x-should-retry` knows nothing of attempts that count and calls that cost."""
        headers = {"x-should-retry": should_retry}
        assert isinstance(of_status(500, headers=headers), TransientFailure)
        assert isinstance(of_status(400, headers=headers), PermanentFailure)

    def test_money_is_recognised_whatever_the_status(self) -> None:
        """The images API reports a reached spending limit as 400, gateways use 402."""
        assert isinstance(of_status(400, code="billing_hard_limit_reached"), BillingStopped)
        assert isinstance(of_status(402), BillingStopped)

    def test_an_overload_is_recognised_whatever_the_status(self) -> None:
        """`slow_down` is a wish to wait even where it comes as 500."""
        assert isinstance(of_status(500, code="slow_down"), Throttled)

    def test_an_error_within_an_answer_is_uncertain(self) -> None:
        """It has no status: the call had been accepted."""
        error = openai.APIError("broken", REQUEST, body={"code": "server_error", "message": "Sorry."})
        failure = classified(error, prompt="", advice=ASKING_FOR_PICTURES)
        assert isinstance(failure, UncertainOutcome)
        assert "server_error" in failure.message

    def test_an_error_within_an_answer_can_still_be_told_by_its_code(self) -> None:
        """A refusal or an empty account is one wherever it is reported."""
        refused = openai.APIError("refused", REQUEST, body={"code": "moderation_blocked"})
        unpaid = openai.APIError("unpaid", REQUEST, body={"code": "credit_balance_exhausted"})
        assert isinstance(classified(refused, prompt="", advice=ASKING_FOR_PICTURES), ContentRejected)
        assert isinstance(classified(unpaid, prompt="", advice=ASKING_FOR_PICTURES), BillingStopped)

    def test_a_raw_json_error_is_uncertain(self) -> None:
        """The SDK lets it through when the body of a 200 is cut off: the call was made and probably billed."""
        assert isinstance(
            classified(json.JSONDecodeError("cut", "{", 1), prompt="", advice=ASKING_FOR_PICTURES), UncertainOutcome
        )

    def test_an_answer_of_another_form_is_uncertain(self) -> None:
        """The call was made, and nothing says what it cost."""
        response = httpx2.Response(200, headers={"x-request-id": "req_5"}, request=REQUEST)
        failure = classified(openai.APIResponseValidationError(response, None), prompt="", advice=ASKING_FOR_PICTURES)
        assert isinstance(failure, UncertainOutcome)
        assert failure.request_id == "req_5"

    @pytest.mark.parametrize("cause", [httpx2.PoolTimeout("no connection"), httpx2.ConnectTimeout("slow")])
    def test_a_time_out_before_anything_was_sent_is_transient(self, cause: Exception) -> None:
        """Nothing can have been billed."""
        error = openai.APITimeoutError(REQUEST)
        error.__cause__ = cause
        assert isinstance(classified(error, prompt="", advice=ASKING_FOR_PICTURES), TransientFailure)

    @pytest.mark.parametrize(
        "cause", [httpx2.WriteTimeout(""), httpx2.WriteError(""), httpx2.ReadError(""), httpx2.RemoteProtocolError("")]
    )
    def test_whatever_breaks_after_sending_began_is_uncertain(self, cause: Exception) -> None:
        """Nobody knows how far it came."""
        error = openai.APIConnectionError(request=REQUEST)
        error.__cause__ = cause
        assert isinstance(classified(error, prompt="", advice=ASKING_FOR_PICTURES), UncertainOutcome)

    @pytest.mark.parametrize("error", [KeyError("bug"), openai.OpenAIError("misuse"), ValueError("bug")])
    def test_a_bug_does_not_pass_for_a_failure_of_the_provider(self, error: Exception) -> None:
        """What is not about the call is raised as it is."""
        with pytest.raises(type(error)) as caught:
            classified(error, prompt="", advice=ASKING_FOR_PICTURES)
        assert caught.value is error


class TestWords:
    def test_a_message_says_what_happened_and_repeats_the_provider(self) -> None:
        """Plain words first, then status and code to search for, then the provider's own words."""
        failure = of_status(429, code="rate_limit_exceeded", message="Limit 5/min.")
        assert failure.message == "The provider asks to slow down (429 rate_limit_exceeded): Limit 5/min."

    def test_categories_are_shown_with_the_stage(self) -> None:
        """The prompt is to be changed when that was the objection."""
        failure = of_status(
            400,
            code="moderation_blocked",
            message="Rejected.",
            moderation_details={"categories": ["sexual"], "moderation_stage": "input"},
        )
        assert failure.message == (
            "The provider refused the content "
            "(400 moderation_blocked; categories: sexual; seen in the prompt or the photos): Rejected."
        )

    @pytest.mark.parametrize(
        "details", [None, [], "x", {"categories": None}, {"categories": [1, None]}, {"moderation_stage": "output"}]
    )
    def test_details_of_another_form_are_left_out(self, details: object) -> None:
        """The refusal is what matters."""
        failure = of_status(400, code="moderation_blocked", moderation_details=details)
        assert failure.message == "The provider refused the content (400 moderation_blocked)."

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            ("<html><h1>502 Bad Gateway</h1></html>", "The provider had a fault of its own (502)."),
            ("", "The provider had a fault of its own (502)."),
            ("upstream gone", "The provider had a fault of its own (502): upstream gone."),
            ('{"error": "model is loading"}', "The provider had a fault of its own (502): model is loading."),
            ('{"detail": "no worker"}', "The provider had a fault of its own (502): no worker."),
            ('{"detail": [{"loc": []}]}', "The provider had a fault of its own (502)."),
            ('{"error": {"code": 7, "type": ["odd"], "message": {}}}', "The provider had a fault of its own (502 7)."),
            ("[1, 2]", "The provider had a fault of its own (502)."),
            ("null", "The provider had a fault of its own (502)."),
        ],
    )
    def test_any_body_is_borne(self, body: str, message: str) -> None:
        """Gateways and compatible servers answer in their own ways; a web page is not repeated."""
        assert message == classified(status_error(502, None, text=body), prompt="", advice=ASKING_FOR_PICTURES).message

    def test_messages_are_short(self) -> None:
        """They are kept with every attempt and shown on a page."""
        failure = of_status(400, code="c" * 5000, param="p" * 5000, message="m" * 500_000)
        assert len(failure.message) < 500
        assert len(failure.advice) < 500

    def test_the_key_that_was_sent_is_not_repeated(self) -> None:
        """Even one that does not look like a key."""
        failure = of_status(401, code="invalid_api_key", message="Incorrect API key provided: hidden-1.")
        assert "hidden-1" not in failure.message
