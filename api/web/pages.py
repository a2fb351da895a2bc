"""The list of sessions."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from api.services import TheServices
from api.web.paths import HOME
from api.web.rendering import Pages, pages_of

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
