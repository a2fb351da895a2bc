"""The README's commands, word for word, against the product that its first command starts."""

import asyncio
import json
import os
import re
import signal
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio

from tests.support.eventually import eventually
from tests.support.product import BIN, free_port

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
SHELL_BLOCKS = re.findall(r"^```sh\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
VARIABLES = ("RETAKES_API_PORT", "RETAKES_TEMPORAL_PORT", "RETAKES_TEMPORAL_UI_PORT", "RETAKES_OFFLINE_PORT")


def block_with(text: str) -> str:
    """Return the README's one shell block that holds a text."""
    (block,) = [block for block in SHELL_BLOCKS if text in block]
    return str(block)


class Readme:
    """The product as `make run` starts it, and a shell in which the README's commands reach it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports = {name: str(free_port()) for name in VARIABLES}
        self.address = f"http://127.0.0.1:{self.ports['RETAKES_API_PORT']}"
        self.api = httpx2.AsyncClient(base_url=self.address, timeout=10)

    async def run(self, block: str, *, session_id: str = "ID") -> str:
        """Run a block as it stands, but for the ports and the session's id."""
        commands = block.replace("http://127.0.0.1:8000", self.address).replace("ID", session_id)
        commands = commands.replace("127.0.0.1:8900", f"127.0.0.1:{self.ports['RETAKES_OFFLINE_PORT']}")
        commands = commands.replace(".venv/bin/", f"{BIN}/")
        shell = await asyncio.create_subprocess_exec(
            "sh",
            "-eu",
            "-c",
            commands,
            cwd=self.folder,
            env={**os.environ, "RETAKES_URL": self.address},
            stdout=asyncio.subprocess.PIPE,
        )
        output, _ = await shell.communicate()
        assert shell.returncode == 0, f"{commands}\n{output.decode()}"
        return output.decode()

    async def settled(self, session_id: str) -> str:
        """Return the status of a session once it has settled."""

        async def status() -> str | None:
            session = (await self.api.get(f"/api/sessions/{session_id}")).json()
            return session["status"] if session["settled_at"] else None

        return await eventually(status, timeout=timedelta(seconds=30))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def readme(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Readme]:
    folder = tmp_path_factory.mktemp("readme")
    readme = Readme(folder)
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("RETAKES_", "OPENAI_", "TEMPORAL_"))
    }
    with (folder / "up.log").open("wb") as log:
        up = await asyncio.create_subprocess_exec(
            str(BIN / "retakes"), "up", cwd=folder, env=kept | readme.ports, stdout=log, stderr=log
        )

    async def is_ready() -> bool:
        if up.returncode is not None:
            pytest.fail(f"retakes up ended with {up.returncode}:\n{(folder / 'up.log').read_text()}")
        try:
            return (await readme.api.get("/health/ready")).status_code == 200
        except httpx2.TransportError:
            return False

    await eventually(is_ready, timeout=timedelta(seconds=60))
    yield readme
    await readme.api.aclose()
    up.send_signal(signal.SIGINT)
    async with asyncio.timeout(12):
        assert await up.wait() in (0, 130)


async def test_make_run_is_retakes_up() -> None:
    """The first command of the README runs what this file starts."""
    makefile = (Path(__file__).parents[2] / "Makefile").read_text()
    assert "```console\nmake run\n```" in README
    assert re.search(r"^run: .*\n\t@exec \$\(BIN\)/retakes up$", makefile, re.MULTILINE)


async def test_the_first_example_makes_five_pictures(readme: Readme) -> None:
    """The curl example starts a session; the commands after it watch it, list its attempts and fetch the pictures."""
    session = json.loads(await readme.run(block_with("/api/sessions/images")))
    assert await readme.settled(session["id"]) == "complete"
    shown = await readme.run(block_with("/events"), session_id=session["id"])
    assert "event: end" in shown
    assert (readme.folder / "images.zip").read_bytes().startswith(b"PK")


async def test_the_command_line_makes_them_too(readme: Readme) -> None:
    """The command in the README starts a session, watches it and ends well."""
    assert "Complete: All 5 images are ready." in await readme.run(block_with(".venv/bin/retakes images"))


async def test_the_client_is_used_as_its_guide_shows(readme: Readme) -> None:
    """The Python of docs/command-line.md starts a session and follows it until it has settled."""
    guide = (ROOT / "docs" / "command-line.md").read_text()
    (program,) = re.findall(r"^```python\n(.*?)^```", guide, re.MULTILINE | re.DOTALL)
    (readme.folder / "guide.py").write_text(program.replace("http://127.0.0.1:8000", readme.address))
    shown = await readme.run(f"PYTHONPATH={ROOT} .venv/bin/python guide.py")
    assert shown.endswith("All 5 images are ready.\n")


async def test_the_story_becomes_a_script(readme: Readme) -> None:
    """The second start is a story, and the command after it fetches its screenplay."""
    session = json.loads(await readme.run(block_with("/api/sessions/stories")))
    assert "complete" == await readme.settled(session["id"])
    await readme.run(block_with("script.pdf"), session_id=session["id"])
    assert (readme.folder / "script.pdf").read_bytes().startswith(b"%PDF")


async def test_the_second_example_fails_and_gets_finished(readme: Readme) -> None:
    """Two failures are retried by themselves; after three the retry makes only the failed image again."""
    plan = block_with("server_error")
    await readme.run(plan)
    session = json.loads(await readme.run(block_with("/api/sessions/images")))
    assert await readme.settled(session["id"]) == "complete"
    await readme.run(plan.replace('"times": 2', '"times": 3'))
    session = json.loads(await readme.run(block_with("/api/sessions/images")))
    assert await readme.settled(session["id"]) == "partial"
    await readme.run(block_with("/retry"), session_id=session["id"])

    async def lifestyle_attempt() -> int | None:
        shown = (await readme.api.get(f"/api/sessions/{session['id']}")).json()
        item = next(item for item in shown["items"] if item["key"] == "lifestyle")
        return item["attempt"] if item["status"] == "complete" else None

    assert await eventually(lifestyle_attempt) == 4
