"""The page: sessions, one session, and what can be done with them without a script."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.responses import RedirectResponse, Response

from api.services import TheServices
from api.web.paths import HOME, session_page
from api.web.rendering import Pages, pages_of
from sessions.commands import RetryRequest

router = APIRouter(include_in_schema=False)

ThePages = Annotated[Pages, Depends(pages_of)]

_SESSIONS_PER_PAGE = 20


@router.get(HOME)
async def sessions(
    services: TheServices, pages: ThePages, cursor: Annotated[str | None, Query(max_length=200)] = None
) -> Response:
    """Show sessions, newest first."""
    shown = await services.reader.sessions(limit=_SESSIONS_PER_PAGE, cursor=cursor)
    return pages.page("sessions.html", shown=shown, cursor=cursor)


@router.get("/sessions/{session_id}")
async def session(session_id: str, services: TheServices, pages: ThePages) -> Response:
    """Show a session."""
    return pages.page("session.html", session=await services.reader.session(session_id))


@router.post("/sessions/{session_id}/retry")
async def retry(session_id: str, services: TheServices) -> Response:
    """Make everything that has failed again."""
    await services.steering.retry(session_id, RetryRequest())
    return RedirectResponse(session_page(session_id), status_code=303)


@router.post("/sessions/{session_id}/cancel")
async def cancel(session_id: str, services: TheServices) -> Response:
    """Stop a session."""
    await services.steering.cancel(session_id)
    return RedirectResponse(session_page(session_id), status_code=303)
