"""The application as it comes up, with nothing yet to come up to."""

import asyncio
from pathlib import Path

from api.app import create_app
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
