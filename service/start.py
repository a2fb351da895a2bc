"""Starting sessions: all of it or nothing, and the same request twice is one session."""

import asyncio
import hashlib
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

from temporalio.client import Client
from temporalio.common import (
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from service.admission import Admission
from service.answers import answered
from service.callbacks import CallbackRules
from service.deletion import end_what_was_deleted
from service.errors import (
    BusyError,
    IdempotencyConflictError,
    IdempotencyKeySpentError,
    OutOfReachError,
    SessionDeletedError,
    UncertainStartError,
    UnknownReferenceError,
)
from service.kept_story import SECOND_ROUND, KeptStory, going_on
from service.kinds import WORKFLOWS, start_of
from service.labels import priority, search_attributes, summary
from service.read import SessionReader
from sessions.attempts import AttemptLimits, SessionInput
from sessions.identifiers import DEFAULT_TENANT, new_session_id, session_id_for
from sessions.image_prompts import image_prompt
from sessions.images import ImageSessionInput, ImageSessionRequest, image_items
from sessions.items import new_items
from sessions.limits import tolerated_of
from sessions.money import microdollars
from sessions.present import session_view
from sessions.pricing import PriceTable, expected_image_usage
from sessions.records import RecordsOutOfReachError, SessionRecords
from sessions.state import SessionState
from sessions.statuses import SessionKind
from sessions.stories import (
    SETS_STAGE,
    StorySessionInput,
    StorySessionRequest,
    story_items,
    working_title,
)
from sessions.story_estimates import expected_usages
from sessions.texts import shortened
from sessions.view import SessionView
from sessions.wire import (
    FINGERPRINT_MEMO,
    TASK_QUEUE,
)

_START_TIMEOUT = timedelta(seconds=5)
_RECORD_PATIENCE = timedelta(milliseconds=250)
_FIRST_RECORD_PAUSE = timedelta(seconds=1)
_LONGEST_RECORD_PAUSE = timedelta(seconds=16)
"""Pauses double up to this, and each is shortened at random by up to half: a thousand starts that wait to be written
down must not keep the records from coming round."""
_MOST_UNRECORDED = 2000
"""Starts that wait to be written down, each held in memory: while the records are down, and sessions still start."""
_SUMMARY_BYTES = 200
_REFUSALS = (
    RPCStatusCode.INVALID_ARGUMENT,
    RPCStatusCode.NOT_FOUND,
    RPCStatusCode.PERMISSION_DENIED,
    RPCStatusCode.FAILED_PRECONDITION,
    RPCStatusCode.OUT_OF_RANGE,
    RPCStatusCode.UNIMPLEMENTED,
    RPCStatusCode.UNAUTHENTICATED,
)


_logger = logging.getLogger("retakes.start")


@dataclass(frozen=True, kw_only=True)
class StartDefaults:
    """What a session gets from the installation."""

    image_model: str
    text_model: str
    prices: PriceTable
    limits: AttemptLimits
    retry_window: timedelta
    callbacks: CallbackRules = field(default_factory=CallbackRules)


class KnownUploads(Protocol):
    """Tells which uploads there are."""

    async def missing(self, upload_ids: Sequence[str]) -> tuple[str, ...]:
        """Return those of the ids that nothing was uploaded under."""
        ...


class SessionStarter:
    """Starts sessions. Every start raises `BusyError` where too many are under way; then nothing was started."""

    def __init__(
        self,
        *,
        client: Client,
        records: SessionRecords,
        uploads: KnownUploads,
        reader: SessionReader,
        defaults: StartDefaults,
        admission: Admission | None = None,
    ) -> None:
        self._client = client
        self._records = records
        self._uploads = uploads
        self._reader = reader
        self._defaults = defaults
        self._admission = admission or Admission()
        self._recordings: set[asyncio.Task[None]] = set()

    async def start_images(self, request: ImageSessionRequest, *, idempotency_key: str | None) -> SessionView:
        """Start an image session, or return the one that the same key and request have started.

        Raises:
            UnknownReferenceError: a reference picture was never uploaded.
            IdempotencyConflictError: the key belongs to another request.
            IdempotencyKeySpentError: the session that the key has started was deleted.
            OutOfReachError: Temporal does not answer or refuses; sending the request again with the same key is safe.
        """
        if missing := await self._uploads.missing(request.uploads):
            raise UnknownReferenceError(missing)
        return await self._start_once(
            _fingerprint(SessionKind.IMAGES, request.model_dump_json()),
            idempotency_key=idempotency_key,
            input_for=lambda session_id: self._image_input(request, session_id=session_id),
        )

    async def start_story(self, request: StorySessionRequest, *, idempotency_key: str | None) -> SessionView:
        """Start a story session, or return the one that the same key and request have started.

        Raises:
            IdempotencyConflictError: the key belongs to another request.
            IdempotencyKeySpentError: the session that the key has started was deleted.
            OutOfReachError: Temporal does not answer or refuses; sending the request again with the same key is safe.
        """
        return await self._start_once(
            _fingerprint(SessionKind.STORY, request.model_dump_json()),
            idempotency_key=idempotency_key,
            input_for=lambda session_id: self._story_input(request, session_id=session_id),
        )

    async def start_story_with(
        self, request: StorySessionRequest, *, kept: KeptStory, idempotency_key: str | None
    ) -> SessionView:
        """Start a story session that goes on from what another has made, or return the one that the key has started.

        It begins with its second round: what it makes was tried before.

        Raises:
            IdempotencyConflictError: the key belongs to another request.
            IdempotencyKeySpentError: the session that the key has started was deleted.
            OutOfReachError: Temporal or the artifact store does not answer or refuses; nothing was started, or the
                same request with the same key finds what was.
        """
        fingerprint = _fingerprint(SessionKind.STORY, f"{request.model_dump_json()}\n{kept.digest}")
        if idempotency_key is not None:
            await self._refuse_spent(session_id_for(idempotency_key))
        if idempotency_key is not None and await self._is_known(session_id_for(idempotency_key)):
            # Found out before anything is stored, which must not get among what that session has stored.
            return await self._started_earlier(session_id_for(idempotency_key), fingerprint=fingerprint)
        return await self._start_once(
            fingerprint,
            idempotency_key=idempotency_key,
            input_for=lambda session_id: self._story_input(request, session_id=session_id, kept=kept),
            store=kept.store,
        )

    async def _is_known(self, session_id: str) -> bool:
        """Whether Temporal knows a session."""
        try:
            await answered(self._client.get_workflow_handle(session_id).describe(), within=_START_TIMEOUT)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return False
            raise _not_started(error) from error
        return True

    async def _start_once(
        self,
        fingerprint: str,
        *,
        idempotency_key: str | None,
        input_for: Callable[[str], SessionInput],
        store: Callable[[str], Awaitable[None]] | None = None,
    ) -> SessionView:
        if len(self._recordings) >= _MOST_UNRECORDED:
            raise BusyError
        async with self._admission.turn():
            session_id = new_session_id()
            if idempotency_key is not None:
                session_id = session_id_for(idempotency_key)
                await self._refuse_spent(session_id)
                if earlier := await self._recorded_earlier(session_id, fingerprint=fingerprint):
                    return earlier
            if store is not None:
                await store(session_id)
            return await self._start(input_for(session_id), fingerprint=fingerprint)

    async def close(self) -> None:
        """Give up on sessions that could not be written down yet.

        Their workers write down all but the input and the digest of the request; those stay with Temporal, and are
        asked for there when the session is started again.
        """
        for recording in self._recordings:
            recording.cancel()
        await asyncio.gather(*self._recordings, return_exceptions=True)

    def _image_input(self, request: ImageSessionRequest, *, session_id: str) -> ImageSessionInput:
        model = request.model or self._defaults.image_model
        now = datetime.now(UTC)
        costs = self._costs(request, model=model)
        state = SessionState(
            id=session_id,
            kind=SessionKind.IMAGES,
            tenant=DEFAULT_TENANT,
            title=request.product.title,
            items=new_items(image_items(request), max_attempts=request.max_attempts),
            max_attempts=request.max_attempts,
            worst_case_microdollars=max(costs),
            budget_microdollars=None if request.budget_usd is None else microdollars(request.budget_usd),
            tolerated_failures=tolerated_of(request.tolerated_failures, items=len(request.images)),
            estimated_microdollars=sum(costs),
            created_at=now,
            updated_at=now,
        )
        return ImageSessionInput(
            state=state,
            request=request,
            model=model,
            limits=self._defaults.limits,
            retry_window=self._defaults.retry_window,
            worst_case_microdollars=max(costs),
            callback_url=self._defaults.callbacks.url_for(request.callback_url),
        )

    def _story_input(
        self, request: StorySessionRequest, *, session_id: str, kept: KeptStory | None = None
    ) -> StorySessionInput:
        model = request.model or self._defaults.text_model
        plan = request.plan
        prices = self._defaults.prices
        costs = [prices.cost_microdollars(usage, model=model) for usage in expected_usages(request, plan=plan)]
        items = story_items(plan, max_attempts=request.max_attempts)
        now = datetime.now(UTC)
        state = SessionState(
            id=session_id,
            kind=SessionKind.STORY,
            tenant=DEFAULT_TENANT,
            title=kept.title if kept else working_title(request.idea),
            items=items if kept is None else going_on(items, kept=kept),
            round=SECOND_ROUND if kept else 1,
            max_attempts=request.max_attempts,
            approval_before_stage=SETS_STAGE if request.approve_outline else None,
            worst_case_microdollars=max(costs),
            budget_microdollars=None if request.budget_usd is None else microdollars(request.budget_usd),
            tolerated_failures=tolerated_of(request.tolerated_failures, items=plan.total_sets),
            estimated_microdollars=sum(
                cost for cost, item in zip(costs, items, strict=True) if kept is None or item.key not in kept.artifacts
            ),
            created_at=now,
            updated_at=now,
        )
        return StorySessionInput(
            state=state,
            request=request,
            plan=plan,
            model=model,
            limits=self._defaults.limits,
            retry_window=self._defaults.retry_window,
            worst_case_microdollars=max(costs),
            callback_url=self._defaults.callbacks.url_for(request.callback_url),
        )

    def _costs(self, request: ImageSessionRequest, *, model: str) -> Sequence[int]:
        """Return what an attempt at each image is expected to cost, in micro-dollars."""
        return [
            self._defaults.prices.cost_microdollars(
                expected_image_usage(
                    size=request.size,
                    quality=request.quality,
                    prompt_characters=len(image_prompt(request, image=image)),
                    references=len(request.uploads),
                ),
                model=model,
            )
            for image in request.images
        ]

    async def _refuse_spent(self, session_id: str) -> None:
        """Find out whether the session that belongs to a key was deleted: repeated requests must not make it again.

        Raises:
            IdempotencyKeySpentError: it was.
        """
        try:
            await self._reader.refuse_deleted(session_id)
        except SessionDeletedError as error:
            raise IdempotencyKeySpentError from error

    async def _recorded_earlier(self, session_id: str, *, fingerprint: str) -> SessionView | None:
        """Return the session that the key has started, where the records know it.

        Temporal forgets closed workflows after its retention, the records do not. With the records down Temporal
        alone tells, which is enough for as long as clients repeat requests.
        """
        try:
            record = await self._records.session(session_id)
        except RecordsOutOfReachError:
            return None
        if record is None:
            return None
        if record.request_sha256 is None:
            # Its API died before it wrote the start down: Temporal's memo has the digest.
            return await self._started_earlier(session_id, fingerprint=fingerprint, is_recorded=True)
        if record.request_sha256 != fingerprint:
            raise IdempotencyConflictError
        return await self._reader.session(session_id)

    async def _start(self, start: SessionInput, *, fingerprint: str) -> SessionView:
        state = start.state
        try:
            await answered(
                self._client.start_workflow(
                    WORKFLOWS[state.kind],
                    start,
                    id=state.id,
                    task_queue=TASK_QUEUE,
                    id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
                    id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                    memo={FINGERPRINT_MEMO: fingerprint},
                    search_attributes=search_attributes(state),
                    static_summary=summary(state),
                    priority=priority(state),
                ),
                within=_START_TIMEOUT,
            )
        except WorkflowAlreadyStartedError:
            return await self._started_earlier(state.id, fingerprint=fingerprint)
        except RPCError as error:
            raise _not_started(error) from error
        await self._record_soon(start, fingerprint=fingerprint)
        return session_view(state, under_way={}, temporal_link=self._reader.temporal_link(state.id))

    async def _started_earlier(self, session_id: str, *, fingerprint: str, is_recorded: bool = False) -> SessionView:
        try:
            description = await answered(self._client.get_workflow_handle(session_id).describe(), within=_START_TIMEOUT)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise OutOfReachError("Temporal does not answer. Send the request again with the same key.") from error
            if not is_recorded:
                raise OutOfReachError(
                    "The session that this Idempotency-Key started has just been deleted. Send the request again."
                ) from error
            # Temporal has forgotten it, and nobody else can tell which request it was.
            return await self._reader.session(session_id)
        if await description.memo_value(FINGERPRINT_MEMO, None, type_hint=str) != fingerprint:
            raise IdempotencyConflictError
        return await self._reader.session(session_id)

    async def _record_soon(self, start: SessionInput, *, fingerprint: str) -> None:
        """Write the session down, and wait for it a moment: whoever starts one looks for it in the list."""
        recording = asyncio.create_task(self._recorded(start, fingerprint=fingerprint))
        self._recordings.add(recording)
        recording.add_done_callback(self._recordings.discard)
        await asyncio.wait({recording}, timeout=_RECORD_PATIENCE.total_seconds())

    async def _recorded(self, start: SessionInput, *, fingerprint: str) -> None:
        """Write the session down. The workflow runs already, so the records being down must not fail the start."""
        pause = _FIRST_RECORD_PAUSE
        while True:
            try:
                await self._records.create_session(start.state, request_sha256=fingerprint, start=start_of(start))
                if await self._records.is_deleted(start.state.id):
                    await end_what_was_deleted(self._client, start.state.id)
            except RecordsOutOfReachError:
                _logger.warning("a new session is not recorded yet", extra={"session_id": start.state.id})
                await asyncio.sleep(pause.total_seconds() * random.uniform(0.5, 1))  # noqa: S311 - no secret
                pause = min(pause * 2, _LONGEST_RECORD_PAUSE)
            else:
                return


def _not_started(error: RPCError) -> OutOfReachError:
    if error.status is RPCStatusCode.RESOURCE_EXHAUSTED:
        return OutOfReachError("Temporal takes no more work at the moment; nothing was started. Try again in a moment.")
    if error.status in _REFUSALS:
        return OutOfReachError(
            f"Temporal refused to start the session: {shortened(error.message, max_bytes=_SUMMARY_BYTES)}. "
            "Nothing was started; sending the request again helps when that has been mended."
        )
    return UncertainStartError()


def _fingerprint(kind: SessionKind, request_json: str) -> str:
    return hashlib.sha256(f"{kind}\n{request_json}".encode()).hexdigest()
