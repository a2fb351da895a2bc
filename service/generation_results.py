"""How a story session came out, as the one object that people keep: written piece by piece, never held as a whole."""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Iterable, Mapping, Sequence
from contextlib import aclosing
from typing import Protocol, TypeVar

from service.documents import StoryDocuments, outline_of, sets_of
from service.errors import ArtifactNotFoundError, OutOfReachError, WrongStateError
from sessions.ports import ArtifactStore, StoryFiles
from sessions.scripts import as_bytes
from sessions.statuses import ItemStatus, SessionKind
from sessions.stories import StoryPlan, StorySessionInput, set_number_of
from sessions.story_files import metadata_file, set_file
from sessions.story_results import (
    AskedStory,
    FailedSet,
    FinishedSetHead,
    GenerationSummary,
    ResultHead,
    ResultMetadata,
    SetRetry,
    result_closing,
    result_opening,
    result_set,
)
from sessions.view import AttemptView, ItemView, SessionView

_READ_AHEAD = 8
_FILED_AT_ONCE = 8

_CANCELLED = "The session was cancelled before this set was finished."

Answer = TypeVar("Answer")

_logger = logging.getLogger("retakes.generation")


class KnownBeginnings(Protocol):
    """Tells what stories were begun with."""

    async def of(self, session_id: str) -> StorySessionInput:
        """Return the input of a story's workflow."""
        ...


class StoryResults:
    """Puts results together from what sessions have stored."""

    def __init__(self, *, artifacts: ArtifactStore, files: StoryFiles, beginnings: KnownBeginnings) -> None:
        self._documents = StoryDocuments(artifacts)
        self._files = files
        self._beginnings = beginnings

    async def written(self, view: SessionView, *, retries: Mapping[int, SetRetry]) -> AsyncIterator[bytes]:
        """Return the result of a session as JSON, in pieces. Files that are missing are written first.

        Args:
            view: the session.
            retries: when sets were retried, by number.

        Raises:
            ArtifactNotFoundError: it is no story, or something of it is no longer stored.
            WrongStateError: it has not settled yet.
            OutOfReachError: what it is read from does not answer.
        """
        if view.kind is not SessionKind.STORY:
            raise ArtifactNotFoundError(f"Session '{view.id}' makes {view.kind}; only stories have this result.")
        if not view.status.is_settled:
            raise WrongStateError(f"The story is not settled yet (it is {view.status}). Ask again when it is.")
        told = await self._told(view)
        saved = await self._filed(view, told=told)
        pieces = self._pieces(view, told=told, saved=saved, retries=retries)
        # Before the answer has begun, a store that is down can still be told as such.
        return _from(await anext(pieces), pieces)

    async def asked(self, session_id: str) -> AskedStory:
        """Return what a story was asked for.

        Raises:
            SessionNotFoundError: nobody knows.
            OutOfReachError: neither the records nor Temporal answer.
        """
        start = await self._beginnings.of(session_id)
        return AskedStory.of(start.request, plan=start.plan)

    async def file(self, view: SessionView) -> None:
        """Write the files of what is finished in a story, where they are missing.

        Raises:
            ArtifactNotFoundError: the outline is no longer stored.
            OutOfReachError: the store does not answer.
        """
        await self._filed(view, told=await self._told(view))

    async def _told(self, view: SessionView) -> ResultMetadata | AskedStory:
        if outline_of(view).artifact is None:
            return await self.asked(view.id)
        outline = await self._documents.outline(view)
        parts = await self._documents.parts(view)
        return ResultMetadata.of(outline, sets=[*outline.sets, *(one for part in parts for one in part.sets)])

    async def _filed(self, view: SessionView, *, told: ResultMetadata | AskedStory) -> Sequence[str]:
        """Return the names of the files that there are, in order, after writing those that are missing.

        Nothing depends on them, so whatever keeps them from being written is logged, and no more.
        """
        if isinstance(told, AskedStory):
            return ()
        metadata = metadata_file(told.title)
        wanted = {set_file(told.title, set_number=number): item for number, item in sets_of(view) if item.artifact}
        try:
            there = set(await self._files.names(view.id))
        except OSError as error:
            self._not_filed(view, error)
            return ()
        turns = asyncio.Semaphore(_FILED_AT_ONCE)

        async def save(name: str, item: ItemView | None) -> None:
            async with turns:
                try:
                    data = as_bytes(told.stored.metadata) if item is None else await self._documents.read(view, item)
                    await self._files.save(view.id, name=name, data=data)
                    there.add(name)
                except (OSError, ArtifactNotFoundError, OutOfReachError) as error:
                    self._not_filed(view, error)

        missing = {name: item for name, item in wanted.items() if name not in there}
        # The metadata always, since a person may have changed it and keep the title.
        await asyncio.gather(save(metadata, None), *(save(name, item) for name, item in missing.items()))
        return [name for name in (metadata, *wanted) if name in there]

    def _not_filed(self, view: SessionView, error: Exception) -> None:
        _logger.warning("a file could not be written", extra={"session_id": view.id, "reason": repr(error)})

    async def _pieces(
        self,
        view: SessionView,
        *,
        told: ResultMetadata | AskedStory,
        saved: Sequence[str],
        retries: Mapping[int, SetRetry],
    ) -> AsyncGenerator[bytes, None]:
        """Yield the JSON: the beginning with the first set, the other sets, and the end."""
        info = told.generation_info
        plan = StoryPlan(total_segments=info.total_segments, segments_per_set=info.segments_per_set)
        failed = [number for number, item in sets_of(view) if item.artifact is None]
        head = ResultHead(
            success=not failed,
            session_id=view.id,
            story_title=told.title if isinstance(told, ResultMetadata) else view.title,
            story_metadata=told,
            generation_summary=GenerationSummary.of(plan, failed=failed),
            files_saved=tuple(self._files.location(view.id, name=name) for name in saved),
            output_directory=self._files.location(view.id),
        )

        async def piece(number: int, item: ItemView) -> bytes:
            retry = retries.get(number)
            if item.artifact is None:
                return result_set(FailedSet(set_number=number, error=_reason(item, view=view), retry_info=retry))
            name = set_file(head.story_title, set_number=number)
            entry = FinishedSetHead(
                set_number=number,
                segments_count=len(plan.segments_of(number)),
                file_path=self._files.location(view.id, name=name) if name in saved else None,
                retry_info=retry,
            )
            return result_set(entry, data=await self._documents.read(view, item))

        before = result_opening(head)
        async with aclosing(_in_order(piece(number, item) for number, item in sets_of(view))) as pieces:
            async for written in pieces:
                yield before + written
                before = b","
        yield result_closing(failed)


def retries_of(attempts: Iterable[AttemptView]) -> Mapping[int, SetRetry]:
    """Return when sets were retried last, by number, from a ledger that begins with the oldest attempt."""
    rounds: dict[int, int] = {}
    retries: dict[int, SetRetry] = {}
    for attempt in attempts:
        number = set_number_of(attempt.item)
        if number is not None and attempt.round > rounds.get(number, 1):
            rounds[number] = attempt.round
            retries[number] = SetRetry(retry_timestamp=attempt.started_at)
    return retries


def _reason(item: ItemView, *, view: SessionView) -> str:
    """Return why a set is not there. One that was never begun has the reason of what it waited for."""
    if item.status is ItemStatus.CANCELLED:
        return _CANCELLED
    before = [one for one in view.items if set_number_of(one.key) is None and one.status is ItemStatus.FAILED]
    told = before[0] if before and not item.attempt else item
    if told.error is None:
        return f"“{told.label}” failed."
    reason = f"{told.error.message} {told.error.advice}"
    return reason if told is item else f"{told.label}: {reason}"


async def _in_order(readings: Iterable[Coroutine[None, None, bytes]]) -> AsyncGenerator[bytes, None]:
    """Yield what readings give, in their order; a few of them are under way at a time."""
    under_way: deque[asyncio.Task[bytes]] = deque()
    try:
        for reading in readings:
            under_way.append(asyncio.create_task(reading))
            if len(under_way) > _READ_AHEAD:
                yield await under_way.popleft()
        while under_way:
            yield await under_way.popleft()
    finally:
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)


async def _from(first: bytes, rest: AsyncGenerator[bytes, None]) -> AsyncIterator[bytes]:
    async with aclosing(rest) as pieces:
        yield first
        async for piece in pieces:
            yield piece
