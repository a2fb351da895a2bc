"""Texts through the real SDK, from a real server on the loopback address, through either API."""

import asyncio
import json
import logging
import threading
from datetime import timedelta

import httpx2
import pytest

import providers.openai_text
from providers.openai_text import TextApi
from providers.openai_written import written_response
from sessions.errors import (
    AttemptError,
    BillingStopped,
    ContentRejected,
    PermanentFailure,
    Throttled,
    TransientFailure,
    UncertainOutcome,
)
from sessions.ports import TextCall, Written
from tests.unit.providers.asking_texts import (
    APIS,
    COUNTED,
    KEY,
    PATHS,
    PROMPT,
    SCHEMA,
    TEXT,
    a_body,
    a_text_call,
    completion,
    response,
    text_failure_of,
    texts_at,
    unheard,
    written_by,
)
from tests.unit.providers.loopback import (
    Answer,
    Loopback,
    answered,
    cut_off,
    dripping,
    garbled,
    hung_up,
    refused,
    reset,
    silent,
    unused_port,
)

either_api = pytest.mark.parametrize("api", APIS)


class TestRequests:
    async def test_a_response_is_asked_for_by_a_strict_schema(self) -> None:
        """The call reaches the provider as it is, and the provider need not keep it."""
        async with (
            Loopback([answered(200, a_body("responses"))]) as server,
            texts_at(server.base_url, api="responses") as texts,
        ):
            await texts.write(a_text_call(), on_pending=unheard)
        (request,) = server.received
        assert request.path == PATHS["responses"]
        assert request.headers["authorization"] == f"Bearer {KEY}"
        assert json.loads(request.body) == {
            "model": "gpt-6-luna",
            "input": PROMPT,
            "text": {
                "format": {"type": "json_schema", "name": "story_set", "schema": json.loads(SCHEMA), "strict": True}
            },
            "store": False,
        }

    async def test_a_chat_completion_is_asked_for_by_a_strict_schema(self) -> None:
        """And by nothing that only some servers know."""
        async with Loopback([answered(200, a_body("chat"))]) as server, texts_at(server.base_url, api="chat") as texts:
            await texts.write(a_text_call(), on_pending=unheard)
        (request,) = server.received
        assert request.path == PATHS["chat"]
        assert json.loads(request.body) == {
            "model": "gpt-6-luna",
            "messages": [{"role": "user", "content": PROMPT}],
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "story_set", "schema": json.loads(SCHEMA), "strict": True},
            },
        }

    @either_api
    async def test_the_text_comes_with_usage_and_request_id(self, api: TextApi) -> None:
        """Untouched: whether it keeps to the schema is judged elsewhere."""
        written = await written_by(answered(200, a_body(api), headers={"x-request-id": "req_7"}), api=api)
        assert Written(text=TEXT, model="gpt-6-luna", request_id="req_7", usage=COUNTED) == written

    @either_api
    async def test_a_server_without_keys_is_called_without_a_secret(self, api: TextApi) -> None:
        """A server on one's own machine needs no key."""
        async with (
            Loopback([answered(200, a_body(api))]) as server,
            texts_at(server.base_url, api=api, api_key=None) as texts,
        ):
            await texts.write(a_text_call(), on_pending=unheard)
        assert server.received[0].headers["authorization"] == "Bearer no-key-needed"

    @either_api
    async def test_twenty_calls_run_at_the_same_time(self, api: TextApi) -> None:
        """No call waits for another one's connection."""
        count = 20
        arrived = asyncio.Barrier(count)

        async def together(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await arrived.wait()
            await answered(200, a_body(api))(reader, writer)

        async with Loopback([together]) as server, texts_at(server.base_url, api=api) as texts, asyncio.timeout(20):
            written = await asyncio.gather(*(texts.write(a_text_call(), on_pending=unheard) for _ in range(count)))
        assert count == len(written)

    async def test_an_answer_is_read_outside_the_event_loop(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Megabytes of one attempt do not hold up the others."""
        threads: list[int] = []

        def noted(answer: httpx2.Response, *, call: TextCall) -> Written:
            threads.append(threading.get_ident())
            return written_response(answer, call=call)

        monkeypatch.setattr(providers.openai_text, "written_response", noted)
        await written_by(answered(200, a_body("responses")), api="responses")
        assert len(threads) == 1
        assert threading.get_ident() not in threads


@either_api
class TestFailures:
    @pytest.mark.parametrize(
        ("status", "code", "kind"),
        [
            (429, "rate_limit_exceeded", Throttled),
            (429, "slow_down", Throttled),
            (503, "server_is_overloaded", Throttled),
            (429, "insufficient_quota", BillingStopped),
            (429, "credit_balance_exhausted", BillingStopped),
            (402, None, BillingStopped),
            (500, None, TransientFailure),
            (502, None, TransientFailure),
            (504, None, TransientFailure),
            (408, None, TransientFailure),
            (409, None, TransientFailure),
            (400, "invalid_prompt", ContentRejected),
            (400, "content_filter", ContentRejected),
            (400, "context_length_exceeded", PermanentFailure),
            (400, None, PermanentFailure),
            (401, "invalid_api_key", PermanentFailure),
            (403, None, PermanentFailure),
            (404, "model_not_found", PermanentFailure),
            (422, None, PermanentFailure),
            (501, None, PermanentFailure),
        ],
    )
    async def test_every_error_status_has_its_class(
        self, api: TextApi, status: int, code: str | None, kind: type[AttemptError]
    ) -> None:
        """The same for both APIs, with exactly one request."""
        failure = await text_failure_of(refused(status, code=code, headers={"retry-after": "7"}), kind, api=api)
        assert failure.request_id == "req_1"
        assert not isinstance(failure, Throttled) or timedelta(seconds=7) == failure.retry_after

    async def test_a_refused_connection_is_transient(self, api: TextApi) -> None:
        """Nothing was sent, so nothing can have been billed."""
        async with texts_at(f"http://127.0.0.1:{unused_port()}/v1", api=api) as texts:
            with pytest.raises(TransientFailure, match="nothing was sent"):
                await texts.write(a_text_call(), on_pending=unheard)

    @pytest.mark.parametrize("answer", [hung_up(), reset(), garbled()], ids=["hung up", "reset", "garbled"])
    async def test_a_disconnect_after_the_request_is_uncertain(self, api: TextApi, answer: Answer) -> None:
        """The request was sent; whether it was billed nobody knows."""
        await text_failure_of(answer, UncertainOutcome, api=api)

    async def test_silence_after_the_request_is_uncertain(self, api: TextApi) -> None:
        """A slow model may still be writing."""
        await text_failure_of(silent(), UncertainOutcome, api=api, longest_silence=timedelta(milliseconds=50))

    async def test_a_broken_body_is_uncertain(self, api: TextApi) -> None:
        """Whether the connection notices or not: it was made, and probably billed."""
        body = json.dumps(a_body(api)).encode()
        await text_failure_of(cut_off(body[:-10], promised=len(body)), UncertainOutcome, api=api)
        headers = {"x-request-id": "req_9"}
        failure = await text_failure_of(answered(200, body[:-10], headers=headers), UncertainOutcome, api=api)
        assert failure.request_id == "req_9"

    async def test_an_answer_that_is_packed_wrongly_is_uncertain(self, api: TextApi) -> None:
        """It came after the request was accepted."""
        answer = answered(200, b"no gzip", headers={"content-encoding": "gzip"})
        await text_failure_of(answer, UncertainOutcome, api=api)

    async def test_a_cut_off_answer_keeps_its_usage(self, api: TextApi) -> None:
        """What was written is of no use, and was billed."""
        bodies = {
            "responses": response(status="incomplete", incomplete_details={"reason": "max_output_tokens"}),
            "chat": completion('{"title": "The', finish_reason="length"),
        }
        failure = await text_failure_of(answered(200, bodies[api]), ContentRejected, api=api)
        assert "cut off" in failure.message
        assert failure.usage == COUNTED

    async def test_a_web_page_in_place_of_an_answer_is_permanent(self, api: TextApi) -> None:
        """A base address without its /v1 often leads to a page, which is no paid answer."""
        answer = answered(200, b"<html></html>", media_type="text/html")
        failure = await text_failure_of(answer, PermanentFailure, api=api)
        assert "OPENAI_BASE_URL" in failure.advice

    async def test_a_path_that_the_server_does_not_have_leads_to_the_other_api(self, api: TextApi) -> None:
        """The advice names the setting."""
        answer = answered(404, b"404 page not found", media_type="text/plain")
        failure = await text_failure_of(answer, PermanentFailure, api=api)
        assert "RETAKES_TEXT_API=" in failure.advice

    async def test_a_dripping_answer_is_ended_by_the_caller(self, api: TextApi) -> None:
        """Time-outs per read never end it, but a deadline of the caller does, and comes through as what it is."""
        answer = dripping(b" " * 100_000, seconds_between=0.01)
        async with Loopback([answer]) as server, texts_at(server.base_url, api=api) as texts:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await texts.write(a_text_call(), on_pending=unheard)

    @pytest.mark.parametrize("status", [400, 401, 429, 500])
    async def test_neither_key_nor_prompt_is_repeated(
        self, api: TextApi, status: int, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Neither the message nor any log line holds them, even where the provider quotes both."""
        caplog.set_level(logging.INFO)
        message = f"Key {KEY} may not say {PROMPT!r} or {PROMPT}, see Authorization: Bearer {KEY}"
        failure = await text_failure_of(refused(status, message=message), AttemptError, api=api)
        seen = failure.message + failure.advice + caplog.text
        assert KEY not in seen
        assert "The last lamp" not in seen

    async def test_a_cancelled_call_ends_and_lets_go_of_its_connection(self, api: TextApi) -> None:
        """Being cancelled is no failure of the provider: it passes through, and the server sees the caller leave."""
        arrived, left = asyncio.Event(), asyncio.Event()

        async def waiting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            arrived.set()
            await reader.read()
            left.set()
            writer.close()

        async with Loopback([waiting]) as server, texts_at(server.base_url, api=api) as texts:
            writing = asyncio.create_task(texts.write(a_text_call(), on_pending=unheard))
            async with asyncio.timeout(10):
                await arrived.wait()
                writing.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await writing
                await left.wait()
