"""The product as the tour uses it: over HTTP, like anybody else."""

from collections.abc import AsyncGenerator, Sequence
from typing import Final, Self

import httpx2

from providers.offline.app import CallList
from providers.offline.calls import Call
from providers.offline.faults import Plan
from sessions.view import AttemptList, AttemptView, SessionView

_PATIENCE: Final = httpx2.Timeout(10, read=60)
"""Seconds. A stream of events says something every 15."""
_DATA: Final = "data:"


class DemoClient:
    """Sessions at the API, and the fault plan and the log of calls at the offline provider.

    Every method raises `httpx2.HTTPError` where the other side does not do as it is asked.
    """

    def __init__(self, *, api: str, provider: str) -> None:
        # Both are on this machine, where no proxy leads.
        self._api = httpx2.AsyncClient(base_url=api, timeout=_PATIENCE, trust_env=False)
        self._provider = httpx2.AsyncClient(base_url=provider, timeout=_PATIENCE, trust_env=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._api.aclose()
        await self._provider.aclose()

    async def start_images(self, title: str) -> SessionView:
        """Start a session of the usual five images."""
        answer = await self._api.post("/api/sessions/images", json={"product": {"title": title}})
        return SessionView.model_validate_json(answer.raise_for_status().content)

    async def retry(self, session_id: str) -> SessionView:
        """Have everything made again that has failed."""
        answer = await self._api.post(f"/api/sessions/{session_id}/retry")
        return SessionView.model_validate_json(answer.raise_for_status().content)

    async def changes(self, session_id: str) -> AsyncGenerator[SessionView, None]:
        """Yield the session as it is, and at every change, until its workflow has closed."""
        async with self._api.stream("GET", f"/api/sessions/{session_id}/events") as stream:
            event = ""
            async for line in stream.raise_for_status().aiter_lines():
                if line.startswith("event:"):
                    event = line.removeprefix("event:").strip()
                elif line.startswith(_DATA) and event == "session":
                    yield SessionView.model_validate_json(line.removeprefix(_DATA))

    async def attempts(self, session_id: str) -> Sequence[AttemptView]:
        """Return the ledger of a session."""
        answer = await self._api.get(f"/api/sessions/{session_id}/attempts")
        return AttemptList.model_validate_json(answer.raise_for_status().content).attempts

    async def break_calls(self, plan: Plan) -> None:
        """Have the provider fail by a plan from the next call on."""
        content = plan.model_dump_json()
        headers = {"content-type": "application/json"}
        (await self._provider.put("/faults", content=content, headers=headers)).raise_for_status()

    async def calls(self) -> Sequence[Call]:
        """Return every call that the provider has received, as it has logged them."""
        answer = await self._provider.get("/log")
        return CallList.model_validate_json(answer.raise_for_status().content).calls
