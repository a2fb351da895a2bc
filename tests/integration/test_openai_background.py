"""Responses in the background through the real SDK: begun once, fetched with patience, by whoever knows their id."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from providers.openai_text import Background
from sessions.errors import (
    AttemptError,
    BillingStopped,
    ContentRejected,
    PermanentFailure,
    Throttled,
    TransientFailure,
    UncertainOutcome,
)
from sessions.pending import PendingCall
from sessions.ports import TextProvider, Written
from tests.unit.providers.asking_texts import (
    COUNTED,
    PROMPT,
    TEXT,
    a_body,
    a_text_call,
    completion,
    output_text,
    response,
    texts_at,
    unheard,
)
from tests.unit.providers.loopback import Answer, Loopback, answered, cut_off, garbled, hung_up, refused, silent

CALL = PendingCall(id="resp_1", request_id="req_of_the_start")
PENDING = response(status="queued", output=[], usage=None)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("providers.openai_pending._FIRST_PAUSE", timedelta(milliseconds=1))
    monkeypatch.setattr("providers.openai_pending._LONGEST_PAUSE", timedelta(milliseconds=5))


def begun(body: object = PENDING) -> Answer:
    return answered(200, body, headers={"x-request-id": "req_of_the_start"})


def looked(body: object) -> Answer:
    return answered(200, body, headers={"x-request-id": "req_of_a_look"})


DONE = looked(response(output_text()))


@asynccontextmanager
async def asked(
    answers: Sequence[Answer], *, background: Background = "brief"
) -> AsyncIterator[tuple[Loopback, TextProvider]]:
    async with (
        Loopback(list(answers)) as server,
        texts_at(server.base_url, api="responses", background=background) as texts,
    ):
        yield server, texts


async def written_by(*answers: Answer) -> tuple[Written, list[PendingCall], list[str]]:
    """What one call comes to, what it said was pending, and the requests it took."""
    told: list[PendingCall] = []
    async with asked(answers) as (server, texts):
        written = await texts.write(a_text_call(), on_pending=told.append)
        return written, told, [f"{request.method} {request.path}" for request in server.received]


class TestWriting:
    async def test_a_response_is_begun_and_looked_at_until_it_is_there(self) -> None:
        """Its id is told before the first look; the request that counts is the one that began it."""
        in_progress = looked(response(status="in_progress", output=[], usage=None))
        written, told, requests = await written_by(begun(), in_progress, in_progress, DONE)

        assert Written(text=TEXT, model="gpt-6-luna", request_id="req_of_the_start", usage=COUNTED) == written
        assert [CALL] == told
        assert ["POST /v1/responses", *["GET /v1/responses/resp_1"] * 3] == requests

    @pytest.mark.parametrize(("background", "store"), [("brief", False), ("stored", True)])
    async def test_it_is_kept_no_longer_than_people_allow(self, background: Background, store: bool) -> None:
        """The setting says whether the provider may store it like any other response."""
        async with asked([begun(), DONE], background=background) as (server, texts):
            await texts.write(a_text_call(), on_pending=lambda pending: None)
        body = json.loads(server.received[0].body)
        assert (True, store) == (body["background"], body["store"])

    async def test_a_server_that_answers_at_once_is_heard_at_once(self) -> None:
        """Some take the parameter and have no background."""
        written, told, requests = await written_by(begun(a_body("responses")))
        assert (TEXT, "req_of_the_start", []) == (written.text, written.request_id, told)
        assert ["POST /v1/responses"] == requests

    @pytest.mark.parametrize("name", [None, 7, "", "../files", "resp 1", "r" * 300])
    async def test_an_id_that_is_none_is_not_followed(self, name: object) -> None:
        """It would go into an address. There is nothing to wait for, so the answer is what it is: unfinished."""
        async with asked([begun(response(status="queued", id=name, output=[]))]) as (server, texts):
            with pytest.raises(ContentRejected, match="not finished"):
                await texts.write(a_text_call(), on_pending=unheard)
            assert 1 == len(server.received)

    @pytest.mark.parametrize(
        "trouble",
        [
            refused(500),
            refused(503, code="server_is_overloaded"),
            refused(429, code="rate_limit_exceeded", headers={"retry-after-ms": "2"}),
            refused(409),
            hung_up(),
            garbled(),
            answered(200, b'{"status": "compl'),
            answered(200, b"[]"),
            cut_off(b'{"status":', promised=500),
            refused(404),
        ],
        ids=["500", "503", "429", "409", "hung up", "garbled", "truncated", "a list", "cut off", "404 once"],
    )
    async def test_what_goes_wrong_on_the_way_is_waited_out(self, trouble: Answer) -> None:
        """Looking costs nothing, so no trouble with it costs the answer."""
        written, _, _ = await written_by(begun(), trouble, trouble, DONE)
        assert TEXT == written.text

    async def test_a_look_that_hangs_is_given_up(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """And made again: the answer may have been there for long."""
        monkeypatch.setattr("providers.openai_pending._LONGEST_LOOK", timedelta(milliseconds=50))
        written, _, _ = await written_by(begun(), silent(), DONE)
        assert TEXT == written.text

    async def test_an_answer_that_is_not_given_out_may_be_billed(self) -> None:
        """A key that is not valid any more, say: the next attempt tells the real reason."""
        async with asked([begun(), refused(401, code="invalid_api_key")]) as (_, texts):
            with pytest.raises(UncertainOutcome, match=r"does not give out .* \(401\)") as failure:
                await texts.write(a_text_call(), on_pending=lambda pending: None)
        assert "req_of_the_start" == failure.value.request_id

    @pytest.mark.parametrize(
        ("body", "kind", "usage"),
        [
            (
                response(status="incomplete", incomplete_details={"reason": "max_output_tokens"}),
                ContentRejected,
                COUNTED,
            ),
            (response(status="failed", output=[], usage=None, error={"code": "server_error"}), TransientFailure, None),
            (
                response(status="failed", output=[], usage=None, error={"code": "rate_limit_exceeded"}),
                Throttled,
                None,
            ),
            (
                response(status="failed", output=[], usage=None, error={"code": "insufficient_quota"}),
                BillingStopped,
                None,
            ),
            (response(status="cancelled", output=[], usage=None), ContentRejected, None),
            (response({"type": "refusal", "refusal": "No."}), ContentRejected, COUNTED),
        ],
    )
    async def test_what_it_comes_to_is_judged_as_ever(
        self, body: object, kind: type[AttemptError], usage: object
    ) -> None:
        """The same classes as without a background, with the request that began it."""
        async with asked([begun(), looked(body)]) as (_, texts):
            with pytest.raises(kind) as failure:
                await texts.write(a_text_call(), on_pending=lambda pending: None)
        assert usage == failure.value.usage
        assert isinstance(failure.value, Throttled) or "req_of_the_start" == failure.value.request_id

    @pytest.mark.parametrize(
        ("answer", "kind"),
        [
            (refused(429, code="rate_limit_exceeded"), Throttled),
            (refused(429, code="insufficient_quota"), BillingStopped),
            (refused(500), TransientFailure),
            (refused(400, code="invalid_prompt"), ContentRejected),
            (refused(401), PermanentFailure),
            (hung_up(), UncertainOutcome),
            (garbled(), UncertainOutcome),
            (answered(200, b'{"id": "resp_1", "sta'), UncertainOutcome),
        ],
    )
    async def test_what_is_wrong_with_the_start_is_judged_as_ever(
        self, answer: Answer, kind: type[AttemptError]
    ) -> None:
        """With one request."""
        async with asked([answer]) as (server, texts):
            with pytest.raises(kind):
                await texts.write(a_text_call(), on_pending=unheard)
            assert 1 == len(server.received)

    async def test_being_cancelled_leaves_it_going(self) -> None:
        """Whoever cancels knows whether anybody will fetch it."""
        async with asked([begun(), looked(PENDING)]) as (server, texts):
            told = asyncio.Event()
            writing = asyncio.create_task(texts.write(a_text_call(), on_pending=lambda pending: told.set()))
            await told.wait()
            writing.cancel()
            with pytest.raises(asyncio.CancelledError):
                await writing
            assert "POST" not in [request.method for request in server.received[1:]]


class TestServersWithoutIt:
    @pytest.mark.parametrize(
        "refusal",
        [
            refused(400, message="Unknown parameter: 'background'.", param="background"),
            refused(400, message="Background mode requires store=true."),
            refused(501, message="`store=True` (default) is not supported."),
            answered(422, {"detail": [{"type": "extra_forbidden", "loc": ["body", "background"], "msg": "no"}]}),
        ],
    )
    async def test_a_refusal_is_followed_by_a_plain_call_of_the_same_attempt(
        self, refusal: Answer, caplog: pytest.LogCaptureFixture
    ) -> None:
        """It has cost nothing. The server is not asked for it again, and the log says so once."""
        plain = answered(200, a_body("responses"))
        async with asked([refusal, plain]) as (server, texts):
            for _ in range(3):
                assert TEXT == (await texts.write(a_text_call(), on_pending=unheard)).text
            bodies = [json.loads(request.body) for request in server.received]
        assert [True, None, None, None] == [body.get("background") for body in bodies]
        assert [False] * 4 == [body["store"] for body in bodies]
        assert 1 == caplog.text.count("without RETAKES_TEXT_BACKGROUND")

    async def test_a_refusal_for_another_reason_is_told_by_the_plain_call(self) -> None:
        """Words are all there is to go by, and they may speak of a story's background. So nothing is concluded."""
        refusal = refused(400, message="The background of a store is no story.")
        async with asked([refusal, refusal, begun(), DONE]) as (server, texts):
            with pytest.raises(PermanentFailure):
                await texts.write(a_text_call(), on_pending=unheard)
            await texts.write(a_text_call(), on_pending=lambda pending: None)
            assert json.loads(server.received[2].body)["background"] is True

    async def test_other_refusals_cost_no_second_request(self) -> None:
        """Only one that speaks of the background does."""
        async with asked([refused(400, message="No such voice.")]) as (server, texts):
            with pytest.raises(PermanentFailure):
                await texts.write(a_text_call(), on_pending=unheard)
            assert 1 == len(server.received)

    @pytest.mark.parametrize("status", [404, 405])
    async def test_a_server_that_cannot_be_asked_for_it_is_believed_once(
        self, status: int, caplog: pytest.LogCaptureFixture
    ) -> None:
        """That call is lost and may be billed, so no other is made in this way."""
        plain = answered(200, a_body("responses"))
        async with asked([begun(), *[refused(status)] * 3, plain]) as (server, texts):
            with pytest.raises(UncertainOutcome, match="no longer knows") as failure:
                await texts.write(a_text_call(), on_pending=lambda pending: None)
            assert TEXT == (await texts.write(a_text_call(), on_pending=unheard)).text
            assert "background" not in json.loads(server.received[-1].body)
        assert "req_of_the_start" == failure.value.request_id
        assert "without RETAKES_TEXT_BACKGROUND" in caplog.text


class TestTakingUp:
    @pytest.mark.parametrize("background", ["brief", "never"])
    async def test_the_answer_of_somebody_elses_call_is_fetched(self, background: Background) -> None:
        """Also when the setting has been changed meanwhile: it is paid for."""
        async with asked([looked(PENDING), DONE], background=background) as (server, texts):
            written = await texts.take_up(CALL, call=a_text_call())
        assert Written(text=TEXT, model="gpt-6-luna", request_id="req_of_the_start", usage=COUNTED) == written
        assert ["GET", "GET"] == [request.method for request in server.received]

    async def test_a_call_that_nobody_knows_is_none(self) -> None:
        """It is asked for more than once: another machine may have been asked than the one that began it."""
        async with asked([refused(404)]) as (server, texts):
            assert await texts.take_up(CALL, call=a_text_call()) is None
            assert 3 == len(server.received)

    async def test_a_failure_has_the_request_that_began_it(self) -> None:
        """As if nobody had gone away."""
        body = response(status="incomplete", incomplete_details={"reason": "max_output_tokens"})
        async with asked([looked(body)]) as (_, texts):
            with pytest.raises(ContentRejected) as failure:
                await texts.take_up(CALL, call=a_text_call())
        assert ("req_of_the_start", COUNTED) == (failure.value.request_id, failure.value.usage)

    async def test_chat_completions_know_no_call_by_a_name(self) -> None:
        """What was begun with another setting cannot be fetched; nothing is asked for."""
        async with (
            Loopback([answered(200, completion())]) as server,
            texts_at(server.base_url, api="chat", background="brief") as texts,
        ):
            assert await texts.take_up(CALL, call=a_text_call()) is None
            await texts.give_up(CALL)
            assert [] == server.received


class TestGivingUp:
    async def test_the_server_is_told(self) -> None:
        """By the id."""
        async with asked([looked(response(status="cancelled"))]) as (server, texts):
            await texts.give_up(CALL)
        assert ["POST /v1/responses/resp_1/cancel"] == [f"{one.method} {one.path}" for one in server.received]

    @pytest.mark.parametrize("answer", [refused(404), refused(500), hung_up(), silent()])
    async def test_whatever_it_answers_is_no_matter(
        self, answer: Answer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        """It may have ended by itself. Whoever gives up does not wait for long."""
        monkeypatch.setattr("providers.openai_pending._LONGEST_GOODBYE", timedelta(milliseconds=100))
        async with asked([answer]) as (_, texts):
            await texts.give_up(CALL)
        assert "could not be ended" in caplog.text


async def test_neither_prompt_nor_key_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Not even where looks fail in words that quote them."""
    caplog.set_level(logging.DEBUG, logger="retakes")
    await written_by(begun(), refused(500, message=PROMPT), hung_up(), DONE)
    assert "The last lamp" not in caplog.text
