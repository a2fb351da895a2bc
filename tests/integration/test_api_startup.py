"""The application as it comes up, with nothing yet to come up to."""

import asyncio
from pathlib import Path

import pytest
from pydantic import SecretStr

from api.app import create_app
from runtime.refusal import Refused
from runtime.settings import Settings
from tests.support.eventually import eventually
from tests.support.product import free_port
from tests.unit.api.serving import served


def settings_without_temporal(data_dir: Path) -> Settings:
    """Return settings that name a Temporal server which is not there."""
    return Settings(data_dir=data_dir, temporal_port=free_port(), temporal_ui_port=free_port())


async def test_without_temporal_the_api_says_so_and_keeps_trying(tmp_path: Path) -> None:
    """It lives, is not ready and says why, puts requests off at once, and ends when it is told to."""
    async with asyncio.timeout(20), served(create_app(settings_without_temporal(tmp_path))) as (_, client):
        assert 200 == (await client.get("/health/live")).status_code

        async def records_answer() -> bool:
            return bool((await client.get("/health/ready")).json()["checks"]["records"] == "ok")

        await eventually(records_answer)
        unready = await client.get("/health/ready")
        assert (503, "does not answer") == (unready.status_code, unready.json()["checks"]["temporal"])
        assert "does not answer" == unready.json()["checks"]["services"]
        refused = await client.post("/api/sessions/images", json={"product": {"title": "Steel bottle"}})
        assert 503 == refused.status_code
        assert "retry-after" in refused.headers
        assert "Temporal" in refused.json()["detail"]
        page = await client.get("/", headers={"Accept": "text/html"})
        assert (503, "text/html; charset=utf-8") == (page.status_code, page.headers["content-type"])
        assert 'http-equiv="refresh"' in page.text


async def test_without_records_the_api_says_so(tmp_path: Path) -> None:
    """A folder where the database should be is no database: not ready, for that reason, too."""
    (tmp_path / "records.sqlite3").mkdir()
    async with asyncio.timeout(20), served(create_app(settings_without_temporal(tmp_path))) as (_, client):
        checks = (await client.get("/health/ready")).json()["checks"]
        assert "does not answer" == checks["records"]
        assert "retakes_records_up 0.0" in (await client.get("/metrics")).text


async def test_a_bad_price_table_keeps_the_api_from_starting(tmp_path: Path) -> None:
    """It is refused before anything is served, in one line that names the file and the setting."""
    prices = tmp_path / "prices.toml"
    prices.write_text("not a table")
    settings = settings_without_temporal(tmp_path).model_copy(update={"prices_file": prices})
    with pytest.raises(Refused, match=r"prices\.toml.*RETAKES_PRICES_FILE"):
        create_app(settings)


async def test_services_that_fail_end_the_process(tmp_path: Path) -> None:
    """Settings of Temporal's own that cannot be used do not leave an API behind that promises to keep trying."""
    variables = {
        "TEMPORAL_PROFILE": SecretStr("nobody"),
        "TEMPORAL_CONFIG_FILE": SecretStr(str(tmp_path / "none.toml")),
    }
    settings = settings_without_temporal(tmp_path).model_copy(update={"temporal_variables": variables})
    given_up = asyncio.Event()
    async with asyncio.timeout(20), served(create_app(settings, give_up=given_up.set)) as (_, client):
        await given_up.wait()
        assert 503 == (await client.get("/health/ready")).status_code
