"""The offline provider, served for tests on a free loopback port in a thread of its own.

Use the fixture ``offline`` (import it together with ``offline_server``, or name this module in ``pytest_plugins``),
or ``running_offline_provider`` where a test needs a latency, a log file or a provider of its own.
"""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest

from providers.offline.app import CallList
from providers.offline.calls import Call
from providers.offline.faults import Fault, Plan, Rule
from providers.offline.server import base_url, build_server, listen

_START_SECONDS = 10
_STOP_SECONDS = 10


@dataclass(frozen=True)
class OfflineProvider:
    """A running offline provider. ``base_url`` is what OPENAI_BASE_URL would be; it ends in ``/v1``."""

    base_url: str

    @property
    def root(self) -> str:
        """The address of the plan and the log."""
        return self.base_url.removesuffix("/v1")

    def set_plan(self, plan: Plan) -> None:
        """Follow this plan from the next call on."""
        self._call("PUT", "/faults", content=plan.model_dump_json())

    def fail(self, fault: Fault, *, match: str | None = None, times: int | None = None, skip: int = 0) -> None:
        """Follow a plan with one rule."""
        self.set_plan(Plan(rules=(Rule(match=match, times=times, skip=skip, fault=fault),)))

    def calls(self, *, since: int = 0) -> tuple[Call, ...]:
        """Return the calls received, in order; those with a number above ``since``."""
        return CallList.model_validate_json(self._call("GET", f"/log?since={since}")).calls

    def clear_log(self) -> None:
        """Forget all calls; numbers go on."""
        self._call("DELETE", "/log")

    def _call(self, method: str, path: str, *, content: str | None = None) -> bytes:
        # verify: loading certificates takes longer than the call, which needs none.
        headers = {"content-type": "application/json"}
        answer = httpx2.request(method, self.root + path, content=content, headers=headers, verify=False)
        answer.raise_for_status()
        return answer.content


@contextlib.contextmanager
def running_offline_provider(
    *, plan: Plan | None = None, latency: timedelta = timedelta(0), log_path: Path | None = None
) -> Iterator[OfflineProvider]:
    """Serve the offline provider until the block ends; calls that hang then are dropped."""
    ready = threading.Event()
    with contextlib.closing(listen(host="127.0.0.1", port=0)) as listener:
        server = build_server(plan=plan, latency=latency, log_path=log_path, on_ready=ready.set)
        thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])), name="offline")
        thread.start()
        try:
            assert ready.wait(_START_SECONDS), "the offline provider did not start"
            yield OfflineProvider(base_url(listener))
        finally:
            server.stop()
            thread.join(_STOP_SECONDS)
            assert not thread.is_alive(), "the offline provider did not stop"


@pytest.fixture(scope="session")
def offline_server() -> Iterator[OfflineProvider]:
    """One offline provider for all tests of a process: starting and ending one takes longer than most tests."""
    with running_offline_provider() as provider:
        yield provider


@pytest.fixture
def offline(offline_server: OfflineProvider) -> OfflineProvider:
    """An offline provider that follows no plan and has an empty log; the numbers of its calls go on."""
    offline_server.set_plan(Plan())
    offline_server.clear_log()
    return offline_server
