"""The ports of the API held in memory, and an application over them."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import httpx2
from fastapi import FastAPI

from api.app import create_app
from api.services import Services, UploadRefusedError
from runtime.prices import load_prices
from runtime.settings import Settings
from service.callbacks import CallbackRules, CallbackService
from service.costs import CostService
from service.errors import (
    ArtifactNotFoundError,
    IdempotencyConflictError,
    NotRetryableError,
    OutOfReachError,
    SessionNotFoundError,
    UnknownReferenceError,
    WrongStateError,
)
from service.generation import StoryGeneration
from service.generation_results import StoryResults
from service.kept_story import KeptStory, going_on
from service.outlook import Outlooks
from service.start import StartDefaults
from service.stories import StoryService
from service.versions import Versions
from service.watch import Change
from sessions.artifacts import Artifact, Made, Receipt
from sessions.attempts import AttemptLimits
from sessions.commands import Command, CommandRefusedError, Retry, RetryRequest, WrongRequestError, obeyed
from sessions.costs import CostBy, CostPage, CostSums, Period, RecordedCall
from sessions.errors import ErrorClass, ItemError
from sessions.identifiers import artifact_key, new_session_id, session_id_for, upload_id_for
from sessions.images import ImageSessionRequest, image_items
from sessions.items import new_items
from sessions.ledger import LedgerEntry
from sessions.money import Spending
from sessions.outlook import AttemptDuration
from sessions.overviews import MOST_THUMBNAILS, OverviewPage, SessionOverview, Thumbnail
from sessions.ports import CallbackSender
from sessions.present import Seen, attempt_view, session_view
from sessions.rates import Rate, Rates, RatesChange, RateSource, burst_of
from sessions.records import InvalidCursorError, RecordsOutOfReachError, SessionRecord
from sessions.scripts import Document, as_bytes
from sessions.state import (
    SessionState,
    item_completed,
    item_failed,
    item_started,
    session_closed,
    unfinished_items_cancelled,
)
from sessions.statuses import AttemptStatus, SessionKind, SessionStatus
from sessions.steering import (
    BudgetChange,
    CancelItems,
    OutlineApproval,
    Pause,
    Resume,
    Retake,
    RetakeRequest,
    Selection,
    SelectionRequest,
)
from sessions.stories import (
    SETS_STAGE,
    StorySessionInput,
    StorySessionRequest,
    story_items,
    working_title,
)
from sessions.uploads import Upload
from sessions.view import AttemptView, SessionList, SessionView
from tests.support.callbacks import MemoryDeliveries, ScriptedSender
from tests.support.memory import MemoryFiles

MOMENT = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
DEFAULTS = StartDefaults(
    image_model="gpt-image-2.5-flare",
    text_model="gpt-6-luna",
    prices=load_prices(),
    limits=AttemptLimits(),
    retry_window=timedelta(days=7),
)
UI = "http://127.0.0.1:8233/namespaces/default/workflows"


@dataclass(frozen=True, kw_only=True)
class Count:
    """A number, and what it counts."""

    count: int
    status: str
    kind: str = ""
    error_type: str | None = None


@dataclass
class InMemory:
    """Sessions that go on when a test says so. Implements every port of the API."""

    states: dict[str, SessionState] = field(default_factory=dict)
    entries: dict[str, list[LedgerEntry]] = field(default_factory=dict)
    stored: dict[str, bytes] = field(default_factory=dict)
    receipts: dict[str, Receipt] = field(default_factory=dict)
    files: MemoryFiles = field(default_factory=MemoryFiles)
    stories: dict[str, StorySessionRequest] = field(default_factory=dict)
    uploads: dict[str, bytes] = field(default_factory=dict)
    callback_rules: CallbackRules = field(default_factory=CallbackRules)
    sender: CallbackSender = field(default_factory=ScriptedSender)
    delivered: MemoryDeliveries = field(default_factory=MemoryDeliveries)
    requests: dict[str, ImageSessionRequest] = field(default_factory=dict)
    started: list[ImageSessionRequest] = field(default_factory=list)
    retried: list[RetryRequest] = field(default_factory=list)
    is_down: bool = False
    is_stale: bool = False
    is_unable_to_keep: bool = False
    images_per_minute: float | None = None
    viewers: int = 0
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def services(self) -> Services:
        """The services that routes get."""
        return Services(
            reader=self,
            overviews=_Overviews(self),
            starter=self,
            steering=self,
            deletion=self,
            stories=StoryService(
                reader=self, steering=self, records=_Forgetful(), artifacts=_Bytes(self), files=self.files
            ),
            generation=StoryGeneration(
                reader=self,
                starter=self,
                steering=self,
                watch=self,
                artifacts=_Bytes(self),
                results=StoryResults(artifacts=_Bytes(self), files=self.files, beginnings=_Beginnings(self)),
            ),
            watch=self,
            outlooks=Outlooks(records=_Ledger(self)),
            versions=Versions(reader=self, artifacts=_Bytes(self)),
            artifacts=MemoryArtifacts(self),
            thumbnails=MemoryArtifacts(self),
            uploads=self,
            costs=CostService(
                records=_NoLedger(),
                reports=_NoLedger(),
                uploads=self,
                callbacks=self.callback_rules,
                defaults=DEFAULTS,
            ),
            callbacks=CallbackService(
                rules=self.callback_rules, sender=self.sender, records=self.delivered, sessions=self
            ),
            counts=self,
            rates=_Rates(self),
        )

    async def session(self, session_id: str) -> SessionView:
        self._answer()
        return (await self.seen(session_id)).view

    async def seen(self, session_id: str) -> Seen:
        self._answer()
        return self._seen(self._state(session_id))

    async def sessions(
        self,
        *,
        kind: SessionKind | None = None,
        status: SessionStatus | None = None,
        query: str | None = None,
        limit: int,
        cursor: str | None = None,
    ) -> SessionList:
        self._answer()
        if cursor is not None and not cursor.isdecimal():
            raise InvalidCursorError
        found = [
            view
            for view in map(self._view, reversed(self.states.values()))
            if kind in (None, view.kind) and status in (None, view.status) and (query or "") in view.title
        ]
        begin = int(cursor or 0)
        end = begin + limit
        return SessionList(sessions=tuple(found[begin:end]), next_cursor=str(end) if end < len(found) else None)

    async def attempts(self, session_id: str) -> Sequence[AttemptView]:
        return [attempt_view(entry) for entry in await self.ledger(session_id)]

    async def ledger(self, session_id: str) -> Sequence[LedgerEntry]:
        self._answer()
        self._state(session_id)
        return self.entries.get(session_id, [])

    async def artifact(self, session_id: str, *, item: str, attempt: int | None) -> Artifact:
        self._answer()
        for entry in self.entries.get(self._state(session_id).id, []):
            if entry.item == item and attempt in (None, entry.attempt) and entry.artifact:
                return entry.artifact
        raise ArtifactNotFoundError(f"There is nothing for '{item[:80]}'.")

    async def start_images(self, request: ImageSessionRequest, *, idempotency_key: str | None) -> SessionView:
        self._answer()
        self.callback_rules.url_for(request.callback_url)
        if missing := tuple(upload for upload in request.uploads if upload not in self.uploads):
            raise UnknownReferenceError(missing)
        session_id = session_id_for(idempotency_key) if idempotency_key else new_session_id()
        if session_id in self.states:
            if self.requests[session_id] != request:
                raise IdempotencyConflictError
            return self._view(self.states[session_id])
        self.started.append(request)
        self.requests[session_id] = request
        return self._view(self.begin(request, session_id=session_id))

    async def start_story(self, request: StorySessionRequest, *, idempotency_key: str | None) -> SessionView:
        self._answer()
        self.callback_rules.url_for(request.callback_url)
        return self._view(self.begin_story(request))

    async def start_story_with(
        self, request: StorySessionRequest, *, kept: KeptStory, idempotency_key: str | None
    ) -> SessionView:
        self._answer()
        state = self.begin_story(request)
        await kept.store(state.id)
        items = going_on(state.items, kept=kept)
        return self._view(self.put(state.model_copy(update={"items": items, "title": kept.title})))

    async def approve_outline(self, session_id: str, approval: OutlineApproval) -> SessionView:
        return self._obeyed(session_id, approval)

    async def retake(
        self, session_id: str, request: RetakeRequest, *, item: str, idempotency_key: str | None = None
    ) -> SessionView:
        return self._obeyed(session_id, Retake(key=item, with_what_follows=True, **request.model_dump()))

    async def select(self, session_id: str, request: SelectionRequest, *, item: str) -> SessionView:
        return self._obeyed(session_id, Selection(key=item, attempt=request.attempt))

    async def pause(self, session_id: str) -> SessionView:
        return self._obeyed(session_id, Pause())

    async def resume(self, session_id: str) -> SessionView:
        return self._obeyed(session_id, Resume())

    async def cancel_items(self, session_id: str, request: CancelItems) -> SessionView:
        return self._obeyed(session_id, request)

    async def set_budget(self, session_id: str, request: BudgetChange) -> SessionView:
        return self._obeyed(session_id, request)

    async def made(self, session_id: str, *, item: str) -> Sequence[Artifact]:
        self._answer()
        entries = self.entries.get(self._state(session_id).id, [])
        return [entry.artifact for entry in entries if entry.item == item and entry.artifact]

    async def retry(self, session_id: str, request: RetryRequest, *, idempotency_key: str | None = None) -> SessionView:
        view = self._obeyed(session_id, Retry(**request.model_dump()))
        self.retried.append(request)
        return view

    async def cancel(self, session_id: str) -> SessionView:
        self._answer()
        state = self._state(session_id)
        if state.status.is_settled:
            raise WrongStateError(f"The session is {state.status} already, so there is nothing to cancel.")
        return self._view(self.put(unfinished_items_cancelled(state, now=MOMENT)))

    async def delete(self, session_id: str) -> None:
        self._answer()
        state = self._state(session_id)
        if not state.status.is_settled:
            raise WrongStateError(f"The session is {state.status}. Cancel it first, then delete it.")
        del self.states[session_id]

    async def changes(
        self, session_id: str, *, after: int | None = None, known: Seen | None = None
    ) -> AsyncGenerator[Change, None]:
        self.viewers += 1
        seen: SessionState | None = None
        try:
            while seen is None or seen.closed_at is None:
                async with self.changed:
                    while self.states[session_id] is seen:
                        await self.changed.wait()
                seen = self.states[session_id]
                change = Change(seen=self._seen(seen), is_last=seen.closed_at is not None)
                if change.view.version != after or change.is_last:
                    yield change
        finally:
            self.viewers -= 1

    async def add(self, data: bytes) -> Upload:
        self._answer()
        if not data.startswith(b"picture"):
            raise UploadRefusedError("The file is no picture. Upload one.")
        upload = Upload(id=upload_id_for(data), media_type="image/png", width=8, height=8, bytes=len(data))
        self.uploads[upload.id] = data
        return upload

    async def preview(self, upload_id: str) -> bytes:
        self._answer()
        return b"preview of " + self.uploads[upload_id]

    async def missing(self, upload_ids: Sequence[str]) -> tuple[str, ...]:
        self._answer()
        return tuple(upload for upload in upload_ids if upload not in self.uploads)

    async def session_counts(self) -> Sequence[Count]:
        self._answer_as_records()
        return [Count(kind="images", status="complete", count=2), Count(kind="images", status="partial", count=1)]

    async def attempt_counts(self) -> Sequence[Count]:
        self._answer_as_records()
        return [Count(status="complete", count=9), Count(status="failed", error_type="content", count=3)]

    def begin(self, request: ImageSessionRequest, *, session_id: str | None = None) -> SessionState:
        """Put down a session that has just begun."""
        return self.put(
            SessionState(
                id=session_id or new_session_id(),
                kind=SessionKind.IMAGES,
                tenant="default",
                title=request.product.title,
                items=new_items(image_items(request), max_attempts=request.max_attempts),
                max_attempts=request.max_attempts,
                estimated_microdollars=270_000,
                created_at=MOMENT,
                updated_at=MOMENT,
            )
        )

    def begin_story(self, request: StorySessionRequest) -> SessionState:
        """Put down a story that has just begun."""
        state = self.put(
            SessionState(
                id=new_session_id(),
                kind=SessionKind.STORY,
                tenant="default",
                title=working_title(request.idea),
                items=story_items(request.plan, max_attempts=request.max_attempts),
                max_attempts=request.max_attempts,
                approval_before_stage=SETS_STAGE if request.approve_outline else None,
                estimated_microdollars=4_000,
                created_at=MOMENT,
                updated_at=MOMENT,
            )
        )
        self.stories[state.id] = request
        return state

    def write(
        self, state: SessionState, *, key: str, document: Document, title: str | None = None, attempt: int = 1
    ) -> SessionState:
        """Let an item of a story be written at an attempt."""
        made = Made(data=as_bytes(document), media_type="application/json", model="gpt-6-luna")
        artifact = Artifact.of(made, attempt=attempt)
        self.stored[artifact_key(state.id, item=key, attempt=attempt)] = made.data
        self._enter(state, key=key, attempt=attempt, status=AttemptStatus.COMPLETE, artifact=artifact)
        started = item_started(state, key=key, now=MOMENT)
        return self.put(
            item_completed(started, key=key, artifact=artifact, spending=Spending(), now=MOMENT, title=title)
        )

    def put(self, state: SessionState) -> SessionState:
        """Replace a session's state."""
        self.states[state.id] = state
        return state

    def complete(
        self, state: SessionState, *, key: str, data: bytes, attempt: int = 1, size: tuple[int, int] = (8, 8)
    ) -> SessionState:
        """Let an item be made at an attempt, with these bytes."""
        artifact = Artifact(
            attempt=attempt,
            media_type="image/png",
            bytes=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
            width=size[0],
            height=size[1],
        )
        self.stored[artifact_key(state.id, item=key, attempt=attempt)] = data
        self._enter(state, key=key, attempt=attempt, status=AttemptStatus.COMPLETE, artifact=artifact)
        return self.put(
            item_completed(
                item_started(state, key=key, now=MOMENT),
                key=key,
                artifact=artifact,
                spending=Spending(spent_microdollars=21_000),
                now=MOMENT,
            )
        )

    def fail(self, state: SessionState, *, key: str, attempts: int = 3) -> SessionState:
        """Let an item fail for good."""
        error = ItemError(
            type=ErrorClass.CONTENT,
            message="The provider refused the content (violence).",
            advice="Change the note, then retry.",
        )
        self._enter(state, key=key, attempt=attempts, status=AttemptStatus.FAILED, error=error)
        return self.put(
            item_failed(
                item_started(state, key=key, now=MOMENT),
                key=key,
                error=error,
                attempts_used=attempts,
                spending=Spending(),
                now=MOMENT,
            )
        )

    def close(self, state: SessionState) -> SessionState:
        """Let the workflow close."""
        return self.put(session_closed(state, now=MOMENT))

    async def tell(self) -> None:
        """Tell viewers that something has changed."""
        async with self.changed:
            self.changed.notify_all()

    def _enter(
        self,
        state: SessionState,
        *,
        key: str,
        attempt: int,
        status: AttemptStatus,
        artifact: Artifact | None = None,
        error: ItemError | None = None,
    ) -> None:
        self.entries.setdefault(state.id, []).append(
            LedgerEntry(
                item=key,
                attempt=attempt,
                round=state.item(key).round,
                prompt_sha256="0" * 64,
                model="gpt-image-2.5-flare",
                status=status,
                error_type=error.type if error else None,
                error=error.message if error else None,
                advice=error.advice if error else None,
                started_at=MOMENT,
                ended_at=MOMENT,
                artifact=artifact,
                worker="test:1",
            )
        )

    def _obeyed(self, session_id: str, command: Command) -> SessionView:
        """Have a session obey a command, as the service does."""
        self._answer()
        try:
            return self._view(self.put(obeyed(command, self._state(session_id), now=MOMENT)))
        except WrongRequestError as error:
            raise NotRetryableError(str(error)) from error
        except CommandRefusedError as error:
            raise WrongStateError(str(error)) from error

    def _view(self, state: SessionState) -> SessionView:
        return self._seen(state).view

    def _seen(self, state: SessionState) -> Seen:
        view = session_view(state, under_way=None, is_stale=self.is_stale, temporal_link=f"{UI}/{state.id}")
        return Seen(view=view, state=state, under_way={})

    def _state(self, session_id: str) -> SessionState:
        if session_id not in self.states:
            raise SessionNotFoundError(session_id)
        return self.states[session_id]

    def _answer(self) -> None:
        if self.is_down:
            raise OutOfReachError("The records do not answer. Try again in a moment.")

    def _answer_as_records(self) -> None:
        if self.is_down:
            raise RecordsOutOfReachError


class MemoryArtifacts:
    """The bytes of an `InMemory`."""

    def __init__(self, memory: InMemory) -> None:
        self._memory = memory

    async def open(self, key: str, *, artifact: Artifact) -> AsyncIterator[bytes]:
        if key not in self._memory.stored:
            raise ArtifactNotFoundError(f"The bytes of {key} are gone.")
        return _in_pieces(self._memory.stored[key])

    async def thumbnail(self, key: str, *, artifact: Artifact) -> bytes:
        if key not in self._memory.stored:
            raise ArtifactNotFoundError(f"The bytes of {key} are gone.")
        return b"small " + self._memory.stored[key]


class _Overviews:
    """The list of an `InMemory` as people see it. Pages are those of its JSON."""

    def __init__(self, memory: InMemory) -> None:
        self._memory = memory

    async def page(
        self,
        *,
        kind: SessionKind | None = None,
        status: SessionStatus | None = None,
        query: str | None = None,
        limit: int,
        cursor: str | None = None,
    ) -> OverviewPage:
        page = await self._memory.sessions(kind=kind, status=status, query=query, limit=limit, cursor=cursor)
        return OverviewPage(sessions=tuple(map(_overview, page.sessions)), next_cursor=page.next_cursor)

    async def changes(self, *, after: str | None = None) -> AsyncGenerator[str, None]:
        seen = after
        while True:
            async with self._memory.changed:
                while (marker := self._marker()) == seen:
                    await self._memory.changed.wait()
            seen = marker
            yield marker

    def _marker(self) -> str:
        return " ".join(f"{state.id}/{state.revision}" for state in self._memory.states.values())


def _overview(view: SessionView) -> SessionOverview:
    fields = {name: getattr(view, name) for name in SessionOverview.model_fields if name != "thumbnails"}
    pictures = [item for item in view.items if item.artifact and view.kind is SessionKind.IMAGES]
    thumbnails = [
        Thumbnail(
            item=item.key,
            label=item.label,
            attempt=item.selected_attempt or 1,
            **item.artifact.model_dump(include={"width", "height"}),
        )
        for item in pictures[:MOST_THUMBNAILS]
        if item.artifact
    ]
    return SessionOverview(**fields, thumbnails=tuple(thumbnails))


class _Rates:
    """A limit that nothing goes by."""

    def __init__(self, memory: InMemory) -> None:
        self._memory = memory

    async def rates(self) -> Rates:
        self._memory._answer()
        limit = self._memory.images_per_minute
        source = RateSource.SETTING if limit is None else RateSource.CHANGED
        burst = None if limit is None else burst_of(limit)
        return Rates(images_per_minute=Rate(limit=limit, source=source, burst=burst, backlog=0))

    async def change(self, change: RatesChange) -> Rates:
        self._memory._answer()
        self._memory.images_per_minute = change.images_per_minute
        return await self.rates()


class _Bytes:
    """The bytes of an `InMemory` as services see them."""

    def __init__(self, memory: InMemory) -> None:
        self._memory = memory

    async def put(self, key: str, *, data: bytes, receipt: Receipt) -> None:
        if self._memory.is_unable_to_keep:
            raise OSError("no space left on device")
        self._memory.stored[key] = data
        self._memory.receipts[key] = receipt

    async def find(self, key: str) -> Receipt | None:
        return self._memory.receipts.get(key)

    async def read(self, key: str, *, artifact: Artifact) -> bytes:
        if key not in self._memory.stored:
            raise FileNotFoundError(key)
        return self._memory.stored[key]


class _Beginnings:
    """What the stories of an `InMemory` were begun with."""

    def __init__(self, memory: InMemory) -> None:
        self._memory = memory

    async def of(self, session_id: str) -> StorySessionInput:
        request = self._memory.stories[session_id]
        return StorySessionInput(
            state=self._memory.states[session_id], request=request, plan=request.plan, model="gpt-6-luna"
        )


class _Ledger:
    """The ledger that a test has put down; nothing is known of other sessions."""

    def __init__(self, memory: "InMemory") -> None:
        self._memory = memory

    async def attempts(self, session_id: str) -> Sequence[LedgerEntry]:
        return self._memory.entries.get(session_id, [])

    async def durations(self, model: str, *, limit: int) -> Sequence[AttemptDuration]:
        return ()


class _NoLedger:
    """Records in which nobody has spent anything."""

    async def costs(self, period: Period, *, by: CostBy, limit: int, cursor: str | None) -> CostPage:
        return CostPage(groups=(), totals=CostSums())

    async def recorded_calls(self, model: str, *, kind: SessionKind, limit: int) -> Sequence[RecordedCall]:
        return ()


class _Forgetful:
    """Records in which nothing of a start is kept."""

    async def session(self, session_id: str) -> SessionRecord | None:
        return None


async def _in_pieces(data: bytes) -> AsyncIterator[bytes]:
    for begin in range(0, len(data), 4096):
        yield data[begin : begin + 4096]


def application(memory: InMemory, *, keys: tuple[str, ...] = ()) -> FastAPI:
    """Return an application over what a test holds in memory."""
    return create_app(Settings(api_keys=keys), services=memory.services)


def client_of(app: FastAPI) -> httpx2.AsyncClient:
    """Return a client that calls an application in this process. What breaks in it is answered, not raised."""
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx2.AsyncClient(transport=transport, base_url="http://retakes.test")
