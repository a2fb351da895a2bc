"""Those who only watch: an event stream each, taken up again where it broke off, however often it does."""

import asyncio
import random
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import httpx2

from sessions.view import SessionView
from tests.chaos.journal import Journal
from tests.chaos.machine import Machine
from tests.chaos.plan import APIS

_PAUSE: Final = 2.0
_SHORT_PAUSE: Final = 0.2
_PAUSE_AFTER_THE_END: Final = 30.0
_LEAVES_AFTER: Final = (2.0, 20.0)
_SILENCE: Final = 25.0


@dataclass
class Watched:
    """What a viewer has seen last, and which id. ``has_ended``: whether the stream said that the session has closed."""

    mark: str
    session_id: str
    view: SessionView | None = None
    last_event_id: str = ""
    has_ended: bool = False
    connections: int = 0


class Viewers:
    """Everybody who watches. Each is sometimes tired of it, and comes back."""

    def __init__(self, machine: Machine, *, journal: Journal, seed: int) -> None:
        self._machine = machine
        self._journal = journal
        self._seed = seed
        self._tasks: list[asyncio.Task[None]] = []
        self._all_is_over = asyncio.Event()
        self.watched: dict[str, Watched] = {}

    def add(self, mark: str, session_id: str) -> None:
        """Have somebody watch a session, until it has closed."""
        watched = self.watched[mark] = Watched(mark, session_id)
        self._tasks.append(asyncio.create_task(self._watch(watched)))

    async def settle(self, *, within: float) -> None:
        """Have everybody come back once more, wait until every stream has ended by itself, and give up the others."""
        self._all_is_over.set()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=within)
        for task in self._tasks:
            task.cancel()
        for ended in await asyncio.gather(*self._tasks, return_exceptions=True):
            if isinstance(ended, Exception):
                raise ended

    async def _watch(self, watched: Watched) -> None:
        dice = random.Random(f"{self._seed}:viewer:{watched.mark}")
        is_last_time = False
        # A session that has closed may be retried, so whoever watches looks in again until all is over.
        while not (is_last_time and watched.has_ended):
            is_last_time = self._all_is_over.is_set()
            watched.has_ended = False
            name = dice.choice(APIS)
            with suppress(httpx2.TransportError, TimeoutError):
                async with self._machine.api(name) as api, asyncio.timeout(dice.uniform(*_LEAVES_AFTER)):
                    await follow(api, watched, disorders=self._journal.disorders)
            with suppress(TimeoutError):
                pause = _PAUSE_AFTER_THE_END if watched.has_ended else _PAUSE
                await asyncio.wait_for(self._all_is_over.wait(), pause)
            if self._all_is_over.is_set():
                await asyncio.sleep(_SHORT_PAUSE)


async def follow(api: httpx2.AsyncClient, watched: Watched, *, disorders: list[str]) -> None:
    """Read a stream from where the viewer left it, until it ends or breaks off."""
    watched.connections += 1
    named = watched.last_event_id
    headers = {"Last-Event-ID": named} if named else {}
    path = f"/api/sessions/{watched.session_id}/events"
    async with api.stream("GET", path, headers=headers, timeout=_SILENCE) as stream:
        if stream.status_code != 200:
            return
        event = ""
        async for line in stream.aiter_lines():
            if line.startswith("id:"):
                watched.last_event_id = line[3:].strip()
            elif line.startswith("event:"):
                event = line[6:].strip()
                watched.has_ended = watched.has_ended or event == "end"
            elif line.startswith("data:") and event == "session":
                view = SessionView.model_validate_json(line[5:].strip())
                if watched.view is not None and view.version < watched.view.version:
                    disorders.append(
                        f"{watched.mark}: a viewer saw {_told(view)} after {_told(watched.view)}, "
                        f"at {datetime.now(UTC):%H:%M:%S.%f} from {api.base_url}, to which it had named version {named}"
                    )
                watched.view = view
            if watched.has_ended:
                return


def _told(view: SessionView) -> str:
    return f"version {view.version} ({view.status}, round {view.round}{', stale' if view.stale else ''})"
