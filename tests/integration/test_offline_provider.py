"""The offline provider as the real SDK sees it, over loopback."""

import asyncio
import base64
import io
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx2
import openai
import pytest
from openai import AsyncOpenAI
from openai.types import ImagesResponse
from PIL import Image

from providers.offline import faults
from providers.offline.calls import Call, CallLog
from providers.offline.faults import Fault, Plan
from tests.support.eventually import eventually
from tests.support.offline import OfflineProvider, offline, offline_server, running_offline_provider

__all__ = ["offline", "offline_server"]

PROMPT = "Image: Main image\nProduct: Steel bottle"
KEY = "sk-secret"


def sdk(provider: OfflineProvider, *, timeout: float = 10) -> AsyncOpenAI:
    return AsyncOpenAI(api_key=KEY, base_url=provider.base_url, max_retries=0, timeout=timeout)


@pytest.fixture
async def client(offline: OfflineProvider) -> AsyncIterator[AsyncOpenAI]:
    async with sdk(offline) as client:
        yield client


async def generate(client: AsyncOpenAI, prompt: str = PROMPT, *, n: int = 1) -> ImagesResponse:
    return await client.images.generate(model="gpt-image-2", prompt=prompt, size="256x256", quality="low", n=n)


def pictures(answer: ImagesResponse) -> list[bytes]:
    assert answer.data is not None
    return [base64.b64decode(image.b64_json or "") for image in answer.data]


def picture_of(content: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(content))
    picture.load()
    return picture


def photo(colour: str, *, file_format: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (320, 240), colour).save(file, file_format)
    return file.getvalue()


def last_call(provider: OfflineProvider) -> Call:
    return provider.calls()[-1]


async def test_generated_image_is_what_was_asked_for(offline: OfflineProvider, client: AsyncOpenAI) -> None:
    """The SDK parses the answer: the picture, what it is, and what it would be billed as."""
    answer = await client.images.generate(
        model="gpt-image-2", prompt=PROMPT, size="384x256", quality="high", output_format="webp"
    )
    (content,) = pictures(answer)

    assert (picture_of(content).format, picture_of(content).size) == ("WEBP", (384, 256))
    assert (
        answer.size,
        answer.quality,
        answer.output_format,
        answer.background,
    ) == ("384x256", "high", "webp", "opaque")
    assert answer.usage is not None
    assert answer.usage.output_tokens_details is not None
    assert answer.usage.output_tokens == answer.usage.output_tokens_details.image_tokens > 0
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens
    assert last_call(offline).request_id == answer._request_id


async def test_same_request_gives_the_same_bytes(client: AsyncOpenAI) -> None:
    """Asked twice, it draws the same; asked for three, it draws three that differ."""
    first, second = await generate(client, n=3), await generate(client, n=3)

    assert pictures(first) == pictures(second)
    assert len(set(pictures(await generate(client, "Image: Lifestyle\nProduct: Mug", n=3)))) == 3


async def test_edit_uses_the_first_photo(offline: OfflineProvider, client: AsyncOpenAI) -> None:
    """The product of an edit is the one in the first photo, whatever follows it."""

    async def edited(*photos: bytes) -> bytes:
        answer = await client.images.edit(
            model="gpt-image-2",
            prompt=PROMPT,
            image=[(f"{number}.png", photo, "image/png") for number, photo in enumerate(photos)],
            size="256x256",
        )
        assert answer.usage is not None
        assert answer.usage.input_tokens_details.image_tokens > 0
        return pictures(answer)[0]

    red = await edited(photo("red"))

    assert picture_of(red).size == (256, 256)
    assert red == await edited(photo("red"), photo("blue", file_format="JPEG"))
    assert red != await edited(photo("blue"), photo("red"))
    assert [call.images for call in offline.calls()] == [1, 2, 2]


async def test_edit_takes_one_photo_alone(client: AsyncOpenAI) -> None:
    """A single file is sent under another name than a list."""
    answer = await client.images.edit(model="gpt-image-2", prompt=PROMPT, image=photo("red"), size="256x256")

    assert len(pictures(answer)) == 1


@pytest.mark.parametrize(
    ("photos", "code"), [([b"no picture"], "invalid_image_file"), ([photo("red")] * 17, "too_many_images")]
)
async def test_wrong_reference_is_refused(client: AsyncOpenAI, photos: list[bytes], code: str) -> None:
    """As by the real service: 400 that names the parameter."""
    with pytest.raises(openai.BadRequestError) as caught:
        await client.images.edit(model="gpt-image-2", prompt=PROMPT, image=photos)

    assert ("image", code) == (caught.value.param, caught.value.code)


async def test_wrong_size_asked_for_is_refused(offline: OfflineProvider, client: AsyncOpenAI) -> None:
    """A wrong request is a 400, and stands in the log as it was asked."""
    with pytest.raises(openai.BadRequestError, match="divisible by 16"):
        await client.images.generate(model="gpt-image-2", prompt=PROMPT, size="1000x1000")

    assert (last_call(offline).size, last_call(offline).status, last_call(offline).fault) == ("1000x1000", 400, None)


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b'"text"', b"\xff\xfe", b"[" * 100_000])
@pytest.mark.parametrize("path", ["/images/generations", "/images/edits"])
def test_unreadable_body_is_a_bad_request(offline: OfflineProvider, path: str, body: bytes) -> None:
    """Whatever is sent, the answer is an error in OpenAI's form, and the call is logged."""
    answer = httpx2.post(offline.base_url + path, content=body, headers={"content-type": "application/json"})

    assert answer.status_code == 400
    assert {"message", "type", "param", "code"} == set(answer.json()["error"])
    assert (last_call(offline).status, last_call(offline).authorization) == (400, "absent")


def test_broken_form_is_a_bad_request(offline: OfflineProvider) -> None:
    """A multipart body that is none is no reason to fail."""
    headers = {"content-type": "multipart/form-data; boundary=x"}
    answer = httpx2.post(f"{offline.base_url}/images/edits", content=b"--y\r\nnonsense", headers=headers)

    assert answer.status_code == 400


async def test_unknown_path_is_not_found_and_logged(offline: OfflineProvider, client: AsyncOpenAI) -> None:
    """A call to what is not offered is an error in OpenAI's form, and leaves a trace."""
    with pytest.raises(openai.NotFoundError) as caught:
        await client.embeddings.create(model="any", input="text")

    assert caught.value.code == "unknown_url"
    assert (last_call(offline).path, last_call(offline).status) == ("/v1/embeddings", 404)


async def test_models_are_listed(client: AsyncOpenAI) -> None:
    """The list is in the SDK's form and names image models."""
    assert "gpt-image-2" in [model.id async for model in client.models.list()]


@pytest.mark.parametrize(
    ("fault", "error", "status", "code"),
    [
        (faults.RateLimit(), openai.RateLimitError, 429, "rate_limit_exceeded"),
        (faults.RateLimit(code="slow_down"), openai.RateLimitError, 429, "slow_down"),
        (faults.Quota(), openai.RateLimitError, 429, "insufficient_quota"),
        (faults.ServerError(), openai.InternalServerError, 500, None),
        (faults.ServerError(status=502), openai.InternalServerError, 502, None),
        (faults.ServerError(status=503), openai.InternalServerError, 503, "server_is_overloaded"),
        (faults.ServerError(status=504), openai.InternalServerError, 504, None),
        (faults.ServerError(status=408), openai.APIStatusError, 408, None),
        (faults.ServerError(status=409), openai.ConflictError, 409, None),
        (faults.BadRequest(), openai.BadRequestError, 400, "invalid_value"),
        (faults.Moderation(), openai.BadRequestError, 400, "moderation_blocked"),
        (faults.Refusal(), openai.BadRequestError, 400, "moderation_blocked"),
        (faults.Auth(), openai.AuthenticationError, 401, "invalid_api_key"),
        (faults.Forbidden(), openai.PermissionDeniedError, 403, None),
        (faults.NotFound(), openai.NotFoundError, 404, "model_not_found"),
    ],
    ids=lambda value: value.model_dump_json() if isinstance(value, faults.PlanModel) else "",
)
async def test_error_fault_is_the_sdk_exception_of_its_status(
    offline: OfflineProvider,
    client: AsyncOpenAI,
    fault: Fault,
    error: type[openai.APIStatusError],
    status: int,
    code: str | None,
) -> None:
    """Each error has its class, status and code; the log agrees down to the request id."""
    offline.fail(fault, times=1)
    with pytest.raises(error) as caught:
        await generate(client)
    call = last_call(offline)

    assert (status, code) == (caught.value.status_code, caught.value.code)
    assert (fault.kind, status, True, caught.value.request_id) == (
        call.fault,
        call.status,
        call.answered,
        call.request_id,
    )
    assert pictures(await generate(client)), "the fault was for one call"


async def test_moderation_says_what_and_when(offline: OfflineProvider, client: AsyncOpenAI) -> None:
    """The categories and the stage come with the error."""
    offline.fail(faults.Moderation(categories=("violence", "self-harm"), stage="input"))
    with pytest.raises(openai.BadRequestError) as caught:
        await generate(client)

    assert isinstance(caught.value.body, dict)
    assert caught.value.type == "image_generation_user_error"
    assert caught.value.body["moderation_details"] == {
        "categories": ["violence", "self-harm"],
        "moderation_stage": "input",
    }


@pytest.mark.parametrize(
    ("wait", "expected"), [(None, (None, None)), (timedelta(seconds=3), ("3", "3000")), (timedelta(0), ("0", "0"))]
)
async def test_retry_after_is_sent_only_when_planned(
    offline: OfflineProvider, client: AsyncOpenAI, wait: timedelta | None, expected: tuple[str | None, str | None]
) -> None:
    """429 comes with the wait in seconds and milliseconds, or without a word about it."""
    offline.fail(faults.RateLimit(retry_after=wait))
    with pytest.raises(openai.RateLimitError) as caught:
        await generate(client)
    headers = caught.value.response.headers

    assert expected == (headers.get("retry-after"), headers.get("retry-after-ms"))


async def test_hang_lasts_until_the_caller_gives_up(offline: OfflineProvider) -> None:
    """No answer ever comes; the caller's timeout ends it."""
    offline.fail(faults.Hang())
    async with sdk(offline, timeout=0.3) as client:
        with pytest.raises(openai.APITimeoutError):
            await generate(client)

    assert (last_call(offline).fault, last_call(offline).status, last_call(offline).answered) == ("hang", None, False)


@pytest.mark.parametrize("fault", [faults.Disconnect(), faults.Hang(duration=timedelta(milliseconds=50))])
async def test_disconnect_leaves_the_caller_without_an_answer(
    offline: OfflineProvider, client: AsyncOpenAI, fault: Fault
) -> None:
    """The request was read, the connection is gone: whether it was billed, nobody can tell."""
    offline.fail(fault)
    with pytest.raises(openai.APIConnectionError) as caught:
        await generate(client)
    call = last_call(offline)

    assert isinstance(caught.value.__cause__, httpx2.RemoteProtocolError)
    assert (call.prompt, call.status, call.answered) == (PROMPT, None, False)


async def test_broken_body_is_a_connection_error(offline: OfflineProvider, client: AsyncOpenAI) -> None:
    """The answer began with 200 and never ended."""
    offline.fail(faults.BrokenBody())
    with pytest.raises(openai.APIConnectionError) as caught:
        await generate(client)

    assert isinstance(caught.value.__cause__, httpx2.RemoteProtocolError)
    assert await eventually(lambda: (last_call(offline).status, last_call(offline).answered)) == (200, False)


@pytest.mark.parametrize("fault", [faults.Truncated(), faults.InvalidJson()])
async def test_bad_json_comes_through_the_sdk_raw(offline: OfflineProvider, client: AsyncOpenAI, fault: Fault) -> None:
    """The SDK does not wrap it: the caller has to."""
    offline.fail(fault)
    with pytest.raises(json.JSONDecodeError):
        await generate(client)

    assert (last_call(offline).status, last_call(offline).answered) == (200, True)


async def test_spoiled_pictures_are_billed_answers(offline: OfflineProvider, client: AsyncOpenAI) -> None:
    """Nothing, emptiness, no picture, another size: each a 200 with usage."""
    offline.fail(faults.EmptyImage())
    assert pictures(await generate(client)) == []

    offline.fail(faults.EmptyImage(part="b64_json"))
    assert pictures(await generate(client)) == [b""]

    offline.fail(faults.UndecodableImage())
    with pytest.raises(OSError, match="cannot identify"):
        picture_of(pictures(await generate(client))[0])

    offline.fail(faults.WrongSize())
    answer = await generate(client)
    assert picture_of(pictures(answer)[0]).size == (272, 256)
    assert answer.size == "256x256"
    assert answer.usage is not None


@pytest.mark.parametrize(
    "fault", [faults.Slow(duration=timedelta(seconds=0.4)), faults.Drip(duration=timedelta(seconds=0.4))]
)
async def test_late_answer_is_right(offline: OfflineProvider, fault: Fault) -> None:
    """Slow is late as a whole, drip outlives a read timeout; both bring the picture in the end."""
    is_dripping = isinstance(fault, faults.Drip)
    offline.fail(fault)
    async with sdk(offline, timeout=0.25 if is_dripping else 5) as client:
        started = time.monotonic()
        answer = await generate(client)

    assert time.monotonic() - started >= 0.4
    assert picture_of(pictures(answer)[0]).size == (256, 256)
    assert (last_call(offline).status, last_call(offline).answered) == (200, True)


async def test_caller_who_goes_early_was_not_answered(offline: OfflineProvider) -> None:
    """A caller that gives up while the answer is on its way is not counted as answered."""
    offline.fail(faults.Drip(duration=timedelta(seconds=30)))
    async with sdk(offline) as client:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(generate(client), timeout=0.3)
    await eventually(lambda: last_call(offline).status == 200)

    assert not last_call(offline).answered


def test_latency_holds_for_every_answer() -> None:
    """With a latency, no answer is quicker, pictures and errors alike."""
    plan = Plan(rules=(faults.Rule(match="never", fault=faults.Quota()),))
    with running_offline_provider(latency=timedelta(seconds=0.2), plan=plan) as provider:
        for body, status in ((b"{}", 400), (b'{"prompt": "never"}', 429), (b'{"prompt": "a", "size": "64x64"}', 200)):
            started = time.monotonic()
            answer = httpx2.post(f"{provider.base_url}/images/generations", content=body)
            assert status == answer.status_code
            assert time.monotonic() - started >= 0.2


def test_plan_is_read_and_replaced_over_http(offline: OfflineProvider) -> None:
    """The plan in force can be read; a wrong one is refused and changes nothing."""
    plan = Plan(seed=3, rate=0.5, rate_faults=(faults.Quota(),))
    offline.set_plan(plan)
    refused = httpx2.put(f"{offline.root}/faults", json={"rate": 2})

    assert refused.status_code == 422
    assert plan == Plan.model_validate_json(httpx2.get(f"{offline.root}/faults").content)


async def test_rate_hits_the_same_prompts_at_any_concurrency(offline: OfflineProvider, client: AsyncOpenAI) -> None:
    """The same plan gives the same faults one after the other and all at once."""
    plan = Plan(seed=5, rate=0.5, rate_faults=(faults.Quota(), faults.ServerError()))
    prompts = [f"Product: {number}" for number in range(12)]

    async def hit() -> dict[str | None, str | None]:
        return {call.prompt: call.fault for call in offline.calls()}

    offline.set_plan(plan)
    for prompt in prompts:
        await asyncio.gather(generate(client, prompt), return_exceptions=True)
    one_by_one = await hit()
    offline.clear_log()
    offline.set_plan(plan)
    await asyncio.gather(*(generate(client, prompt) for prompt in reversed(prompts)), return_exceptions=True)

    assert one_by_one == await hit()
    assert {None, "quota", "server_error"} == set(one_by_one.values())


async def test_log_keeps_every_call_and_never_the_key(offline: OfflineProvider, client: AsyncOpenAI) -> None:
    """What was asked, in order; of the key only that there was one."""
    await generate(client)
    await client.models.list()
    first, second = offline.calls()

    assert (first.method, first.path) == ("POST", "/v1/images/generations")
    assert (
        first.model,
        first.prompt,
        first.size,
        first.quality,
        first.images,
    ) == ("gpt-image-2", PROMPT, "256x256", "low", 0)
    assert (first.authorization, first.status, first.answered, first.fault) == ("present", 200, True, None)
    assert (second.path, second.prompt, second.prompt_sha256) == ("/v1/models", None, None)
    assert (second,) == offline.calls(since=first.n)
    assert KEY not in httpx2.get(f"{offline.root}/log").text


SERVE = """
import asyncio, sys
from pathlib import Path
from providers.offline.server import serve
asyncio.run(serve(port=0, log_path=Path(sys.argv[1]), on_ready=lambda url: print(url, flush=True)))
print("ended", flush=True)
"""


class Process:
    """The provider in a process of its own, as the command line runs it."""

    def __init__(self, process: asyncio.subprocess.Process, provider: OfflineProvider) -> None:
        self.provider = provider
        self._process = process

    async def end(self, number: signal.Signals) -> tuple[int | None, str, str]:
        """Send a signal; return the exit code and what was written on both outputs."""
        self._process.send_signal(number)
        output, errors = await asyncio.wait_for(self._process.communicate(), 10)
        return self._process.returncode, output.decode(), errors.decode()


async def started(log_path: Path) -> Process:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        SERVE,
        str(log_path),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert process.stdout is not None
    address = await asyncio.wait_for(process.stdout.readline(), 20)
    return Process(process, OfflineProvider(address.decode().strip()))


async def test_sigterm_ends_the_server_within_a_second_though_calls_hang(tmp_path: Path) -> None:
    """It returns, with exit code 0 and nothing to complain about; who waited for an answer is disconnected."""
    running = await started(tmp_path / "calls.jsonl")
    running.provider.fail(faults.Hang())
    async with sdk(running.provider) as client:
        hanging = [asyncio.create_task(generate(client)) for _ in range(3)]
        await eventually(lambda: len(running.provider.calls()) == 3)
        begun = time.monotonic()
        code, output, errors = await running.end(signal.SIGTERM)
        took = time.monotonic() - begun
        outcomes = await asyncio.gather(*hanging, return_exceptions=True)

    assert (code, output, errors) == (0, "ended\n", "")
    assert took < 1
    assert {openai.APIConnectionError} == {type(outcome) for outcome in outcomes}


async def test_log_survives_sigkill(tmp_path: Path) -> None:
    """The next process on the same file knows all calls, and which of them were never answered."""
    path = tmp_path / "calls.jsonl"
    running = await started(path)
    async with sdk(running.provider) as client:
        await generate(client)
        running.provider.fail(faults.Hang())
        hanging = asyncio.create_task(generate(client))
        await eventually(lambda: len(running.provider.calls()) == 2)
        await running.end(signal.SIGKILL)
        await asyncio.gather(hanging, return_exceptions=True)
    revived = CallLog(path)
    revived.close()

    assert [(call.n, call.status, call.answered) for call in revived.since()] == [(1, 200, True), (2, None, False)]


def test_taken_port_is_an_error(offline: OfflineProvider) -> None:
    """Nobody is told that it is ready when it is not."""
    from providers.offline.server import serve

    port = int(offline.root.rsplit(":", 1)[1])
    told: list[str] = []

    with pytest.raises(OSError, match="in use"):
        asyncio.run(serve(port=port, on_ready=told.append))
    assert told == []
