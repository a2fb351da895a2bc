"""The two calls of a whole story: made from an idea, and made again where sets have failed."""

import asyncio
import hashlib
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Protocol, Self

from service.documents import reached
from service.errors import (
    ChangedResultError,
    IdempotencyConflictError,
    NotRetryableError,
    OutOfReachError,
    ServiceError,
    SessionDeletedError,
    SessionNotFoundError,
    WrongStateError,
)
from service.generation_results import StoryResults, retries_of
from service.kept_story import KeptStory
from service.watch import Change
from sessions.artifacts import Artifact, Made, Receipt
from sessions.commands import RetryItem, RetryRequest
from sessions.identifiers import artifact_key, session_id_for
from sessions.model import Value
from sessions.ports import ArtifactStore
from sessions.scripts import Document, OutlinedPart, as_bytes
from sessions.statuses import ItemStatus, SessionKind
from sessions.stories import OUTLINE, StorySessionRequest, part_key, set_key, working_title
from sessions.story_result_checks import request_of
from sessions.story_result_requests import GenerateMovieRequest
from sessions.story_results import AskedStory, ResultMetadata, SetRetry, StoryResult
from sessions.view import AttemptView, ItemView, SessionView

_RACES = 5
_STORED_AT_ONCE = 8
_CHECKED_AT_ONCE = 2
_JSON = "application/json"
_SENT_BACK = "an earlier result"
"""What stands for the model in the receipt of a document that came with a result."""

_logger = logging.getLogger("retakes.generation")


class _Reading(Protocol):
    async def session(self, session_id: str) -> SessionView: ...

    async def made(self, session_id: str, *, item: str) -> Sequence[Artifact]: ...

    async def attempts(self, session_id: str) -> Sequence[AttemptView]: ...


class _Starting(Protocol):
    async def start_story(self, request: StorySessionRequest, *, idempotency_key: str | None) -> SessionView: ...

    async def start_story_with(
        self, request: StorySessionRequest, *, kept: KeptStory, idempotency_key: str | None
    ) -> SessionView: ...


class _Steering(Protocol):
    async def retry(self, session_id: str, request: RetryRequest) -> SessionView: ...


class _Watching(Protocol):
    def changes(self, session_id: str) -> AsyncGenerator[Change, None]: ...


class _RetryMark(Value):
    """Stored beside a session: with this Idempotency-Key these sets were retried then."""

    digest: str
    sets: tuple[int, ...]
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Generation:
    """A story on its way, and what is known of retries: ``earlier`` of sets that were finished before this call."""

    view: SessionView
    finished: frozenset[int] = frozenset()
    earlier: Mapping[int, SetRetry] = field(default_factory=dict)
    own: Mapping[int, SetRetry] = field(default_factory=dict)

    def retries(self, recorded: Mapping[int, SetRetry]) -> Mapping[int, SetRetry]:
        """Return when sets were retried, by number. What was finished before is told as it was told before."""
        new = {number: retry for number, retry in recorded.items() if number not in self.finished}
        return {**self.own, **new, **self.earlier}


class StoryGeneration:
    """Makes whole stories, and makes the failed sets of one again."""

    def __init__(
        self,
        *,
        reader: _Reading,
        starter: _Starting,
        steering: _Steering,
        watch: _Watching,
        artifacts: ArtifactStore,
        results: StoryResults,
    ) -> None:
        self._reader = reader
        self._starter = starter
        self._steering = steering
        self._watch = watch
        self._artifacts = artifacts
        self._results = results
        self.checking = asyncio.Semaphore(_CHECKED_AT_ONCE)
        """For whoever looks into a result: one of ten thousand segments takes a few hundred megabytes meanwhile."""

    async def begin(self, request: GenerateMovieRequest, *, idempotency_key: str | None) -> Generation:
        """Start a story session, or return the one that the same key and request have started.

        Raises:
            IdempotencyConflictError: the key belongs to another request.
            OutOfReachError: Temporal does not answer or refuses.
        """
        view = await self._starter.start_story(request.session_request, idempotency_key=idempotency_key)
        return Generation(view=view)

    async def retry(self, previous: StoryResult, *, max_attempts: int, idempotency_key: str | None) -> Generation:
        """Have the failed sets of a result made again: in its session if that is still what the result says.

        Otherwise a new session goes on from the result. Sets that somebody else has finished meanwhile are taken as
        they are, and those that are being made are waited for.

        Raises:
            IdempotencyConflictError: the key belongs to another request.
            OutOfReachError: Temporal, the records or the artifact store do not answer.
        """
        kept = await asyncio.to_thread(_Kept.of, previous, max_attempts=max_attempts)
        for _ in range(_RACES):
            view, key = await self._standing(previous, kept=kept), idempotency_key
            if view is None and key is None:
                view, key = await self._gone_on(kept)
            if view is None:
                return await self._anew(previous, kept=kept, idempotency_key=key)
            mark_key = _mark_key(view.id, idempotency_key) if idempotency_key else None
            mark = await self._marked(mark_key, digest=kept.digest) if mark_key else None
            if mark is None:
                failed = _still_failed(view, numbers=previous.failed_numbers)
                mark = _RetryMark(digest=kept.digest, sets=tuple(failed), at=datetime.now(UTC))
                if failed:
                    items = tuple(RetryItem(key=set_key(number)) for number in failed)
                    try:
                        view = await self._steering.retry(view.id, RetryRequest(items=items, max_attempts=max_attempts))
                    except (WrongStateError, NotRetryableError, SessionNotFoundError):
                        continue  # somebody else was quicker: what is left to do is found out anew
                    if mark_key:
                        await self._mark(mark_key, mark=mark)
            return _generation(view, previous=previous, retried=mark.sets, at=mark.at)
        raise OutOfReachError("The session keeps changing hands; nothing was retried. Try again.")

    async def settled(self, generation: Generation) -> Generation:
        """Return a story once its round has settled. Outages on the way only make it take longer.

        Raises:
            SessionNotFoundError: the session was deleted meanwhile.
        """
        known = generation.view
        async with aclosing(self._watch.changes(known.id)) as changes:
            async for change in changes:
                # An older one is, and one that no worker has confirmed may be, of before the round that is waited for.
                is_current = change.view.version >= known.version and not change.view.stale
                if change.view.status.is_settled and is_current:
                    return replace(generation, view=change.view)
        raise SessionNotFoundError(known.id)

    async def result(self, generation: Generation) -> AsyncIterator[bytes]:
        """Return how a story that has settled came out, as JSON in pieces.

        Raises:
            ArtifactNotFoundError: it is no story, or something of it is no longer stored.
            WrongStateError: it has not settled yet.
            OutOfReachError: what it is read from does not answer.
        """
        view = generation.view
        recorded: Mapping[int, SetRetry] = {}
        if view.round > 1:
            try:
                recorded = retries_of(await self._reader.attempts(view.id))
            except OutOfReachError:
                _logger.warning("retries are told without the ledger", extra={"session_id": view.id})
        return await self._results.written(view, retries=generation.retries(recorded))

    async def result_of(self, session_id: str) -> AsyncIterator[bytes]:
        """Return how a session came out, as JSON in pieces.

        Raises:
            SessionNotFoundError: there is no such session.
            ArtifactNotFoundError: it is no story, or something of it is no longer stored.
            WrongStateError: it has not settled yet.
            OutOfReachError: what it is read from does not answer.
        """
        return await self.result(Generation(view=await self._reader.session(session_id)))

    async def _standing(self, previous: StoryResult, *, kept: "_Kept") -> SessionView | None:
        """Return the session of a result, None where there is none that the result is of."""
        try:
            view = await self._reader.session(previous.session_id)
            if view.kind is not SessionKind.STORY:
                return None
            await self._refuse_what_was_changed(view, kept=kept)
            if not _is_of(view, previous=previous, kept=kept):
                return None
            told = previous.story_metadata
            if isinstance(told, AskedStory) and told != await self._results.asked(view.id):
                return None
        except SessionNotFoundError:
            return None
        return view

    async def _refuse_what_was_changed(self, view: SessionView, *, kept: "_Kept") -> None:
        """Find out whether what a result holds of its session is what that session has made.

        Raises:
            ChangedResultError: it is not, in whatever version: somebody has changed it by hand.
        """
        selected = {item.key: _sha256(item) for item in view.items}
        for key, artifact in kept.artifacts.items():
            if key not in selected or selected[key] in (None, artifact.sha256):
                continue
            if artifact.sha256 not in {version.sha256 for version in await self._reader.made(view.id, item=key)}:
                raise ChangedResultError(key)

    async def _gone_on(self, kept: "_Kept") -> tuple[SessionView | None, str]:
        """Return the session that went on from this very result before, and the key that it has, or is to have.

        Sent twice, a result must not be paid for twice. But once somebody has deleted what came of it, it counts as
        not sent.
        """
        key, number = kept.own_key, 1
        while True:
            try:
                return await self._reader.session(session_id_for(key)), key
            except SessionDeletedError:
                number += 1
                key = f"{kept.own_key} {number}"
            except SessionNotFoundError:
                return None, key

    async def _anew(self, previous: StoryResult, *, kept: "_Kept", idempotency_key: str | None) -> Generation:
        """Start a session that goes on from a result."""
        at = datetime.now(UTC)
        told = previous.story_metadata
        request = request_of(previous, max_attempts=kept.max_attempts)

        async def store(session_id: str) -> None:
            await self._store(kept, session_id=session_id)

        story = KeptStory(
            title=told.title if isinstance(told, ResultMetadata) else working_title(request.idea),
            artifacts=kept.artifacts,
            store=store,
            digest=kept.digest,
        )
        view = await self._starter.start_story_with(request, kept=story, idempotency_key=idempotency_key)
        try:
            await self._results.file(view)
        except ServiceError:
            # Whoever asks for the result has them written; the session is under way.
            _logger.warning("files are not written yet", extra={"session_id": view.id})
        _logger.info(
            "a story goes on in another session", extra={"session_id": view.id, "from_session": previous.session_id}
        )
        return _generation(view, previous=previous, retried=previous.failed_numbers, at=at)

    async def _store(self, kept: "_Kept", *, session_id: str) -> None:
        turns = asyncio.Semaphore(_STORED_AT_ONCE)

        async def put(item: str, made: Made) -> None:
            async with turns:
                receipt = Receipt(artifact=kept.artifacts[item], model=made.model)
                await self._artifacts.put(
                    artifact_key(session_id, item=item, attempt=1), data=made.data, receipt=receipt
                )

        outcomes = await asyncio.gather(*(put(item, made) for item, made in kept.made.items()), return_exceptions=True)
        for error in outcomes:
            if isinstance(error, OSError):
                raise OutOfReachError("The artifacts cannot be stored now; nothing was started. Try again.") from error
            if error is not None:
                raise error

    async def _marked(self, key: str, *, digest: str) -> _RetryMark | None:
        """Return what a retry with the same key has left behind."""
        receipt = await reached(self._artifacts.find(key))
        if receipt is None:
            return None
        mark = _RetryMark.model_validate_json(await reached(self._artifacts.read(key, artifact=receipt.artifact)))
        if mark.digest != digest:
            raise IdempotencyConflictError
        return mark

    async def _mark(self, key: str, *, mark: _RetryMark) -> None:
        """Leave behind what was retried. The round is under way, so nothing may fail any more."""
        made = Made(data=mark.model_dump_json().encode(), media_type=_JSON, model=_SENT_BACK)
        receipt = Receipt(artifact=Artifact.of(made, attempt=1), model=made.model)
        try:
            await self._artifacts.put(key, data=made.data, receipt=receipt)
        except OSError as error:
            _logger.warning("an Idempotency-Key of a retry was not kept", extra={"reason": repr(error)})


@dataclass(frozen=True, kw_only=True)
class _Kept:
    """What a result holds for a session to go on from, by item."""

    made: Mapping[str, Made]
    artifacts: Mapping[str, Artifact]
    digest: str
    own_key: str
    """Stands for an Idempotency-Key where the caller sends none."""
    max_attempts: int

    @classmethod
    def of(cls, result: StoryResult, *, max_attempts: int) -> Self:
        made = {
            item: Made(data=as_bytes(document), media_type=_JSON, model=_SENT_BACK)
            for item, document in _documents(result).items()
        }
        sent = result.model_dump_json()
        return cls(
            made=made,
            artifacts={item: Artifact.of(one, attempt=1) for item, one in made.items()},
            digest=hashlib.sha256(f"{max_attempts}\n{sent}".encode()).hexdigest(),
            own_key=f"result {hashlib.sha256(sent.encode()).hexdigest()}",
            max_attempts=max_attempts,
        )


def _documents(result: StoryResult) -> Mapping[str, Document]:
    told = result.story_metadata
    if isinstance(told, AskedStory):
        return {}
    plan = result.plan
    outlined = {outline.set_number: outline for outline in told.outline}
    documents: dict[str, Document] = {OUTLINE: told.stored}
    for part in range(1, plan.total_parts + 1):
        if plan.sets_of(part)[0] in outlined:
            sets = tuple(outlined[number] for number in plan.sets_of(part))
            documents[part_key(part)] = OutlinedPart(part_number=part, sets=sets)
    return documents | {set_key(entry.set_number): entry.set_data for entry in result.finished}


def _is_of(view: SessionView, *, previous: StoryResult, kept: _Kept) -> bool:
    """Whether everything that a result holds is what a session has made, and what failed can be retried there."""
    items = {item.key: item for item in view.items}
    failed = [items.get(set_key(number)) for number in previous.failed_numbers]
    return (
        len(_set_items(view)) == len(previous.sets)
        and all(_sha256(items.get(key)) == artifact.sha256 for key, artifact in kept.artifacts.items())
        and all(item is not None and item.status is not ItemStatus.CANCELLED for item in failed)
    )


def _set_items(view: SessionView) -> Sequence[ItemView]:
    return [item for item in view.items if not item.key.startswith(OUTLINE)]


def _sha256(item: ItemView | None) -> str | None:
    return item.artifact.sha256 if item is not None and item.artifact is not None else None


def _still_failed(view: SessionView, *, numbers: Sequence[int]) -> Sequence[int]:
    failed = {item.key for item in view.items if item.status is ItemStatus.FAILED}
    return [number for number in numbers if set_key(number) in failed]


def _generation(view: SessionView, *, previous: StoryResult, retried: Sequence[int], at: datetime) -> Generation:
    return Generation(
        view=view,
        finished=frozenset(entry.set_number for entry in previous.finished),
        earlier=previous.retries,
        own={number: SetRetry(retry_timestamp=at) for number in retried},
    )


def _mark_key(session_id: str, idempotency_key: str) -> str:
    # A digest, because keys are a client's own words and this becomes a path.
    digest = hashlib.sha256(idempotency_key.encode()).hexdigest()[:40]
    return artifact_key(session_id, item=f"retry-{digest}", attempt=1)
