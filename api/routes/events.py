"""A session as it changes, as a stream of server-sent events."""

import re
from typing import Annotated, Final

from fastapi import APIRouter, Header
from sse_starlette import EventSourceResponse, ServerSentEvent

from api.openapi import problems
from api.services import TheBackend, TheServices
from api.streams import event_stream, session_event
from service.watch import Change

router = APIRouter(prefix="/api/sessions", tags=["sessions"])

_VERSION: Final = re.compile(r"[0-9]{1,18}")

LastEventId = Annotated[str | None, Header(description="The version that was seen last.")]


def version_seen(last_event_id: str | None) -> int | None:
    """Return the version that a viewer has seen, None where it has seen none or says something else."""
    return int(last_event_id) if last_event_id and _VERSION.fullmatch(last_event_id) else None


@router.get(
    "/{session_id}/events",
    response_class=EventSourceResponse,
    responses={
        200: {
            "description": "Event `session` at once and at every change, its data the session and its id the "
            "session's version; event `end` when the workflow has closed.",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        },
        **problems(404),
    },
    summary="Watch a session",
)
async def watch_session(
    session_id: str, services: TheServices, backend: TheBackend, last_event_id: LastEventId = None
) -> EventSourceResponse:
    """Stream a session: the whole of it, at once and at every change."""
    # A stream that has begun can no longer answer 404.
    known = await services.reader.seen(session_id)
    changes = services.watch.changes(session_id, after=version_seen(last_event_id), known=known)
    return event_stream(changes, written=_written, backend=backend)


async def _written(change: Change) -> bytes:
    event = session_event(change.payload, of=change.view, name="session")
    if change.is_last:
        event += ServerSentEvent("{}", event="end", id=str(change.view.version)).encode()
    return event
