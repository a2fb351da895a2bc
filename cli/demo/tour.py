"""The tour: four things that go wrong, and what becomes of them."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Final

import httpx2

from cli.demo.client import DemoClient
from cli.demo.figures import Figures, counted
from cli.demo.narrator import Narrator
from providers.offline.faults import Fault, Plan, Refusal, Rule, ServerError, Slow
from runtime.up import TourFailed
from sessions.statuses import AttemptStatus, ItemStatus, SessionStatus
from sessions.view import ItemView, SessionView

_LONGEST: Final = timedelta(minutes=3)
_TO_READ: Final = timedelta(seconds=2.5)
_ENDLESS: Final = timedelta(minutes=5)
_LEDGER_PATIENCE: Final = timedelta(seconds=10)
_LOOK_EVERY: Final = timedelta(milliseconds=100)
_IS_OVER: Final = (ItemStatus.COMPLETE, ItemStatus.FAILED, ItemStatus.CANCELLED)


class Tour:
    """Walks a newcomer through it. Whatever it claims of figures it has held against the provider's own log."""

    def __init__(
        self, client: DemoClient, *, narrator: Narrator, kill_worker: Callable[[], None], places: Mapping[str, str]
    ) -> None:
        """Take what the tour works with.

        Args:
            client: speaks to the product.
            narrator: tells what happens.
            kill_worker: kills it, without giving it a chance to say so.
            places: where to look around at the end, by name.
        """
        self._client = client
        self._narrator = narrator
        self._kill_worker = kill_worker
        self._places = places
        self._titles: dict[str, str] = {}

    async def run(self) -> None:
        """Show everything.

        Raises:
            TourFailed: something did not go as it is told here.
        """
        try:
            async with asyncio.timeout(_LONGEST.total_seconds()):
                await self._retries()
                await self._retry(await self._partial())
                await self._killed()
                await self._sum()
        except TimeoutError as error:
            raise TourFailed(f"the tour broke off: not done within {_LONGEST.total_seconds():g} s") from error
        except httpx2.HTTPError as error:
            raise TourFailed(f"the tour broke off: {error}") from error

    async def _retries(self) -> None:
        self._narrator.heading("1  Images that fail are made again, each time with another variation")
        self._narrator.say(
            "A bottle gets its five images. The provider will break the first two calls for Lifestyle, and refuse "
            "the first one for Comparison."
        )
        await self._break(("Image: Lifestyle", 2, ServerError()), ("Image: Comparison", 1, Refusal()))
        session = await self._watched((await self._start("Steel bottle")).id)
        self._expect(session.status is SessionStatus.COMPLETE, session)
        figures = await self._figures(session.id)
        self._narrator.say(
            "Nobody had to do anything. Each image is an activity of its own in a Temporal workflow, so what failed "
            "was tried again after a pause while the others went on; and because a prompt that failed once often "
            f"fails again, a later attempt adds a few words to it. {figures.in_words}"
        )
        await self._narrator.let_read(_TO_READ)

    async def _partial(self) -> SessionView:
        self._narrator.heading("2  What fails for good keeps nothing else from being finished")
        self._narrator.say("A rucksack, and this time the provider breaks three calls for Comparison: one too many.")
        await self._break(("Image: Comparison", 3, ServerError()))
        session = await self._watched((await self._start("Rucksack")).id)
        self._expect(session.status is SessionStatus.PARTIAL, session)
        self._narrator.say(
            f"The session is {session.status}: {session.counts.complete} of {session.counts.total} images are ready "
            "and stored. Three attempts mean three, so it stopped there, and costs no more. It stays open for a "
            "week, and can be retried after that, too."
        )
        await self._narrator.let_read(_TO_READ)
        return session

    async def _retry(self, session: SessionView) -> None:
        kept = _bytes_of(session)
        before = await self._figures(session.id)
        self._narrator.heading("3  Retry makes only what failed")
        self._narrator.say(
            "The provider works again. The page has a button Retry failed, which does the same as this call: "
            f"POST /api/sessions/{session.id}/retry"
        )
        retried = await self._watched((await self._client.retry(session.id)).id, after=session)
        self._expect(retried.status is SessionStatus.COMPLETE, retried)
        if {key: _bytes_of(retried)[key] for key in kept} != kept:
            raise TourFailed("the tour broke off: a finished image has changed")
        figures = await self._figures(session.id)
        more = len(figures.calls) - len(before.calls)
        self._narrator.say(
            f"That took {counted(more, 'call')}, for the one image that was missing, with its fourth attempt. The "
            f"other {len(kept)} were not touched: they have the same bytes as before, by their SHA-256. "
            f"{figures.in_words}"
        )
        await self._narrator.let_read(_TO_READ)

    async def _killed(self) -> None:
        self._narrator.heading("4  A worker that is killed takes nothing with it")
        self._narrator.say(
            "A mug. The provider takes its time over the main image, and in the middle of that the worker, the "
            "process that makes the calls, is killed with SIGKILL. What is under way then has to be noticed by its "
            "silence, which takes ten seconds."
        )
        await self._break(("Image: Main", 1, Slow(duration=_ENDLESS)))
        session = await self._watched((await self._start("Enamel mug")).id, kill_at=4)
        self._expect(session.status is SessionStatus.COMPLETE, session)
        figures = await self._figures(session.id)
        lost = [attempt for attempt in figures.attempts if attempt.status is AttemptStatus.UNCERTAIN]
        self._narrator.say(
            "A new worker took the session up where it was: four images were stored already and were not asked for "
            "again. Of the call that was cut off nobody can know whether the provider bills it. The ledger says so, "
            f"instead of forgetting it: {counted(len(lost), 'attempt')} uncertain, which would be at worst "
            f"${session.cost_usd.uncertain:.3f} at the list price. {figures.in_words}"
        )
        await self._narrator.let_read(_TO_READ)

    async def _sum(self) -> None:
        figures = await self._figures(*self._titles)
        faults = sum(call.fault is not None for call in figures.calls)
        images = len(self._titles) * 5
        if figures.pictures != images:
            raise TourFailed(f"the tour broke off: {figures.pictures} pictures came back for {images} images")
        self._narrator.heading("That was the tour")
        self._narrator.say(
            f"The provider received {counted(len(figures.calls), 'call')} and spoilt {faults} of them. The ledger "
            f"holds {counted(len(figures.attempts), 'attempt')}, one for each call. {figures.pictures} pictures came "
            f"back for {images} images: none is missing, and none was made twice. Of the one call that may have been "
            "paid for in vain the ledger knows."
        )
        self._narrator.say("The product runs on, with these sessions in it:")
        self._narrator.list(self._places)
        self._narrator.say("Ctrl-C ends it and removes its folder. `retakes up` is the product without the tour.")

    async def _start(self, title: str) -> SessionView:
        session = await self._client.start_images(title)
        self._titles[session.id] = title
        self._narrator.start_clock()
        return session

    async def _break(self, *faults: tuple[str, int, Fault]) -> None:
        rules = tuple(Rule(match=match, times=times, fault=fault) for match, times, fault in faults)
        await self._client.break_calls(Plan(rules=rules))

    async def _watched(
        self, session_id: str, *, after: SessionView | None = None, kill_at: int | None = None
    ) -> SessionView:
        """Tell what happens to each item until the session has settled, and return it.

        Args:
            session_id: the session.
            after: how it was when it was seen last; what is known from there is not told again.
            kill_at: kill the worker once so many images are ready.
        """
        seen = {item.key: item for item in after.items} if after is not None else {}
        settled_before = after.version if after is not None else 0
        if after is not None:
            self._narrator.start_clock()
        async with aclosing(self._client.changes(session_id)) as changes:
            async for session in changes:
                for item in session.items:
                    self._tell(item, before=seen.get(item.key))
                    seen[item.key] = item
                if kill_at is not None and session.counts.complete >= kill_at:
                    kill_at = None
                    self._narrator.moment("The worker", "is killed with SIGKILL", colour="red")
                    self._kill_worker()
                if session.settled_at is not None and session.version > settled_before:
                    return session
        raise TourFailed("the tour broke off: the stream of events ended")

    def _tell(self, item: ItemView, *, before: ItemView | None) -> None:
        if before is not None and before.status in _IS_OVER and item.status == before.status:
            return
        label = item.label
        if item.status is ItemStatus.COMPLETE:
            how = "" if item.attempt == 1 else f" with attempt {item.attempt}"
            self._narrator.moment(label, f"is ready{how}", colour="green")
        elif item.status is ItemStatus.FAILED:
            self._narrator.moment(label, f"has failed: {_why(item)}", colour="red")
        elif item.next_attempt_at is not None and (before is None or before.next_attempt_at != item.next_attempt_at):
            pause = max(0, round((item.next_attempt_at - datetime.now(UTC)).total_seconds()))
            what = f"attempt {item.attempt} failed: {_why(item)}; again in {pause} s"
            self._narrator.moment(label, what, colour="yellow")
        elif item.attempt > 1 and item.next_attempt_at is None and (before is None or before.attempt < item.attempt):
            self._narrator.moment(label, f"attempt {item.attempt} runs, with “{item.variation}”")

    async def _figures(self, *session_ids: str) -> Figures:
        """Return the figures of sessions, once the ledger and the provider's log agree.

        The ledger is written beside the attempts, which never wait for it, so it may be a moment behind.
        """
        deadline = asyncio.get_running_loop().time() + _LEDGER_PATIENCE.total_seconds()
        while True:
            attempts = [attempt for one in session_ids for attempt in await self._client.attempts(one)]
            # A title stands in every prompt of its session.
            titles = [self._titles[one] for one in session_ids]
            logged = await self._client.calls()
            calls = [call for call in logged if any(title in (call.prompt or "") for title in titles)]
            figures = Figures(calls=calls, attempts=attempts)
            if figures.agree:
                return figures
            if asyncio.get_running_loop().time() > deadline:
                raise TourFailed(
                    f"the tour broke off: the {len(attempts)} attempts in the ledger are not the {len(calls)} calls "
                    "in the provider's log"
                )
            await asyncio.sleep(_LOOK_EVERY.total_seconds())

    def _expect(self, is_so: bool, session: SessionView) -> None:
        if not is_so:
            raise TourFailed(f"the tour broke off: {session.title} came out {session.status}: {session.message}")


def _why(item: ItemView) -> str:
    """Return the first words of why an attempt failed: the provider's own ones after them are long."""
    return item.error.message.partition(" (")[0].rstrip(".") if item.error is not None else "no reason is known"


def _bytes_of(session: SessionView) -> Mapping[str, str]:
    """Return the SHA-256 of every finished item."""
    return {item.key: item.artifact.sha256 for item in session.items if item.artifact is not None}
