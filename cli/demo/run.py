"""Starts the product for the tour, apart from everything that the settings name."""

import os
import socket
import tempfile
from contextlib import chdir
from datetime import timedelta
from pathlib import Path
from typing import Final

from cli.demo.client import DemoClient
from cli.demo.narrator import Narrator
from cli.demo.tour import Tour
from runtime.children import LOOPBACK
from runtime.ports import WantedPort, reason_against
from runtime.settings import Settings, load_settings
from runtime.up import Guided, RunningProduct, run_up

_OURS: Final = ("RETAKES_", "OPENAI_", "TEMPORAL_")
_TO_BE_SEEN: Final = timedelta(seconds=1)
"""How long the offline provider takes to answer, so that people see attempts while they run …"""
_UNSEEN: Final = timedelta(milliseconds=200)
"""… and where nobody looks."""


def run_demo(settings: Settings) -> int:
    """Run the product in a folder of its own, which goes with it, and show what it does. Returns the exit code.

    Of the settings nothing but the ports counts, where they are free: neither the data folder nor the database,
    neither another Temporal server nor a provider that costs money is ever reached.
    """
    with tempfile.TemporaryDirectory(prefix="retakes-demo-", ignore_cleanup_errors=True) as name:
        folder = Path(name).resolve()
        _forget_settings()
        os.environ.update(_apart(settings, folder=folder))
        # The children read `.env` where they are started.
        with chdir(folder):
            return _guided(load_settings(), narrator=Narrator())


def _guided(settings: Settings, *, narrator: Narrator) -> int:
    async def tour(product: RunningProduct) -> None:
        async with DemoClient(api=product.api_url, provider=product.provider_url) as client:
            await Tour(
                client,
                narrator=narrator,
                kill_worker=lambda: product.kill("worker"),
                places={"Page": f"{product.api_url}/", "Temporal UI": settings.temporal_ui_url or "none"},
            ).run()

    narrator.heading("A tour of Retakes, with faults switched on")
    narrator.say(
        "Pictures are drawn by the offline provider on this machine, which fails when it is told to. No key is used, "
        "nothing is paid, and your own sessions are not touched: all of this lives in a folder of its own, which goes "
        "when you end it. Starting; this takes some seconds."
    )
    guided = Guided(
        tour=tour,
        say=lambda line: narrator.moment("", line),
        latency=_TO_BE_SEEN if narrator.is_watched else _UNSEEN,
    )
    return run_up(settings, guided=guided)


def _forget_settings() -> None:
    # In any spelling: settings are read without regard to it.
    for name in [name for name in os.environ if name.upper().startswith(_OURS)]:
        del os.environ[name]


def _apart(settings: Settings, *, folder: Path) -> dict[str, str]:
    ports = {
        "RETAKES_API_PORT": settings.api_port,
        "RETAKES_TEMPORAL_PORT": settings.temporal_port,
        "RETAKES_TEMPORAL_UI_PORT": settings.temporal_ui_port,
        "RETAKES_OFFLINE_PORT": settings.offline_port,
    }
    return {
        "RETAKES_DATA_DIR": str(folder),
        **{name: str(_free(port, setting=name)) for name, port in ports.items()},
    }


def _free(port: int, *, setting: str) -> int:
    """Return the port where it is free, else one that is: the product itself may be running beside the tour."""
    wanted = WantedPort(host=LOOPBACK, port=port, setting=setting)
    if reason_against([wanted], patience=timedelta(0)) is None:
        return port
    with socket.create_server((LOOPBACK, 0)) as probe:
        return int(probe.getsockname()[1])
