"""What is particular to story sessions: their outline, and the story put together from their sets."""

import logging
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import suppress
from typing import Protocol, TypeVar

from service.documents import StoryDocuments, outline_of, reached, sets_of
from service.errors import (
    ArtifactNotFoundError,
    InvalidOutlineError,
    ServiceError,
    WrongStateError,
)
from service.kinds import input_to_go_on
from sessions.artifacts import Artifact, Made, Receipt
from sessions.identifiers import artifact_key
from sessions.outlines import OutlineDecision, SentOutline
from sessions.ports import ArtifactStore, StoryFiles
from sessions.records import RecordsOutOfReachError, SessionRecord
from sessions.scripts import Document, Outline, OutlinedPart, Story, StoryMetadata, StorySet, as_bytes
from sessions.statuses import ItemStatus, SessionKind
from sessions.steering import OutlineApproval
from sessions.stories import (
    OUTLINE,
    StoryPlan,
    StorySessionInput,
    StorySessionRequest,
    part_key,
    set_number_of,
)
from sessions.story_checks import InvalidStoryError, person_outline_of
from sessions.story_files import metadata_file, set_file
from sessions.view import ItemView, SessionView

_JSON = "application/json"
_BY_HAND = "a person"
"""What stands for the model in the receipt of a document that somebody sent."""

Answer = TypeVar("Answer")

_logger = logging.getLogger("retakes.stories")


class Reading(Protocol):
    """Reads sessions, as `service.read.SessionReader` does."""

    async def session(self, session_id: str) -> SessionView:
        """Return a session."""
        ...


class Remembering(Protocol):
    """Knows what sessions were started with, as `sessions.records.SessionRecords` does."""

    async def session(self, session_id: str) -> SessionRecord | None:
        """Return what is written down of a session. Raises `RecordsOutOfReachError`."""
        ...


class Approving(Protocol):
    """Lets sessions go on, as `service.steer.SessionSteering` does."""

    async def approve_outline(self, session_id: str, approval: OutlineApproval) -> SessionView:
        """Let a story go on that waits for its outline to be approved."""
        ...


class StoryService:
    """Reads stories, and lets people decide on their outlines."""

    def __init__(
        self,
        *,
        reader: Reading,
        steering: Approving,
        records: Remembering,
        artifacts: ArtifactStore,
        files: StoryFiles,
    ) -> None:
        self._reader = reader
        self._steering = steering
        self._records = records
        self._artifacts = artifacts
        self._documents = StoryDocuments(artifacts)
        self._files = files

    async def outline(self, session_id: str) -> Outline:
        """Return the outline of a story with all its sets, those of its parts included.

        Raises:
            SessionNotFoundError: there is no such session.
            ArtifactNotFoundError: it is no story.
            WrongStateError: the outline is not written yet.
            OutOfReachError: what it is read from does not answer.
        """
        return await self.outline_of(await self._story(session_id))

    async def outline_of(self, view: SessionView) -> Outline:
        """Return the outline of a story that was read already, as `outline` does and with its errors."""
        _refuse_unless_story(view)
        outline = await self._documents.outline(view)
        parts = await self._documents.parts(view)
        if len(parts) < len(outline.parts):
            raise WrongStateError("The outline is not ready yet: parts of it are still being written, or have failed.")
        sets = [*outline.sets, *(one for part in parts for one in part.sets)]
        return outline.model_copy(update={"sets": tuple(sets)})

    async def sets(self, view: SessionView, *, numbers: Collection[int]) -> Mapping[int, StorySet]:
        """Return those of some sets, by number, that are ready and still stored. No others are read.

        Raises:
            ArtifactNotFoundError: it is no story.
            OutOfReachError: the store does not answer.
        """
        _refuse_unless_story(view)
        found: dict[int, StorySet] = {}
        for number, item in sets_of(view):
            if number in numbers and item.artifact is not None:
                # One that has left the store keeps nobody from reading the others.
                with suppress(ArtifactNotFoundError):
                    found[number] = StorySet.model_validate_json(await self._documents.kept(view, item))
        return found

    async def metadata(self, view: SessionView) -> StoryMetadata | None:
        """Return what is the same in every set of a story; None while its outline is not ready, and for images.

        Raises:
            ArtifactNotFoundError: the outline is no longer stored.
            OutOfReachError: the store does not answer.
        """
        if view.kind is not SessionKind.STORY or outline_of(view).artifact is None:
            return None
        return await self._metadata_of(view)

    async def assembled(self, session_id: str) -> AsyncIterator[bytes]:
        """Return the story as JSON, in pieces: what is the same everywhere, and the sets that are ready.

        Raises:
            SessionNotFoundError: there is no such session.
            ArtifactNotFoundError: it is no story.
            WrongStateError: the outline is not written yet.
            OutOfReachError: what it is read from does not answer.
        """
        view = await self._story(session_id)
        return self._assembled(view, metadata=await self._metadata_of(view))

    async def story(self, session_id: str) -> Story:
        """Return the story put together from the sets that are ready.

        Raises:
            SessionNotFoundError: there is no such session.
            ArtifactNotFoundError: it is no story.
            WrongStateError: the outline is not written yet.
            OutOfReachError: what it is read from does not answer.
        """
        view = await self._story(session_id)
        metadata = await self._metadata_of(view)
        sets = [StorySet.model_validate_json(await self._documents.read(view, item)) for item in _ready_sets(view)]
        return Story(**{name: getattr(metadata, name) for name in StoryMetadata.model_fields}, sets=tuple(sets))

    async def decide(self, session_id: str, decision: OutlineDecision) -> SessionView:
        """Approve the outline, or put another in its place, and let the sets be written.

        Raises:
            SessionNotFoundError: there is no such session.
            ArtifactNotFoundError: it is no story.
            WrongStateError: the session does not wait for this.
            InvalidOutlineError: no sets can be written by the outline that was sent.
            OutOfReachError: Temporal, the worker or the store do not answer.
        """
        view = await self._story(session_id)
        if any(item.status is not ItemStatus.PENDING for _, item in sets_of(view)):
            raise WrongStateError(
                f"The session is {view.status}, and the outline stays as it is: nothing waits for it."
            )
        current = await self.outline_of(view)
        if decision.outline is None:
            await self._steering.approve_outline(session_id, OutlineApproval())
            return await self._reader.session(session_id)
        outline, parts = await self._checked(decision.outline, current=current, session_id=session_id)
        documents: dict[str, Document] = {OUTLINE: outline}
        documents |= {part_key(part.part_number): part for part in parts}
        replaced = {
            item.key: await self._stored(view, item=item, document=documents[item.key])
            for item in view.items
            if item.key in documents
        }
        await self._steering.approve_outline(session_id, OutlineApproval(replaced=replaced, title=outline.title))
        await self._refile(session_id, before=current.title, metadata=outline.metadata)
        return await self._reader.session(session_id)

    async def refile(self, view: SessionView, *, key: str) -> None:
        """Put the version of a set that counts under the name that people know it by. Nothing to do for images.

        Files follow the artifacts and hold nothing up: what cannot be written is logged.
        """
        item = next(item for item in view.items if item.key == key)
        set_number = set_number_of(key)
        if view.kind is not SessionKind.STORY or set_number is None or item.artifact is None:
            return
        try:
            await self._files.save(
                view.id, name=set_file(view.title, set_number=set_number), data=await self._documents.read(view, item)
            )
        except (OSError, ServiceError) as error:
            _logger.warning("a file could not be written", extra={"session_id": view.id, "reason": repr(error)})

    async def _checked(
        self, sent: SentOutline, *, current: Outline, session_id: str
    ) -> tuple[Outline, Sequence[OutlinedPart]]:
        info = current.generation_info
        request = StorySessionRequest(
            idea=info.idea,
            total_segments=info.total_segments,
            segments_per_set=info.segments_per_set,
            content_rating=info.content_rating,
            language=info.language,
        )
        try:
            return person_outline_of(
                sent.with_info(info), request=request, plan=await self._plan(session_id, request=request)
            )
        except InvalidStoryError as error:
            raise InvalidOutlineError(
                f"{error.message} Nothing has changed; correct it and send it again.", problems=error.problems
            ) from error

    async def _plan(self, session_id: str, *, request: StorySessionRequest) -> StoryPlan:
        """Return how the story was divided when it began."""
        try:
            record = await self._records.session(session_id)
        except RecordsOutOfReachError:
            record = None
        if record is None or record.start is None:
            return request.plan
        start = input_to_go_on(record.start, state=record.state)
        return start.plan if isinstance(start, StorySessionInput) else request.plan

    async def _stored(self, view: SessionView, *, item: ItemView, document: Document) -> Artifact:
        """Store a document as the item's next version. Nothing refers to it until the workflow has taken it."""
        made = Made(data=as_bytes(document), media_type=_JSON, model=_BY_HAND)
        artifact = Artifact.of(made, attempt=max(item.attempt, item.selected_attempt or 0) + 1)
        key = artifact_key(view.id, item=item.key, attempt=artifact.attempt)
        await reached(self._artifacts.put(key, data=made.data, receipt=Receipt(artifact=artifact, model=made.model)))
        return artifact

    async def _refile(self, session_id: str, *, before: str, metadata: StoryMetadata) -> None:
        """Put the file of the metadata in its new place. Files follow the artifacts, and hold nothing up."""
        try:
            await self._files.save(session_id, name=metadata_file(metadata.title), data=as_bytes(metadata))
            if metadata_file(before) != metadata_file(metadata.title):
                await self._files.remove(session_id, name=metadata_file(before))
        except OSError as error:
            _logger.warning("a file could not be written", extra={"session_id": session_id, "reason": repr(error)})

    async def _story(self, session_id: str) -> SessionView:
        view = await self._reader.session(session_id)
        _refuse_unless_story(view)
        return view

    async def _metadata_of(self, view: SessionView) -> StoryMetadata:
        return (await self._documents.outline(view)).metadata

    async def _assembled(self, view: SessionView, *, metadata: StoryMetadata) -> AsyncIterator[bytes]:
        yield metadata.model_dump_json().encode().removesuffix(b"}") + b',"sets":['
        for position, item in enumerate(_ready_sets(view)):
            yield (b"," if position else b"") + await self._documents.read(view, item)
        yield b"]}"


def _refuse_unless_story(view: SessionView) -> None:
    if view.kind is not SessionKind.STORY:
        raise ArtifactNotFoundError(f"Session '{view.id}' makes {view.kind}; only stories have this.")


def _ready_sets(view: SessionView) -> Sequence[ItemView]:
    return [item for _, item in sets_of(view) if item.artifact is not None]
