"""A session's page: watch it, steer it, take it away."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from sse_starlette import EventSourceResponse
from starlette.responses import RedirectResponse, Response

from api.routes.events import LastEventId, version_seen
from api.services import TheBackend, TheServices
from api.streams import event_stream, session_event
from api.web.board import TheShown, board_values
from api.web.pages import BEAT_SECONDS, ThePages, beat
from api.web.paths import HOME, is_scripted, session_page
from api.web.shared import TheEvents
from api.web.typed import amount, asked
from service.watch import Change
from sessions.commands import RetryRequest
from sessions.steering import BudgetChange

router = APIRouter(prefix="/sessions/{session_id}", include_in_schema=False)


@router.get("")
async def session(session_id: str, services: TheServices, pages: ThePages, shown: TheShown) -> Response:
    """Show a session."""
    seen = await services.reader.seen(session_id)
    outlook = await services.outlooks.outlook(seen)
    return pages.page("session.html", **board_values(seen, outlook=outlook, shown=shown))


@router.get("/live")
async def live(
    session_id: str,
    *,
    services: TheServices,
    backend: TheBackend,
    pages: ThePages,
    events: TheEvents,
    shown: TheShown,
    last_event_id: LastEventId = None,
) -> EventSourceResponse:
    """Stream the board of a session: the whole of it, at once and at every change."""
    known = await services.reader.seen(session_id)
    changes = services.watch.changes(session_id, after=version_seen(last_event_id), known=known)

    async def board(change: Change) -> bytes:
        outlook = await services.outlooks.outlook(change.seen)
        html = pages.rendered("board.html", **board_values(change.seen, outlook=outlook, shown=shown))
        return session_event(html, of=change.view)

    async def written(change: Change) -> bytes:
        return await events.of(change, place=("board", shown), make=lambda: board(change))

    return event_stream(changes, written=written, backend=backend, greeting=beat, ping_seconds=BEAT_SECONDS)


@router.post("/retry")
async def retry(session_id: str, services: TheServices, request: Request) -> Response:
    """Make everything that has failed again."""
    await services.steering.retry(session_id, RetryRequest())
    return done(request, session_id)


@router.post("/pause")
async def pause(session_id: str, services: TheServices, request: Request) -> Response:
    """Begin nothing further."""
    await services.steering.pause(session_id)
    return done(request, session_id)


@router.post("/resume")
async def resume(session_id: str, services: TheServices, request: Request) -> Response:
    """Go on after a pause."""
    await services.steering.resume(session_id)
    return done(request, session_id)


@router.post("/cancel")
async def cancel(session_id: str, services: TheServices, request: Request) -> Response:
    """Stop a session."""
    await services.steering.cancel(session_id)
    return done(request, session_id)


@router.post("/delete")
async def delete(session_id: str, services: TheServices) -> Response:
    """Delete a session; the page has asked whether that is meant."""
    await services.deletion.delete(session_id)
    return RedirectResponse(HOME, status_code=303)


@router.post("/budget")
async def set_budget(
    session_id: str, services: TheServices, request: Request, budget_usd: Annotated[str, Form(max_length=100)]
) -> Response:
    """Change what the session may cost."""
    change = asked(BudgetChange, budget_usd=amount(budget_usd))
    await services.steering.set_budget(session_id, change)
    return done(request, session_id)


def done(request: Request, session_id: str, *, item: str | None = None) -> Response:
    """Return the answer to what was asked of a session: its page, or nothing where a script shows what comes of it."""
    if is_scripted(request):
        return Response(status_code=204)
    place = f"#card-{item}" if item is not None else ""
    return RedirectResponse(f"{session_page(session_id)}{place}", status_code=303)
