"""Single looks of the doctor, against servers on loopback and folders of a test's own."""

import sqlite3
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cli.doctor.api import ApiLook
from cli.doctor.clock import Apart, ClockLook, judged
from cli.doctor.findings import Seen, Verdict
from cli.doctor.provider import ProviderLooks
from cli.doctor.stores import ArtifactLook, DiskLook, RecordsLook
from cli.doctor.webhooks import look_at_webhooks
from providers.openai_client import openai_client
from providers.openai_models import listed_models
from runtime.settings import Settings
from tests.unit.providers.loopback import DATE, Loopback, answered, garbled, refused
from tests.unit.storage.bucket import Bucket

pytest_plugins = ["tests.support.databases"]

KEY = "sk-0123456789abcdef"
SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"
MODELS = {"object": "list", "data": [{"id": "gpt-image-2.5-flare", "object": "model"}, {"id": "gpt-6-luna"}]}
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "TEMPORAL_ADDRESS", "RETAKES_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)


def settings(folder: Path, **variables: object) -> Settings:
    return Settings.model_validate({"data_dir": folder, "temporal_variables": {}, **variables})


def provider(folder: Path, server: Loopback, **variables: object) -> ProviderLooks:
    given = {"OPENAI_BASE_URL": server.base_url, "OPENAI_API_KEY": KEY, **variables}
    return ProviderLooks(settings(folder, **given))


async def test_one_call_shows_the_key_and_the_models(tmp_path: Path) -> None:
    """Both looks share one call, which is sent with the key."""
    async with Loopback([answered(200, MODELS)]) as server:
        looks = provider(tmp_path, server)
        assert f"{server.base_url} accepts the key and lists 2 models" == (await looks.key()).seen
        assert Seen.ok("gpt-image-2.5-flare, gpt-6-luna") == await looks.models()
        assert [f"Bearer {KEY}"] == [request.headers["authorization"] for request in server.received]


@pytest.mark.parametrize(
    ("status", "code", "expected", "advice"),
    [
        (401, "invalid_api_key", Verdict.WRONG, "Check OPENAI_API_KEY"),
        (429, "insufficient_quota", Verdict.WRONG, "Add credit"),
        (500, None, Verdict.WRONG, "Try again in a moment."),
        (403, "insufficient_permissions", Verdict.WARNING, "Restricted keys of OpenAI"),
        (404, None, Verdict.WARNING, "If sessions work, all is well."),
    ],
)
async def test_a_refusal_says_what_to_do(
    status: int, code: str | None, expected: Verdict, advice: str, tmp_path: Path
) -> None:
    """What keeps attempts from working is wrong; what only keeps us from looking is a warning. No key is quoted."""
    async with Loopback([refused(status, code=code, message=f"Not with {KEY}.")]) as server:
        looks = provider(tmp_path, server)
        seen = await looks.key()
        assert Verdict.SKIPPED is (await looks.models()).status
    assert expected is seen.status
    assert advice in str(seen.advice)
    assert KEY not in seen.model_dump_json()


async def test_a_server_that_is_no_provider_is_told(tmp_path: Path) -> None:
    """An answer that is no list is no reason to fail."""
    async with Loopback([garbled()]) as server:
        assert Verdict.WRONG is (await provider(tmp_path, server).key()).status


async def test_a_model_that_is_not_listed_is_pointed_out(tmp_path: Path) -> None:
    """A gateway may take names it does not list, so elsewhere than at OpenAI this is a warning."""
    async with Loopback([answered(200, MODELS)]) as server:
        seen = await provider(tmp_path, server, image_model="gpt-image-9").models()
    assert (Verdict.WARNING, "not listed: gpt-image-9 (RETAKES_IMAGE_MODEL)") == (seen.status, seen.seen)


async def test_a_key_that_cannot_be_sent_is_not_repeated(tmp_path: Path) -> None:
    """The line says which setting it is."""
    async with Loopback([answered(200, MODELS)]) as server:
        seen = await provider(tmp_path, server, OPENAI_API_KEY="sk-ключ").key()
        assert [] == server.received
    assert "OPENAI_API_KEY holds characters that no key has" in seen.seen
    assert "sk-" not in seen.seen


async def test_the_providers_clock_comes_with_its_models() -> None:
    """Its Date header, between the moments at which we asked and were answered."""
    async with (
        Loopback([answered(200, MODELS, headers={"date": DATE})]) as server,
        openai_client(api_key=None, base_url=server.base_url, longest_silence=timedelta(seconds=5)) as client,
    ):
        listed = await listed_models(client)
    assert NOON == listed.provider_time
    assert listed.asked_at <= listed.answered_at <= datetime.now(UTC)


def test_clocks_are_as_far_apart_as_is_certain() -> None:
    """The way there and back may account for some of it, and is not held against anybody."""
    asked, answered_at = NOON, NOON + timedelta(seconds=4)
    apart = Apart.of("the provider's", theirs=NOON - timedelta(seconds=9), asked_at=asked, answered_at=answered_at)
    assert (timedelta(seconds=11), timedelta(seconds=2)) == (apart.ahead, apart.margin)
    assert timedelta(seconds=9) == apart.certain
    assert "11.0 s ahead of the provider's (give or take 2.0 s)" == judged([apart]).seen


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        ([0.2], Verdict.OK),
        ([-9], Verdict.OK),
        ([-60], Verdict.WARNING),
        ([400], Verdict.WRONG),
        ([400, 0.1], Verdict.WARNING),  # one clock agrees with ours, so it is the other that is wrong
        ([], Verdict.SKIPPED),
    ],
)
def test_a_wrong_clock_is_wrong_once_signatures_are_refused(seconds: list[float], expected: Verdict) -> None:
    """From ten seconds on it is worth a warning, from five minutes on it breaks things."""
    found = [Apart(whose="its", ahead=timedelta(seconds=one), margin=timedelta(0)) for one in seconds]
    assert expected is judged(found).status


async def test_the_clocks_of_the_provider_and_of_the_database_are_read(database_url: str, tmp_path: Path) -> None:
    """A provider that lives years ago is far behind us; a database on this machine is not."""
    long_ago = {"date": "Wed, 01 Jan 2020 12:00:00 GMT"}
    async with Loopback([answered(200, MODELS, headers=long_ago)]) as server:
        look = ClockLook(settings(tmp_path, database_url=database_url), provider=provider(tmp_path, server))
        against_provider, against_database = await look.against_provider(), await look.against_database()
    assert against_provider is not None
    assert against_provider.certain > timedelta(days=365)
    assert against_database is not None
    assert against_database.certain < timedelta(seconds=5)


async def test_clocks_of_this_machine_are_not_compared(tmp_path: Path) -> None:
    """Agreeing with oneself proves nothing."""
    here = settings(tmp_path)
    assert Verdict.SKIPPED is (await ClockLook(here, provider=ProviderLooks(here)).look()).status


async def test_records_with_the_current_schema_are_all_right(database_url: str, tmp_path: Path) -> None:
    """On both kinds of database."""
    seen = await RecordsLook(settings(tmp_path, database_url=database_url)).look()
    assert Verdict.OK is seen.status, seen


async def test_a_database_without_tables_asks_for_the_upgrade(empty_database_url: str, tmp_path: Path) -> None:
    """One that nobody has upgraded yet is wrong; an SQLite file that is missing will be made."""
    seen = await RecordsLook(settings(tmp_path, database_url=empty_database_url)).look()
    if empty_database_url.startswith("sqlite"):
        assert Verdict.SKIPPED is seen.status
        assert [] == _names_in(tmp_path)
    else:
        assert (Verdict.WRONG, "Run `retakes db upgrade`") == (seen.status, str(seen.advice)[:24])


async def test_an_sqlite_file_that_is_none_is_told(tmp_path: Path) -> None:
    """Whatever lies there, the look ends with a finding."""
    (tmp_path / "records.sqlite3").write_text("nothing of the kind" * 100)
    assert Verdict.WRONG is (await RecordsLook(settings(tmp_path)).look()).status


async def test_records_that_somebody_keeps_locked_are_told(sqlite_url: str, tmp_path: Path) -> None:
    """Reading alone would not show it: what can't be written is wrong."""
    with sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        seen = await RecordsLook(settings(tmp_path, database_url=sqlite_url)).look()
        other.execute("ROLLBACK")
    assert Verdict.WRONG is seen.status
    assert "can't be used" in seen.seen


async def test_where_others_run_the_server_a_missing_store_is_wrong(tmp_path: Path) -> None:
    """`retakes up` makes what is missing; on a server of one's own it points to a wrong setting."""
    elsewhere = settings(tmp_path, TEMPORAL_ADDRESS="temporal.example:7233")
    assert Verdict.WRONG is (await ArtifactLook(elsewhere).look()).status
    assert Verdict.WRONG is (await RecordsLook(elsewhere).look()).status
    assert Verdict.SKIPPED is (await ArtifactLook(settings(tmp_path)).look()).status
    assert [] == _names_in(tmp_path)


async def test_artifacts_are_tried_and_nothing_stays(tmp_path: Path) -> None:
    """Written, read back, deleted."""
    (tmp_path / "artifacts").mkdir()
    assert Verdict.OK is (await ArtifactLook(settings(tmp_path)).look()).status
    assert [] == _names_in(tmp_path / "artifacts")


async def test_a_bucket_is_tried_as_a_folder_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With S3, too, nothing stays; a bucket that refuses us says what to check."""
    bucket = Bucket()
    with bucket.listening():
        for name, value in {
            "AWS_ENDPOINT_URL": bucket.address,
            "AWS_ALLOW_HTTP": "true",
            "AWS_ACCESS_KEY_ID": "somebody",
            "AWS_SECRET_ACCESS_KEY": "a-secret-of-theirs",
        }.items():
            monkeypatch.setenv(name, value)
        look = ArtifactLook(settings(tmp_path, artifacts_url="s3://pictures/retakes"))
        assert "s3://pictures/retakes: an object was written, read back and deleted" == (await look.look()).seen
        assert {} == bucket.objects
        bucket.is_refusing = True
        refused_by_it = await look.look()
    assert Verdict.WRONG is refused_by_it.status
    assert "may read, write and delete" in str(refused_by_it.advice)
    assert "a-secret-of-theirs" not in refused_by_it.model_dump_json()


async def test_the_disk_of_a_folder_that_is_not_made_yet_is_that_of_its_parent(tmp_path: Path) -> None:
    """The room is told for the folder that will be made."""
    seen = await DiskLook(settings(tmp_path / "to" / "be" / "made")).look()
    assert f"GiB are free for {tmp_path}/to/be/made" in seen.seen


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, Verdict.SKIPPED),
        ({"TEMPORAL_ADDRESS": "temporal.example:7233"}, Verdict.WARNING),
        ({"TEMPORAL_ADDRESS": "temporal.example:7233", "webhook_secret": SECRET}, Verdict.OK),
    ],
)
async def test_looking_at_webhooks_makes_no_secret(
    variables: Mapping[str, str], expected: Verdict, tmp_path: Path
) -> None:
    """With `retakes up` one is made when it is needed; elsewhere somebody has to set one."""
    assert expected is (await look_at_webhooks(settings(tmp_path, **variables))).status
    assert [] == _names_in(tmp_path)


async def test_a_secret_that_cannot_sign_is_wrong(tmp_path: Path) -> None:
    """The processes would not start with it."""
    (tmp_path / "webhook_secret").write_text("nonsense")
    assert Verdict.WRONG is (await look_at_webhooks(settings(tmp_path))).status


async def test_an_api_that_waits_tells_for_what(tmp_path: Path) -> None:
    """Its own readiness says what is missing."""
    body = {"status": "not ready", "checks": {"temporal": "does not answer", "records": "ok"}}
    async with Loopback([answered(503, body)]) as server:
        seen = await ApiLook(settings(tmp_path), address=server.base_url.removesuffix("/v1")).look()
    assert Verdict.WRONG is seen.status
    assert seen.seen.endswith("answers and is not ready: temporal does not answer")


async def test_somebody_else_at_our_address_is_told(tmp_path: Path) -> None:
    """What answers need not be Retakes."""
    async with Loopback([answered(200, b"<html>Welcome</html>", media_type="text/html")]) as server:
        seen = await ApiLook(settings(tmp_path), address=server.base_url.removesuffix("/v1")).look()
    assert Verdict.WRONG is seen.status
    assert "is not Retakes (status 200)" in seen.seen


def _names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())
