"""A session as it changes, as a stream of server-sent events."""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Annotated, Final

import anyio
from fastapi import APIRouter, Header
from sse_starlette import EventSourceResponse, ServerSentEvent

from api.openapi import problems
from api.services import TheBackend, TheServices
from service.watch import Change

router = APIRouter(prefix="/api/sessions", tags=["sessions"])

_PING_SECONDS: Final = 15
_SEND_TIMEOUT_SECONDS: Final = 30
_SHUTDOWN_GRACE_SECONDS: Final = 2
_RETRY_MILLISECONDS: Final = 2000
_VERSION: Final = re.compile(r"[0-9]{1,18}")


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
    session_id: str,
    services: TheServices,
    backend: TheBackend,
    last_event_id: Annotated[str | None, Header(description="The version that was seen last.")] = None,
) -> EventSourceResponse:
    """Stream a session: the whole of it, at once and at every change."""
    # A stream that has begun can no longer answer 404.
    known = await services.reader.session(session_id)
    seen = int(last_event_id) if last_event_id and _VERSION.fullmatch(last_event_id) else None
    changes = services.watch.changes(session_id, after=seen, known=known)
    shutdown = anyio.Event()

    async def events() -> AsyncIterator[ServerSentEvent]:
        with backend.metrics.streams.track_inprogress():
            yield ServerSentEvent(retry=_RETRY_MILLISECONDS)
            async with aclosing(_until(shutdown, changes)) as shown:
                async for change in shown:
                    version = str(change.view.version)
                    yield ServerSentEvent(change.payload, event="session", id=version)
                    if change.is_last:
                        yield ServerSentEvent("{}", event="end", id=version)

    return EventSourceResponse(
        events(),
        headers={"Cache-Control": "no-store"},
        ping=_PING_SECONDS,
        send_timeout=_SEND_TIMEOUT_SECONDS,
        shutdown_event=shutdown,
        shutdown_grace_period=_SHUTDOWN_GRACE_SECONDS,
    )


async def _until(shutdown: anyio.Event, changes: AsyncGenerator[Change, None]) -> AsyncGenerator[Change, None]:
    """Yield changes until the server shuts down, so that the answer then ends whole. Closes what it reads from."""
    ending = asyncio.create_task(shutdown.wait())
    try:
        while True:
            step = asyncio.create_task(_next(changes))
            try:
                await asyncio.wait({step, ending}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                await _stop(step)
            change = None if step.cancelled() else step.result()
            if change is None:
                return
            yield change
    finally:
        ending.cancel()
        # Shielded here and below: once a viewer has gone, every await of its response is cancelled anew.
        with anyio.CancelScope(shield=True):
            await changes.aclose()


async def _next(changes: AsyncGenerator[Change, None]) -> Change | None:
    return await anext(changes, None)


async def _stop(step: asyncio.Task[Change | None]) -> None:
    if not step.done():
        step.cancel()
        with anyio.CancelScope(shield=True):
            await asyncio.wait({step})
