"""`retakes up --demo` as a process, where everything stands ready that it must not touch."""

import asyncio
import os
import signal
from asyncio.subprocess import PIPE, STDOUT
from datetime import timedelta
from pathlib import Path

import httpx2

from runtime.ports import WantedPort, reason_against
from tests.support.product import BIN, free_port
from tests.unit.providers.loopback import Loopback, refused

PORTS = ("RETAKES_API_PORT", "RETAKES_TEMPORAL_PORT", "RETAKES_TEMPORAL_UI_PORT", "RETAKES_OFFLINE_PORT")
TOLD = (
    "Lifestyle       attempt 1 failed: The provider had a fault of its own; again in 1 s",
    "Lifestyle       attempt 2 runs, with “Emphasize clarity and simplicity”",
    "Lifestyle       is ready with attempt 3",
    "8 calls in the provider's own log, 8 attempts in our ledger (5 complete, 3 failed)",
    "Comparison      has failed",
    "The session is partial: 4 of 5 images are ready",
    "That took 1 call, for the one image that was missing, with its fourth attempt.",
    "The worker      is killed with SIGKILL",
    "worker was ended by SIGKILL; starting it again",
    "Main image      is ready with attempt 2",
    "6 calls in the provider's own log, 6 attempts in our ledger (5 complete, 1 uncertain)",
    "The provider received 22 calls and spoilt 7 of them. The ledger holds 22 attempts",
    "15 pictures came back for 15 images: none is missing, and none was made twice.",
)


async def test_the_tour_shows_what_it_promises_and_leaves_nothing_behind(tmp_path: Path) -> None:
    """It reaches its end with every figure, asks no real provider, makes nothing of ours, and Ctrl-C ends it whole."""
    ports = {name: free_port() for name in PORTS}
    folder, temporary = tmp_path / "here", tmp_path / "temporary"
    for made in (folder, temporary):
        made.mkdir()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("RETAKES_", "OPENAI_"))}
    async with Loopback([refused(500)]) as paid:
        (folder / ".env").write_text(
            f"OPENAI_BASE_URL={paid.base_url}\nRETAKES_DATABASE_URL=sqlite:///{folder}/mine.sqlite3\n"
        )
        real = {
            "OPENAI_API_KEY": "sk-somebodys-real-key",
            "RETAKES_DATA_DIR": str(folder / "mine"),
            "RETAKES_MONTHLY_BUDGET_USD": "0",
            "TMPDIR": str(temporary),
        }
        demo = await asyncio.create_subprocess_exec(
            *(str(BIN / "retakes"), "up", "--demo"),
            cwd=folder,
            env={**kept, **real, **{name: str(port) for name, port in ports.items()}},
            stdout=PIPE,
            stderr=STDOUT,
        )
        assert demo.stdout is not None
        lines: list[str] = []
        try:
            async with asyncio.timeout(100):
                while "Ctrl-C ends it" not in (lines[-1] if lines else ""):
                    lines.append((await demo.stdout.readline()).decode())
                    assert lines[-1], "".join(lines)
            told = " ".join(" ".join(lines).split())
            assert [] == [words for words in TOLD if " ".join(words.split()) not in told]
            address = f"http://127.0.0.1:{ports['RETAKES_API_PORT']}/"
            assert address in told
            async with httpx2.AsyncClient() as client:
                page = await client.get(address)
            assert "Enamel mug" in page.text
        finally:
            demo.send_signal(signal.SIGINT)
            async with asyncio.timeout(15):
                await demo.communicate()
        assert 0 == demo.returncode
        assert [] == paid.received
    assert [folder / ".env"] == list(folder.iterdir())
    assert [] == list(temporary.iterdir())
    wanted = [WantedPort(host="127.0.0.1", port=port, setting=name) for name, port in ports.items()]
    assert reason_against(wanted, patience=timedelta(0)) is None
