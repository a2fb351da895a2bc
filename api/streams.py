"""Answers that do not end by themselves: streams of server-sent events."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Final, TypeVar

import anyio
from sse_starlette import EventSourceResponse, ServerSentEvent

from api.services import Backend
from sessions.view import SessionView

Shown = TypeVar("Shown")

RETRY_MILLISECONDS: Final = 2000

_SEND_TIMEOUT_SECONDS: Final = 30
_SHUTDOWN_GRACE_SECONDS: Final = 2
_PING_SECONDS: Final = 15


def event_stream(
    changes: AsyncGenerator[Shown, None],
    *,
    written: Callable[[Shown], Awaitable[bytes]],
    backend: Backend,
    greeting: Callable[[], ServerSentEvent] | None = None,
    ping_seconds: int = _PING_SECONDS,
) -> EventSourceResponse:
    """Return a stream of changes that ends whole when the server shuts down.

    Args:
        changes: what to send; closed in any case.
        written: returns a change as the bytes of its events. They may be the same for all viewers, and made once.
        backend: counts who watches.
        greeting: makes the event that is sent at once, and then as a sign of life. None for the usual comments.
        ping_seconds: how often there is a sign of life.
    """
    shutdown = anyio.Event()

    async def events() -> AsyncIterator[ServerSentEvent | bytes]:
        with backend.metrics.streams.track_inprogress():
            yield ServerSentEvent(retry=RETRY_MILLISECONDS)
            if greeting is not None:
                yield greeting()
            async with aclosing(_until(shutdown, changes)) as shown:
                async for change in shown:
                    yield await written(change)

    return EventSourceResponse(
        events(),
        headers={"Cache-Control": "no-store"},
        ping=ping_seconds,
        ping_message_factory=greeting,
        send_timeout=_SEND_TIMEOUT_SECONDS,
        shutdown_event=shutdown,
        shutdown_grace_period=_SHUTDOWN_GRACE_SECONDS,
    )


def session_event(data: str, *, of: SessionView, name: str | None = None) -> bytes:
    """Return an event that tells how a session stands, its id the session's version.

    A stale state is sent again when it is confirmed, under the same version. Whose connection breaks before that must
    not name this version when it comes back, as if it had seen all there is: an id without data takes it back.
    """
    event: bytes = ServerSentEvent(data, event=name, id=str(of.version)).encode()
    if of.stale:
        event += ServerSentEvent(id=str(max(0, of.version - 1))).encode()
    return event


async def _until(shutdown: anyio.Event, changes: AsyncGenerator[Shown, None]) -> AsyncGenerator[Shown, None]:
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


async def _next(changes: AsyncGenerator[Shown, None]) -> Shown | None:
    return await anext(changes, None)


async def _stop(step: asyncio.Task[Shown | None]) -> None:
    if not step.done():
        step.cancel()
        with anyio.CancelScope(shield=True):
            await asyncio.wait({step})
