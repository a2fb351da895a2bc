"""Those who use the product while it is attacked: they start, steer and retry, and ask again when nobody answers."""

import asyncio
import random
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final

import httpx2
from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.service import RPCError

from sessions.commands import Retry
from sessions.statuses import SessionStatus
from sessions.view import SessionView
from sessions.wire import RETRY_SIGNAL, RETRY_UPDATE
from tests.chaos.journal import Asked, Journal, Seen, now
from tests.chaos.machine import Machine
from tests.chaos.plan import APIS, Step, Wish

_PAUSE: Final = 0.3
_LOOK_EVERY: Final = (1.0, 3.0)
_LONGEST_TRY: Final = 90.0
_UNSURE: Final = (429, 500, 502, 503, 504)

Answered = tuple[str, bool, int | None]
"""What was answered, whether it was accepted, and the round that the answer tells of."""


@dataclass
class Life:
    """A session as the person who wanted it knows it."""

    wish: Wish
    id: str | None = None
    is_over: bool = False
    begun: set[str] = field(default_factory=set)
    """What tells every retry and retake that may have been accepted from the others."""


class People:
    """Everybody who uses the product in a run."""

    def __init__(self, machine: Machine, *, temporal: Client, journal: Journal, seed: int) -> None:
        self._machine = machine
        self._temporal = temporal
        self._journal = journal
        self._seed = seed
        self._apis = {name: machine.api(name) for name in APIS}
        self.lives: dict[str, Life] = {}

    async def close(self) -> None:
        """Let go of every connection."""
        for api in self._apis.values():
            await api.aclose()

    async def live(self, wish: Wish, *, until: asyncio.Event, on_start: Callable[[str, str], None]) -> None:
        """Have a wish come true: start it, then steer and retry it until the event."""
        dice = random.Random(f"{self._seed}:{wish.mark}")
        life = self.lives.setdefault(wish.mark, Life(wish))
        await self._start(life, dice)
        assert life.id is not None
        if wish.is_watched:
            on_start(wish.mark, life.id)
        began = asyncio.get_running_loop().time()
        steps = [asyncio.create_task(self._at(began + step.after, life, step, dice)) for step in wish.steps]
        retries = wish.retries
        while not until.is_set():
            await asyncio.sleep(dice.uniform(*_LOOK_EVERY))
            view = await self.look(life, dice)
            if view is None or not view.status.is_settled:
                continue
            if view.closed_at is not None and not view.counts.failed:
                break
            if view.status is SessionStatus.CANCELLED:
                break
            if view.counts.failed and retries:
                retries -= 1
                await self.retry(life, view, by=wish.retry_by, again=dice.randint(0, 2), dice=dice)
        await asyncio.gather(*steps)

    async def look(self, life: Life, dice: random.Random) -> SessionView | None:
        """Return the session as an API shows it now, None when that does not answer; note what is finished."""
        answer = await self._sent("GET", f"/api/sessions/{life.id}", dice=dice)
        if answer is None or answer.status_code != 200:
            return None
        view = SessionView.model_validate_json(answer.content)
        self.note(life.wish.mark, view)
        return view

    def note(self, mark: str, view: SessionView) -> None:
        """Keep what a view shows as finished."""
        for item in view.items:
            if item.artifact is not None and item.selected_attempt is not None:
                self._journal.seen.add(
                    Seen(mark=mark, item=item.key, attempt=item.selected_attempt, sha256=item.artifact.sha256)
                )

    async def retry(self, life: Life, view: SessionView, *, by: str, again: int, dice: random.Random) -> bool:
        """Retry all that failed, and send the same retry again so many times; return whether one was accepted."""
        once = f"{life.wish.mark}-{uuid.UUID(int=dice.getrandbits(128))}"
        life.begun.add(once)
        ways: dict[str, Callable[[], Awaitable[Answered]]] = {
            "signal": lambda: self._retry_by_signal(life, once),
            "update": lambda: self._retry_by_update(life, once),
            "http": lambda: self._retry_by_http(life, once, dice),
        }
        # A closed workflow takes neither: whoever retries then goes through the API, as the README says.
        way = by if view.closed_at is None else "http"
        failed = view.retry_info.failed_items
        answers = await asyncio.gather(
            *(self._noted(life, "retry", by=way, ask=ways[way], once=once, failed=failed) for _ in range(1 + again))
        )
        return any(answers)

    async def post(self, life: Life, act: str, path: str, dice: random.Random, body: Any = None) -> bool:
        """Post to a session until it answers for certain; return whether it was accepted."""

        async def ask() -> Answered:
            answer = await self._certain("POST", f"/api/sessions/{life.id}/{path}", dice=dice, json=body)
            return str(answer.status_code), answer.status_code == 202, None

        return await self._noted(life, act, by="http", ask=ask)

    async def raise_budget(self, life: Life, dice: random.Random) -> bool:
        """Lift a session's budget."""

        async def ask() -> Answered:
            path = f"/api/sessions/{life.id}/budget"
            answer = await self._certain("PUT", path, dice=dice, json={"budget_usd": None})
            return str(answer.status_code), answer.status_code == 202, None

        return await self._noted(life, "raise budget", by="http", ask=ask)

    async def _at(self, moment: float, life: Life, step: Step, dice: random.Random) -> None:
        await asyncio.sleep(max(0.0, moment - asyncio.get_running_loop().time()))
        match step.act:
            case "retake":
                await self._retake(life, step, dice)
            case "cancel item":
                key = _first_key(life.wish)
                await self.post(life, step.act, "cancel", dice, {"items": [key]})
            case _:
                await asyncio.gather(*(self.post(life, step.act, step.act, dice) for _ in range(1 + step.again)))

    async def _retake(self, life: Life, step: Step, dice: random.Random) -> None:
        once = f"{life.wish.mark}-{uuid.UUID(int=dice.getrandbits(128))}"
        path = f"/api/sessions/{life.id}/items/{_first_key(life.wish)}/retake"
        life.begun.add(once)

        async def ask() -> Answered:
            answer = await self._certain(
                "POST", path, dice=dice, json={"note": "At dusk."}, headers={"Idempotency-Key": once}
            )
            return _told(answer)

        await asyncio.gather(
            *(self._noted(life, "retake", by="http", ask=ask, once=once) for _ in range(1 + step.again))
        )

    async def _start(self, life: Life, dice: random.Random) -> None:
        wish = life.wish

        async def start() -> Answered:
            answer = await self._certain(
                "POST",
                f"/api/sessions/{wish.kind}",
                dice=dice,
                json=wish.request,
                headers={"Idempotency-Key": f"key-{wish.mark}-{self._seed}"},
                is_patient=True,
            )
            assert answer.status_code == 202, answer.text
            started = str(answer.json()["id"])
            assert life.id in (None, started), "one key, two sessions"
            life.id = started
            return started, True, None

        await asyncio.gather(*(self._noted(life, "start", by="http", ask=start) for _ in range(wish.starts)))

    async def _retry_by_http(self, life: Life, once: str, dice: random.Random) -> Answered:
        path = f"/api/sessions/{life.id}/retry"
        return _told(await self._certain("POST", path, dice=dice, json={}, headers={"Idempotency-Key": once}))

    async def _retry_by_signal(self, life: Life, once: str) -> Answered:
        assert life.id is not None
        await self._temporal.get_workflow_handle(life.id).signal(RETRY_SIGNAL, Retry(once=once))
        return "signalled", True, None

    async def _retry_by_update(self, life: Life, once: str) -> Answered:
        assert life.id is not None
        handle = self._temporal.get_workflow_handle(life.id)
        try:
            async with asyncio.timeout(_LONGEST_TRY):
                accepted = await handle.execute_update(RETRY_UPDATE, Retry(once=once), id=once)
        except WorkflowUpdateFailedError as error:
            return f"refused: {error.cause}", False, None
        return "accepted", True, int(accepted["round"])

    async def _noted(
        self,
        life: Life,
        act: str,
        *,
        by: str,
        ask: Callable[[], Awaitable[Answered]],
        once: str | None = None,
        failed: tuple[str, ...] = (),
    ) -> bool:
        asked_at = now()
        try:
            outcome, is_accepted, round_number = await ask()
        except (RPCError, TimeoutError, httpx2.TransportError) as error:
            # It may have been heard or not: whoever wants it for certain asks again with the same key.
            outcome, is_accepted, round_number = f"no answer: {error!r}"[:200], False, None
        self._journal.add(
            Asked(
                mark=life.wish.mark,
                act=act,
                by=by,
                asked_at=asked_at,
                answered_at=now(),
                outcome=outcome,
                is_accepted=is_accepted,
                once=once,
                failed=failed,
                round=round_number,
            )
        )
        return is_accepted

    async def _certain(
        self, method: str, path: str, *, dice: random.Random, is_patient: bool = False, **more: Any
    ) -> httpx2.Response:
        """Send a request until an answer says for certain what became of it.

        Raises:
            TimeoutError: no answer was certain in all the time that somebody asks; the patient ask for ever.
        """
        async with asyncio.timeout(None if is_patient else _LONGEST_TRY):
            while True:
                answer = await self._sent(method, path, dice=dice, **more)
                if answer is not None and answer.status_code not in _UNSURE:
                    return answer
                if answer is not None and answer.status_code == 500:
                    self._journal.disorders.append(f"{method} {path} answered 500: {answer.text[:300]}")
                await asyncio.sleep(_PAUSE * (1 + dice.random()))

    async def _sent(self, method: str, path: str, *, dice: random.Random, **more: Any) -> httpx2.Response | None:
        """Send a request to one of the APIs; None when nobody answers."""
        try:
            return await self._apis[dice.choice(APIS)].request(method, path, **more)
        except httpx2.TransportError:
            return None


def _told(answer: httpx2.Response) -> Answered:
    is_accepted = answer.status_code == 202
    return str(answer.status_code), is_accepted, int(answer.json()["round"]) if is_accepted else None


def _first_key(wish: Wish) -> str:
    if wish.kind == "stories":
        return "set-01"
    image = wish.request["images"][0]
    return str(image.get("key") or image["type"])
