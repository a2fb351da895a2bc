"""What each behaviour of a provider comes to: the real SDK against a real server on the loopback address."""

import asyncio
import base64
import json
from collections.abc import Iterator
from datetime import timedelta

import pytest

from providers.offline import faults
from sessions.errors import (
    AttemptError,
    BillingStopped,
    ContentRejected,
    PermanentFailure,
    Throttled,
    TransientFailure,
    UncertainOutcome,
)
from sessions.ports import ReferencePicture
from tests.support.offline import OfflineProvider, running_offline_provider
from tests.unit.providers.asking import (
    COUNTED,
    USAGE,
    a_call,
    body_with,
    failure_of,
    images_at,
    made_of,
    picture,
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


class TestThrottle:
    @pytest.mark.parametrize(
        ("status", "code"),
        [
            (429, "rate_limit_exceeded"),
            (429, "slow_down"),
            (429, None),
            (503, "server_is_overloaded"),
            (503, "slow_down"),
            (503, None),
        ],
    )
    async def test_a_provider_that_asks_to_wait_is_a_throttle(self, status: int, code: str | None) -> None:
        """429 and 503 say when to come back, and no second request follows by itself."""
        failure = await failure_of(refused(status, code=code, headers={"retry-after": "7"}), Throttled)
        assert timedelta(seconds=7) == failure.retry_after
        assert failure.request_id == "req_1"


class TestBilling:
    @pytest.mark.parametrize(
        "code",
        [
            "insufficient_quota",
            "credit_balance_exhausted",
            "organization_spend_limit_exceeded",
            "project_spend_limit_exceeded",
            "organization_usage_limit_exceeded",
        ],
    )
    async def test_an_account_that_cannot_pay_is_not_asked_again(self, code: str) -> None:
        """A 429 for want of money is told from a 429 for want of patience, and costs one request."""
        failure = await failure_of(refused(429, code=code, headers={"retry-after": "7"}), BillingStopped)
        assert "Retry failed" in failure.advice

    async def test_the_type_alone_tells_that_the_quota_is_used_up(self) -> None:
        """`insufficient_quota` stands in the type where the code says something else."""
        await failure_of(refused(429, code=None, type="insufficient_quota"), BillingStopped)


class TestTransient:
    @pytest.mark.parametrize("status", [500, 502, 504, 408, 409, 520])
    async def test_a_fault_of_the_provider_is_transient(self, status: int) -> None:
        """500, 502, 504, 408 and 409 may work in a moment."""
        failure = await failure_of(refused(status), TransientFailure)
        assert failure.request_id == "req_1"

    async def test_a_refused_connection_is_transient(self) -> None:
        """Nothing was sent, so nothing can have been billed."""
        async with images_at(f"http://127.0.0.1:{unused_port()}/v1") as images:
            with pytest.raises(TransientFailure, match="nothing was sent"):
                await images.generate(a_call())

    async def test_a_name_that_does_not_resolve_is_transient(self) -> None:
        """The name service may be back in a moment."""
        async with images_at("http://nowhere.invalid/v1") as images:
            with pytest.raises(TransientFailure, match="nothing was sent"):
                await images.generate(a_call())


class TestUncertain:
    async def test_silence_after_the_request_is_uncertain(self) -> None:
        """The request was sent; whether it was billed nobody knows."""
        await failure_of(silent(), UncertainOutcome, longest_silence=timedelta(milliseconds=50))

    @pytest.mark.parametrize("answer", [hung_up(), reset(), garbled()], ids=["hung up", "reset", "garbled"])
    async def test_a_disconnect_after_the_request_is_uncertain(self, answer: Answer) -> None:
        """The request was sent; whether it was billed nobody knows."""
        await failure_of(answer, UncertainOutcome)

    async def test_a_cut_off_answer_is_uncertain(self) -> None:
        """The connection ends before the whole answer is there: it was made, and probably billed."""
        body = json.dumps(body_with(picture())).encode()
        await failure_of(cut_off(body[:-10], promised=len(body)), UncertainOutcome)

    async def test_json_that_ends_too_early_is_uncertain(self) -> None:
        """An answer can be cut off without the connection noticing."""
        body = json.dumps(body_with(picture())).encode()
        answer = answered(200, body[:-10], headers={"x-request-id": "req_9"})
        failure = await failure_of(answer, UncertainOutcome)
        assert failure.request_id == "req_9"

    async def test_an_answer_that_is_packed_wrongly_is_uncertain(self) -> None:
        """It came after the request was accepted."""
        await failure_of(answered(200, b"no gzip", headers={"content-encoding": "gzip"}), UncertainOutcome)

    async def test_a_dripping_answer_is_ended_by_the_caller(self) -> None:
        """Time-outs per read never end it, but a deadline of the caller does, and comes through as what it is."""
        answer = dripping(b" " * 100_000, seconds_between=0.01)
        async with Loopback([answer]) as server, images_at(server.base_url) as images:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await images.generate(a_call())


class TestContent:
    async def test_a_moderated_picture_names_its_categories(self) -> None:
        """A person sees what the provider objected to, and where."""
        answer = refused(
            400,
            code="moderation_blocked",
            type="image_generation_user_error",
            moderation_details={"categories": ["violence", "self-harm"], "moderation_stage": "output"},
        )
        failure = await failure_of(answer, ContentRejected)
        assert "categories: violence, self-harm" in failure.message
        assert "seen in the picture it made" in failure.message
        assert failure.request_id == "req_1"

    @pytest.mark.parametrize("code", ["content_policy_violation", "image_content_policy_violation", "content_filter"])
    async def test_other_refusals_of_the_content_count_as_content(self, code: str) -> None:
        """Compatible servers and older models name it differently."""
        await failure_of(refused(400, code=code), ContentRejected)

    @pytest.mark.parametrize(
        "answer",
        [
            {"data": []},
            {"data": None},
            {},
            [],
            {"data": [{"url": "https://example.com/1.png"}]},
            {"data": [{"b64_json": ""}]},
            {"data": [{"b64_json": "!!"}]},
            {"data": [{"b64_json": 5}]},
            {"data": [{"b64_json": base64.b64encode(b"no picture").decode()}]},
            {"data": [{"b64_json": base64.b64encode(picture()[:-20]).decode()}]},
        ],
        ids=[
            "no pictures",
            "null",
            "nothing",
            "a list",
            "only a link",
            "empty",
            "no base64",
            "a number",
            "no picture",
            "half",
        ],
    )
    async def test_an_answer_without_a_usable_picture_counts_as_content_and_keeps_its_usage(
        self, answer: object
    ) -> None:
        """An empty or undecodable picture was billed all the same."""
        body = {**answer, "usage": USAGE} if isinstance(answer, dict) else answer
        failure = await failure_of(answered(200, body, headers={"x-request-id": "req_3"}), ContentRejected)
        assert (COUNTED if isinstance(answer, dict) else None) == failure.usage
        assert failure.request_id == "req_3"

    async def test_a_picture_of_another_size_counts_as_content(self) -> None:
        """A picture of the wrong size is not what was asked for, and says both sizes."""
        failure = await failure_of(answered(200, body_with(picture(width=32))), ContentRejected)
        assert "32x32 pixels instead of image/png of 64x32 pixels" in failure.message
        assert failure.usage == COUNTED

    async def test_a_picture_of_another_format_counts_as_content(self) -> None:
        """A JPEG is not the PNG that was asked for."""
        failure = await failure_of(answered(200, body_with(picture(form="JPEG"))), ContentRejected)
        assert "image/jpeg" in failure.message
        assert failure.usage == COUNTED


class TestWhatIsKept:
    @pytest.mark.parametrize("name", ["input_tokens", "output_tokens", "input_image_tokens"])
    async def test_a_count_that_makes_no_sense_is_none(self, name: str) -> None:
        """It would not fit into the records, and the attempt would never get into the ledger."""
        counts = {"input_tokens": 5, "output_tokens": 5, "input_tokens_details": {"image_tokens": 5}}
        if name == "input_image_tokens":
            counts["input_tokens_details"] = {"image_tokens": 10**19}
        else:
            counts[name] = 10**19
        made = await made_of(answered(200, body_with(picture(), usage=counts)))
        assert made.usage is None

    async def test_an_endless_request_id_is_cut(self) -> None:
        """It is kept with every attempt, and a history is limited in size."""
        failure = await failure_of(refused(500, headers={"x-request-id": "r" * 5000}), TransientFailure)
        assert failure.request_id == "r" * 200


class TestPermanent:
    @pytest.mark.parametrize(
        ("status", "advice"),
        [
            (400, "`size`"),
            (401, "OPENAI_API_KEY"),
            (403, "organisation"),
            (404, "RETAKES_IMAGE_MODEL"),
            (405, "OPENAI_BASE_URL"),
            (413, "smaller reference photos"),
            (418, "`size`"),
            (422, "`size`"),
        ],
    )
    async def test_a_call_that_can_never_work_is_not_repeated(self, status: int, advice: str) -> None:
        """400, 401, 403, 404 and 422 come with advice that a person can act on."""
        failure = await failure_of(refused(status, code="some_code", param="size"), PermanentFailure)
        assert advice in failure.advice
        assert f"({status} some_code): Words of the provider." in failure.message

    async def test_a_web_page_in_place_of_an_answer_is_permanent(self) -> None:
        """A base address without its /v1 often leads to a page, which is no paid answer."""
        failure = await failure_of(answered(200, b"<html></html>", media_type="text/html"), PermanentFailure)
        assert "OPENAI_BASE_URL" in failure.advice

    async def test_an_address_that_is_none_is_permanent(self) -> None:
        """It does not become one by trying again."""
        async with images_at("ftp://127.0.0.1/v1") as images:
            with pytest.raises(PermanentFailure) as caught:
                await images.generate(a_call())
        assert "OPENAI_BASE_URL" in caught.value.advice

    async def test_a_server_that_leads_in_circles_is_permanent(self) -> None:
        """Redirects without end are a wrong address, too."""
        answer = answered(307, b"", headers={"location": "/v1/images/generations"})
        async with Loopback([answer]) as server, images_at(server.base_url) as images:
            with pytest.raises(PermanentFailure):
                await images.generate(a_call())


@pytest.fixture(scope="module")
def offline_provider() -> Iterator[OfflineProvider]:
    with running_offline_provider() as provider:
        yield provider


class TestOfflineProvider:
    """The provider that is shipped for trying things out behaves as the real one does."""

    @pytest.mark.parametrize(
        ("fault", "kind"),
        [
            (faults.RateLimit(retry_after=timedelta(seconds=3)), Throttled),
            (faults.RateLimit(code="slow_down"), Throttled),
            (faults.ServerError(status=503), Throttled),
            (faults.Quota(), BillingStopped),
            (faults.ServerError(status=500), TransientFailure),
            (faults.ServerError(status=409), TransientFailure),
            (faults.Disconnect(), UncertainOutcome),
            (faults.Hang(duration=timedelta(milliseconds=50)), UncertainOutcome),
            (faults.Truncated(), UncertainOutcome),
            (faults.BrokenBody(), UncertainOutcome),
            (faults.InvalidJson(), UncertainOutcome),
            (faults.Moderation(categories=("violence",)), ContentRejected),
            (faults.Refusal(), ContentRejected),
            (faults.EmptyImage(), ContentRejected),
            (faults.EmptyImage(part="b64_json"), ContentRejected),
            (faults.UndecodableImage(), ContentRejected),
            (faults.WrongSize(), ContentRejected),
            (faults.BadRequest(), PermanentFailure),
            (faults.Auth(), PermanentFailure),
            (faults.Forbidden(), PermanentFailure),
            (faults.NotFound(), PermanentFailure),
        ],
        ids=lambda value: getattr(value, "kind", ""),
    )
    async def test_every_planned_fault_has_its_class(
        self, offline_provider: OfflineProvider, fault: faults.Fault, kind: type[AttemptError]
    ) -> None:
        """A fault plan can play through the whole table, one call for each."""
        offline_provider.fail(fault)
        offline_provider.clear_log()
        async with images_at(offline_provider.base_url) as images:
            with pytest.raises(kind):
                await images.generate(a_call(size="256x256"))
        assert len(offline_provider.calls()) == 1

    @pytest.mark.parametrize("form", ["png", "webp", "jpeg"])
    @pytest.mark.parametrize("references", [0, 2])
    async def test_its_pictures_are_what_was_asked_for(
        self, offline_provider: OfflineProvider, form: str, references: int
    ) -> None:
        """With and without references, in every format, with usage."""
        offline_provider.set_plan(faults.Plan())
        photos = tuple(
            ReferencePicture(name=f"{index}.png", media_type="image/png", data=picture()) for index in range(references)
        )
        async with images_at(offline_provider.base_url) as images:
            made = await images.generate(a_call(size="256x384", format=form, references=photos))
        assert (f"image/{form}", 256, 384) == (made.media_type, made.width, made.height)
        assert made.usage
        assert made.request_id
