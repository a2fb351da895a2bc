"""What routes work with, and how they come by it."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Protocol, cast

from fastapi import Depends, Request

from api.auth import Keys
from api.metrics import AttemptCount, Metrics, SessionCount
from service.callbacks import CallbackService
from service.costs import CostService
from service.errors import OutOfReachError
from service.generation import StoryGeneration
from service.watch import Change
from sessions.artifacts import Artifact
from sessions.commands import RetryRequest
from sessions.images import ImageSessionRequest
from sessions.ledger import LedgerEntry
from sessions.outlines import OutlineDecision
from sessions.outlook import Outlook
from sessions.overviews import OverviewPage
from sessions.present import Seen
from sessions.rates import Rates, RatesChange
from sessions.scripts import Outline, Story, StoryMetadata, StorySet
from sessions.statuses import SessionKind, SessionStatus
from sessions.steering import BudgetChange, CancelItems, RetakeRequest, SelectionRequest
from sessions.stories import StorySessionRequest
from sessions.uploads import Upload
from sessions.view import AttemptView, SessionList, SessionView, VersionView


class Reading(Protocol):
    """Reads sessions; `service.read.SessionReader` says what each call raises."""

    async def session(self, session_id: str) -> SessionView:
        """Return a session as it is shown."""
        ...

    async def seen(self, session_id: str) -> Seen:
        """Return a session, and what is shown of it was made from."""
        ...

    async def sessions(
        self,
        *,
        kind: SessionKind | None = None,
        status: SessionStatus | None = None,
        query: str | None = None,
        limit: int,
        cursor: str | None = None,
    ) -> SessionList:
        """Return a page of sessions."""
        ...

    async def attempts(self, session_id: str) -> Sequence[AttemptView]:
        """Return the ledger of a session as it is shown."""
        ...

    async def ledger(self, session_id: str) -> Sequence[LedgerEntry]:
        """Return the ledger of a session, oldest first."""
        ...

    async def artifact(self, session_id: str, *, item: str, attempt: int | None) -> Artifact:
        """Return the artifact of an attempt, or of the one that counts."""
        ...


class Starting(Protocol):
    """Starts sessions; `service.start.SessionStarter` says what each call raises."""

    async def start_images(self, request: ImageSessionRequest, *, idempotency_key: str | None) -> SessionView:
        """Start an image session."""
        ...

    async def start_story(self, request: StorySessionRequest, *, idempotency_key: str | None) -> SessionView:
        """Start a story session."""
        ...


class Steering(Protocol):
    """Changes what sessions do; `service.steer.SessionSteering` says what each call raises."""

    async def retry(self, session_id: str, request: RetryRequest, *, idempotency_key: str | None = None) -> SessionView:
        """Make failed items again."""
        ...

    async def retake(
        self, session_id: str, request: RetakeRequest, *, item: str, idempotency_key: str | None = None
    ) -> SessionView:
        """Make another version of a finished item."""
        ...

    async def select(self, session_id: str, request: SelectionRequest, *, item: str) -> SessionView:
        """Choose which version of an item counts."""
        ...

    async def pause(self, session_id: str) -> SessionView:
        """Begin nothing further."""
        ...

    async def resume(self, session_id: str) -> SessionView:
        """Go on after a pause."""
        ...

    async def cancel(self, session_id: str) -> SessionView:
        """Stop a session."""
        ...

    async def cancel_items(self, session_id: str, request: CancelItems) -> SessionView:
        """Stop items that are waiting or being made."""
        ...

    async def set_budget(self, session_id: str, request: BudgetChange) -> SessionView:
        """Change what a session may cost."""
        ...


class Deleting(Protocol):
    """Deletes sessions; `service.deletion.SessionDeletion` says what the call raises."""

    async def delete(self, session_id: str) -> None:
        """Delete a session that has settled."""
        ...


class Overviewing(Protocol):
    """Reads lists for people; `service.overviews.SessionOverviews` says what each call raises."""

    async def page(
        self,
        *,
        kind: SessionKind | None = None,
        status: SessionStatus | None = None,
        query: str | None = None,
        limit: int,
        cursor: str | None = None,
    ) -> OverviewPage:
        """Return a page of sessions, newest first."""
        ...

    def changes(self, *, after: str | None = None) -> AsyncGenerator[str, None]:
        """Yield a marker now and whenever the list has changed. Closing the iterator ends the watch."""
        ...


class StoryTelling(Protocol):
    """Reads stories and decides on their outlines; `service.stories.StoryService` says what each call raises."""

    async def outline(self, session_id: str) -> Outline:
        """Return the outline of a story with all its sets."""
        ...

    async def outline_of(self, view: SessionView) -> Outline:
        """Return the outline of a story that was read already."""
        ...

    async def sets(self, view: SessionView, *, numbers: Collection[int]) -> Mapping[int, StorySet]:
        """Return those of some sets of a story, by number, that are ready and still stored."""
        ...

    async def metadata(self, view: SessionView) -> StoryMetadata | None:
        """Return what is the same in every set of a story, None where there is none."""
        ...

    async def assembled(self, session_id: str) -> AsyncIterator[bytes]:
        """Return the story as JSON, in pieces."""
        ...

    async def story(self, session_id: str) -> Story:
        """Return the story put together from the sets that are ready."""
        ...

    async def decide(self, session_id: str, decision: OutlineDecision) -> SessionView:
        """Approve the outline, or put another in its place."""
        ...

    async def refile(self, view: SessionView, *, key: str) -> None:
        """Put the version of a set that counts under the name that people know it by."""
        ...


class Foreseeing(Protocol):
    """Tells when sessions will be ready."""

    async def outlook(self, seen: Seen) -> Outlook:
        """Return how a session's attempts stand in time."""
        ...


class Comparing(Protocol):
    """Tells of the versions of items; `service.versions.Versions` says what each call raises."""

    async def versions(self, session_id: str, *, item: str) -> Sequence[VersionView]:
        """Return the versions of an item, oldest first."""
        ...


class Watching(Protocol):
    """Watches sessions."""

    def changes(
        self, session_id: str, *, after: int | None = None, known: Seen | None = None
    ) -> AsyncGenerator[Change, None]:
        """Yield a session now and at every change. Closing the iterator ends the watch."""
        ...


class ArtifactReading(Protocol):
    """Gives out the bytes of artifacts."""

    async def open(self, key: str, *, artifact: Artifact) -> AsyncIterator[bytes]:
        """Return the bytes of an artifact that is stored under a key, in pieces.

        Raises:
            ArtifactNotFoundError: nothing is stored there.
            OutOfReachError: the store does not answer.
        """
        ...


class UploadRefusedError(Exception):
    """The file cannot be a reference photo. The message says why and what to do."""


class Shrinking(Protocol):
    """Makes small copies of pictures."""

    async def thumbnail(self, key: str, *, artifact: Artifact) -> bytes:
        """Return a small copy, as WebP, of the picture that is stored under a key.

        Raises:
            ArtifactNotFoundError: it is recorded and no longer there, or is no picture.
            OutOfReachError: it cannot be read now.
        """
        ...


class UploadKeeping(Protocol):
    """Keeps the pictures that people upload."""

    async def add(self, data: bytes) -> Upload:
        """Keep a picture.

        Raises:
            UploadRefusedError: the file is no picture, or none that can be used.
            OutOfReachError: it cannot be kept now.
        """
        ...

    async def preview(self, upload_id: str) -> bytes:
        """Return a picture as a small WebP.

        Raises:
            KeyError: there is no such upload.
            OutOfReachError: it cannot be read now.
        """
        ...


class RateSetting(Protocol):
    """Reads and changes limits; `service.rates.ImageRates` says what each call raises."""

    async def rates(self) -> Rates:
        """Return the limits."""
        ...

    async def change(self, change: RatesChange) -> Rates:
        """Change the limits, and return them."""
        ...


class Counting(Protocol):
    """Counts what the records hold. Raises `RecordsOutOfReachError` while they do not answer."""

    async def session_counts(self) -> Sequence[SessionCount]:
        """Count sessions by kind and status."""
        ...

    async def attempt_counts(self) -> Sequence[AttemptCount]:
        """Count attempts by status and class of error."""
        ...


@dataclass(frozen=True, kw_only=True)
class Services:
    """Everything that routes call."""

    reader: Reading
    overviews: Overviewing
    starter: Starting
    steering: Steering
    deletion: Deleting
    stories: StoryTelling
    versions: Comparing
    outlooks: Foreseeing
    generation: StoryGeneration
    watch: Watching
    artifacts: ArtifactReading
    thumbnails: Shrinking
    uploads: UploadKeeping
    callbacks: CallbackService
    costs: CostService
    counts: Counting
    rates: RateSetting


Check = Callable[[], Awaitable[None]]
"""Ends quietly when what it asks answers, and raises otherwise."""


@dataclass(kw_only=True)
class Backend:
    """What stands behind one application. ``services`` is None until Temporal has answered for the first time."""

    keys: Keys
    metrics: Metrics = field(default_factory=Metrics)
    services: Services | None = None
    checks: Mapping[str, Check] = field(default_factory=dict)
    laying_out: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(2))
    """Held while a document is laid out: one of ten thousand segments takes a gigabyte for some seconds."""


def backend_of(request: Request) -> Backend:
    """Return what stands behind the application that serves a request."""
    return cast(Backend, request.app.state.backend)


def services_of(request: Request) -> Services:
    """Return the services.

    Raises:
        OutOfReachError: this process has not reached Temporal yet.
    """
    services = backend_of(request).services
    if services is None:
        raise OutOfReachError("Temporal has not answered yet; this server keeps trying. Try again in a moment.")
    return services


TheBackend = Annotated[Backend, Depends(backend_of)]
TheServices = Annotated[Services, Depends(services_of)]
