"""The seed's two calls on the real product: every promise of the seed by its name."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from sessions.identifiers import session_id_for
from tests.support.generating import (
    ELSEWHERE,
    GENERATE,
    PERMANENT,
    RETRY,
    TRANSIENT,
    are_files,
    attempts_at,
    failing,
    filed,
    generated,
    posted,
    raw_sets,
    result_in,
    retried,
    statuses,
    texts,
    texts_asked_for,
)
from tests.support.product import Product, running_product

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def product(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Product]:
    async with running_product(tmp_path_factory.mktemp("product")) as product:
        yield product


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def no_faults(product: Product) -> None:
    """Every test begins with a provider that works."""
    await product.faults({"seed": 1})


async def test_automatic_retry_up_to_3_times_with_exponential_backoff(product: Product) -> None:
    """Seed: each set automatically retries up to 3 times on failure, with growing delays."""
    await failing(product, {"Set 2 of 3": TRANSIENT}, times=2)
    result = await generated(product)
    assert result["success"] is True
    attempts = await attempts_at(product, result["session_id"], "set-02")
    assert ["failed", "failed", "complete"] == [attempt["status"] for attempt in attempts]
    moments = [datetime.fromisoformat(attempt["started_at"]) for attempt in attempts]
    assert timedelta(seconds=1) <= moments[1] - moments[0] < timedelta(seconds=2)
    assert timedelta(seconds=2) <= moments[2] - moments[1] < timedelta(seconds=4)


async def test_network_timeouts_are_retried_and_rate_limits_wait(product: Product) -> None:
    """Seed: network timeouts → automatic retry with backoff; API rate limits → handled with delays."""
    limit = {"kind": "rate_limit", "retry_after": 1}
    await failing(product, {"Set 1 of 3": {"kind": "disconnect"}, "Set 3 of 3": limit}, times=1)
    result = await generated(product)
    assert result["success"] is True
    first = await attempts_at(product, result["session_id"], "set-01")
    assert ["uncertain", "complete"] == [attempt["status"] for attempt in first]
    assert 1 == len(await attempts_at(product, result["session_id"], "set-03")), "a limit burns no attempt"


async def test_status_tracking_and_partial_failures(product: Product) -> None:
    """Seed: partial failures → continue with other sets; success, status of each set, retry_info as in the contract."""
    await failing(product, {"Set 3 of 6": PERMANENT, "Set 6 of 6": PERMANENT})
    result = await generated(product, sets=6)
    assert result["success"] is False
    assert {
        "total_segments_requested": 12,
        "total_segments_generated": 8,
        "total_sets_requested": 6,
        "successful_sets": 4,
        "failed_sets": 2,
        "segments_per_set": 2,
        "failed_set_numbers": [3, 6],
    } == result["generation_summary"]
    assert {"can_retry": True, "failed_sets": [3, 6], "retry_endpoint": RETRY} == result["retry_info"]
    succeeded, failed = result["sets"][0], result["sets"][2]
    assert {"set_number", "status", "segments_count", "file_path", "set_data"} == set(succeeded)
    assert (1, "success", 2) == (succeeded["set_number"], succeeded["status"], succeeded["segments_count"])
    assert {"set_number", "status", "error", "file_path", "set_data"} == set(failed)
    assert (3, "failed", None, None) == tuple(failed[key] for key in ("set_number", "status", "file_path", "set_data"))
    assert failed["error"].strip()
    names = [Path(path).name.rpartition("_")[2] for path in result["files_saved"]]
    assert ["metadata.json", "01.json", "02.json", "04.json", "05.json"] == names
    assert are_files(result)
    read = await product.api.get(f"/api/sessions/{result['session_id']}/result")
    assert result == read.json()


async def test_manual_retry_makes_only_failed_sets_again(product: Product) -> None:
    """Seed: only retries failed sets, keeps consistency by the original metadata, updates files and status."""
    await failing(product, {"Set 3 of 6": PERMANENT, "Set 6 of 6": PERMANENT})
    body = {"idea": "A fox and a lamp", "total_segments": 11, "segments_per_set": 2}
    response = await posted(product, f"/api{GENERATE}", body)
    previous = result_in(response)
    await product.faults({"seed": 1})
    calls = len(await product.calls())
    before = datetime.now(UTC)
    again = await posted(product, f"/api{RETRY}", {"previous_result": previous})
    result = result_in(again)
    assert ["Set 3 of 6", "Set 6 of 6"] == await texts_asked_for(product, since=calls)
    assert previous["session_id"] == result["session_id"]
    assert (True, False, []) == (
        result["success"],
        result["retry_info"]["can_retry"],
        result["retry_info"]["failed_sets"],
    )
    assert previous["story_metadata"] == result["story_metadata"]
    old, new = raw_sets(response.text), raw_sets(again.text)
    assert {1, 2, 4, 5} == set(old)
    assert old == {number: new[number] for number in old}, "finished sets come back byte for byte"
    for entry in result["sets"]:
        assert entry["set_data"]["title"] == result["story_title"]
        assert filed(entry) == new[entry["set_number"]]
        info = entry.get("retry_info")
        assert (entry["set_number"] in (3, 6)) == (info is not None)
        if info:
            assert info["was_retried"] is True
            assert before <= datetime.fromisoformat(info["retry_timestamp"]) <= datetime.now(UTC)
            assert info["retry_timestamp"].endswith("Z")
    numbers = [segment["number"] for entry in result["sets"] for segment in entry["set_data"]["segments"]]
    assert list(range(1, 12)) == numbers
    assert 7 == len(result["files_saved"])


async def test_retry_attempts_are_configurable_from_1_to_10(product: Product) -> None:
    """Seed: configurable retry attempts (1-10); a set that fails again says that it was retried, and can be again."""
    await failing(product, {"Set 2 of 3": PERMANENT})
    previous = await generated(product)
    for wrong in (0, 11, -1, "3", 2.5, True, None, 10**30):
        response = await posted(product, RETRY, {"previous_result": previous, "max_retries": wrong})
        assert (400, "Max retries must be between 1 and 10") == (response.status_code, response.json()["detail"])
    await failing(product, {"Set 2 of 3": TRANSIENT})
    once = await retried(product, previous, max_retries=1)
    assert {1: "success", 2: "failed", 3: "success"} == statuses(once)
    assert once["sets"][1]["retry_info"]["was_retried"] is True
    assert 2 == len(await attempts_at(product, previous["session_id"], "set-02"))
    waiting = await posted(product, RETRY, {"previous_result": once, "max_retries": 10}, Prefer="respond-async")
    assert 2 + 10 == waiting.json()["items"][2]["max_attempts"]
    await product.faults({"seed": 1})
    twice = await retried(product, once)
    assert twice["success"] is True


async def test_nothing_failed_gives_the_previous_result_unchanged(product: Product) -> None:
    """What was sent comes back as it was, to the last blank, and nobody is asked for anything."""
    result = await generated(product, sets=1)
    calls = len(await product.calls())
    sent = json.dumps(result, indent=7, sort_keys=True)
    content = '{"max_retries": 4,\n "previous_result" : ' + sent + " }"
    response = await product.api.post(RETRY, content=content, headers={"Content-Type": "application/json"})
    assert (200, sent) == (response.status_code, response.text)
    assert calls == len(await product.calls())


async def test_a_result_from_elsewhere_goes_on_here(product: Product) -> None:
    """The result is all it needs: a session that nobody knows any more goes on under a new id."""
    await failing(product, {"Set 2 of 3": PERMANENT})
    first = await posted(product, GENERATE, {"idea": "A fox", "total_segments": 6, "segments_per_set": 2})
    await product.faults({"seed": 1})
    previous = {**first.json(), "session_id": ELSEWHERE}
    calls = len(await product.calls())
    response = await posted(product, RETRY, {"previous_result": previous}, Idempotency_Key="from-elsewhere")
    result = result_in(response)
    assert result["success"] is True
    assert result["session_id"] not in (ELSEWHERE, first.json()["session_id"])
    assert ["Set 2 of 3"] == await texts_asked_for(product, since=calls)
    assert previous["story_metadata"] == result["story_metadata"]
    new = raw_sets(response.text)
    assert raw_sets(first.text) == {number: new[number] for number in (1, 3)}
    assert [2] == [entry["set_number"] for entry in result["sets"] if "retry_info" in entry]
    assert 4 == len(result["files_saved"])
    assert are_files(result)
    assert result["session_id"] in result["output_directory"]
    again = await retried(product, previous, Idempotency_Key="from-elsewhere")
    assert result == again, "the same key does not start another"
    other = {"previous_result": previous, "max_retries": 4}
    assert 422 == (await posted(product, RETRY, other, Idempotency_Key="from-elsewhere")).status_code
    story = (await product.api.get(f"/api/sessions/{result['session_id']}/story")).json()
    assert texts(result) == story["sets"]


async def test_a_result_from_elsewhere_that_is_sent_twice_is_paid_for_once(product: Product) -> None:
    """Even without a key: the second finds the session that the first has begun, and retries what is left there."""
    await failing(product, {"Set 2 of 3": PERMANENT})
    first = await posted(product, GENERATE, {"idea": "A hare", "total_segments": 6, "segments_per_set": 2})
    previous = {**first.json(), "session_id": ELSEWHERE}
    failed = await retried(product, previous)
    assert failed["success"] is False
    await product.faults({"seed": 1})
    calls = len(await product.calls())

    finished, again = await retried(product, previous), await retried(product, previous)

    assert (True, finished["sets"]) == (finished["success"], again["sets"])
    assert {failed["session_id"]} == {finished["session_id"], again["session_id"]}
    assert ["Set 2 of 3"] == await texts_asked_for(product, since=calls)


@pytest.mark.parametrize("session_id", [None, ELSEWHERE], ids=["known", "unknown"])
async def test_a_story_without_an_outline_is_begun_anew(product: Product, session_id: str | None) -> None:
    """All sets failed with the outline: the result still says what was asked for, and that is made."""
    await failing(product, {"Write the outline": PERMANENT})
    body = {
        "idea": "A fox and a lamp",
        "total_segments": 4,
        "segments_per_set": 2,
        "custom_character_roster": [{"name": "Ada", "clothing": "a red coat"}],
    }
    previous = (await posted(product, GENERATE, body)).json()
    assert (False, "A fox and a lamp", [], [1, 2]) == (
        previous["success"],
        previous["story_title"],
        previous["files_saved"],
        previous["retry_info"]["failed_sets"],
    )
    assert all("Outline" in entry["error"] for entry in previous["sets"])
    assert body["idea"] == previous["story_metadata"]["generation_info"]["idea"]
    await product.faults({"seed": 1})
    result = await retried(product, previous | ({"session_id": session_id} if session_id else {}))
    assert result["success"] is True
    assert (session_id is None) == (result["session_id"] == previous["session_id"])
    assert "a red coat" in [one["clothing"] for one in result["story_metadata"]["characters_roster"]]
    assert all(entry["retry_info"]["was_retried"] for entry in result["sets"])


async def test_a_story_in_parts_goes_on_elsewhere(product: Product) -> None:
    """A long story's outline is of several documents: they all come out of the result again, the finished sets too."""
    await failing(product, {"Set 61 of 61": PERMANENT})
    body = {"idea": "A fox", "total_segments": 61, "segments_per_set": 1}
    previous = (await posted(product, GENERATE, body)).json()
    assert [61] == previous["retry_info"]["failed_sets"]
    assert 2 == len(previous["story_metadata"]["parts"])
    await product.faults({"seed": 1})
    result = await retried(product, {**previous, "session_id": ELSEWHERE})
    assert result["success"] is True
    assert previous["story_metadata"] == result["story_metadata"]
    assert [entry["set_data"] for entry in previous["sets"][:60]] == [
        entry["set_data"] for entry in result["sets"][:60]
    ]


async def test_a_repeated_retry_with_a_key_retries_once(product: Product) -> None:
    """Sent again with its Idempotency-Key, a retry that failed again is not made another time."""
    await failing(product, {"Set 2 of 3": PERMANENT})
    previous = await generated(product)
    once = await retried(product, previous, Idempotency_Key="retry-once")
    again = await retried(product, previous, Idempotency_Key="retry-once")
    assert once == again
    assert 2 == len(await attempts_at(product, previous["session_id"], "set-02"))
    other = {"previous_result": previous, "max_retries": 9}
    assert 422 == (await posted(product, RETRY, other, Idempotency_Key="retry-once")).status_code


async def test_retries_that_race_have_one_outcome(product: Product) -> None:
    """Five people press at once: each failed set is made once, and all five get the same story."""
    await failing(product, {"Set 1 of 3": PERMANENT, "Set 2 of 3": PERMANENT})
    previous = await generated(product)
    await failing(product, {"Set 1 of 3": {"kind": "slow", "seconds": 1}})
    calls = len(await product.calls())
    results = await asyncio.gather(*(retried(product, previous) for _ in range(5)))
    assert ["Set 1 of 3", "Set 2 of 3"] == await texts_asked_for(product, since=calls)
    assert all(result["success"] for result in results)
    for result in results:
        assert texts(results[0]) == texts(result)
        assert [1, 2] == [entry["set_number"] for entry in result["sets"] if "retry_info" in entry]
    late = await retried(product, previous)
    assert results[0]["sets"] == late["sets"], "what others have finished is taken as it is"
    assert 2 == len(await texts_asked_for(product, since=calls))


async def test_a_session_that_has_closed_is_retried_under_its_id(product: Product) -> None:
    """Open or closed makes no difference to who asks."""
    await failing(product, {"Set 2 of 3": PERMANENT})
    previous = await generated(product)
    client = await product.temporal()
    await client.get_workflow_handle(previous["session_id"]).terminate()
    await product.faults({"seed": 1})
    result = await retried(product, previous)
    assert (True, previous["session_id"]) == (result["success"], result["session_id"])


async def test_file_errors_do_not_stop_generation(product: Product) -> None:
    """Seed: file errors → logged but don't stop generation. Once they can be, the files are written after all."""
    folder = product.data_dir / "artifacts" / "sessions" / session_id_for("no-files") / "files"
    folder.parent.mkdir(parents=True)
    folder.write_text("in the way")
    result = await generated(product, Idempotency_Key="no-files")
    assert (True, []) == (result["success"], result["files_saved"])
    assert [None] * 3 == [entry["file_path"] for entry in result["sets"]]
    assert "a file could not be written" in product.log("worker")
    folder.unlink()
    later = (await product.api.get(f"/api/sessions/{result['session_id']}/result")).json()
    assert 4 == len(later["files_saved"])
    assert are_files(later)
    assert texts(result) == texts(later)


async def test_results_of_other_sessions_are_told_apart(product: Product) -> None:
    """There is no result of a session that is unknown, or that makes pictures."""
    assert 404 == (await product.api.get(f"/api/sessions/{ELSEWHERE}/result")).status_code
    images = await product.start_images(images=[{"type": "main"}])
    await product.settled(images)
    assert 404 == (await product.api.get(f"/api/sessions/{images}/result")).status_code
