"""Sessions: start, list, read, retry, cancel, and the ledger."""

from typing import Annotated

from fastapi import APIRouter, Header, Query, Response
from pydantic import Field

from api.openapi import problems
from api.services import TheServices
from sessions.commands import RetryRequest
from sessions.images import ImageSessionRequest
from sessions.model import RequestModel
from sessions.money import Dollars
from sessions.statuses import SessionKind, SessionStatus
from sessions.steering import BudgetChange, CancelItems
from sessions.texts import OneLine
from sessions.view import AttemptList, SessionList, SessionView

router = APIRouter(prefix="/api/sessions", tags=["sessions"])

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern="^[!-~]+$",
        description="The same key and body return the session that was started before. Visible ASCII characters.",
    ),
]


class SessionsQuery(RequestModel):
    """Which sessions to list."""

    kind: SessionKind | None = None
    status: SessionStatus | None = None
    q: Annotated[str, Field(max_length=200, description="Text that the title holds."), OneLine] | None = None
    limit: int = Field(default=20, ge=1, le=100)
    cursor: Annotated[str, Field(min_length=1, max_length=200, description="The last page's next_cursor.")] | None = (
        None
    )


class CancelRequest(RequestModel):
    """Which items to stop."""

    items: tuple[Annotated[str, Field(max_length=64)], ...] = Field(min_length=1, max_length=2000)


class BudgetRequest(RequestModel):
    """What the session may cost, in US dollars; null lifts the limit."""

    budget_usd: Dollars | None


@router.post("/images", status_code=202, responses=problems(409, 413, 415), summary="Start an image session")
async def start_images(
    request: ImageSessionRequest, services: TheServices, response: Response, idempotency_key: IdempotencyKey = None
) -> SessionView:
    """Start an image session. Without `images` it makes the five of the seed."""
    view = await services.starter.start_images(request, idempotency_key=idempotency_key)
    response.headers["Location"] = view.links.self
    return view


@router.get("", responses=problems(), summary="List sessions")
async def list_sessions(query: Annotated[SessionsQuery, Query()], services: TheServices) -> SessionList:
    """List sessions, newest first."""
    return await services.reader.sessions(
        kind=query.kind, status=query.status, query=query.q, limit=query.limit, cursor=query.cursor
    )


@router.get("/{session_id}", responses=problems(404), summary="Read a session")
async def read_session(session_id: str, services: TheServices) -> SessionView:
    """Return a session."""
    return await services.reader.session(session_id)


@router.post("/{session_id}/retry", status_code=202, responses=problems(404, 409, 413, 415), summary="Retry")
async def retry(
    session_id: str,
    services: TheServices,
    request: RetryRequest | None = None,
    idempotency_key: IdempotencyKey = None,
) -> SessionView:
    """Make failed items again: those named, or all. Works while the workflow is open and after it has closed."""
    return await services.steering.retry(session_id, request or RetryRequest(), idempotency_key=idempotency_key)


@router.post("/{session_id}/pause", status_code=202, responses=problems(404, 409), summary="Pause")
async def pause(session_id: str, services: TheServices) -> SessionView:
    """Begin nothing further. What is being made goes on to its end."""
    return await services.steering.pause(session_id)


@router.post("/{session_id}/resume", status_code=202, responses=problems(404, 409), summary="Resume")
async def resume(session_id: str, services: TheServices) -> SessionView:
    """Go on after a pause."""
    return await services.steering.resume(session_id)


@router.post("/{session_id}/cancel", status_code=202, responses=problems(404, 409, 413, 415), summary="Cancel")
async def cancel(session_id: str, services: TheServices, request: CancelRequest | None = None) -> SessionView:
    """Stop a session, or the items named. What is finished is kept."""
    if request is None:
        return await services.steering.cancel(session_id)
    return await services.steering.cancel_items(session_id, CancelItems(items=request.items))


@router.delete("/{session_id}", status_code=204, responses=problems(404, 409), summary="Delete a session")
async def delete_session(session_id: str, services: TheServices) -> None:
    """Delete a session that has settled, its records and its artifacts. What it has cost stays in the sums."""
    await services.deletion.delete(session_id)


@router.put("/{session_id}/budget", status_code=202, responses=problems(404, 409, 413, 415), summary="Set the budget")
async def set_budget(session_id: str, request: BudgetRequest, services: TheServices) -> SessionView:
    """Change what the session may cost. One that waits for its budget goes on when it is raised."""
    return await services.steering.set_budget(session_id, BudgetChange(budget_usd=request.budget_usd))


@router.get("/{session_id}/attempts", responses=problems(404), summary="Read the ledger")
async def list_attempts(session_id: str, services: TheServices) -> AttemptList:
    """Return every attempt of a session, oldest first."""
    return AttemptList(attempts=tuple(await services.reader.attempts(session_id)))
