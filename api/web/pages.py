"""The list of sessions: newest first, live, by status, kind and title."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.responses import Response

from api.services import Services, TheBackend, TheServices
from api.streams import event_stream
from api.web.paths import HOME, LIVE
from api.web.rendering import Pages, iso_now, pages_of
from service.errors import OutOfReachError
from sessions.overviews import OverviewPage
from sessions.statuses import SessionKind, SessionStatus

router = APIRouter(include_in_schema=False)

BEAT_SECONDS: Final = 5
_SESSIONS_PER_PAGE: Final = 20

ThePages = Annotated[Pages, Depends(pages_of)]


@dataclass(frozen=True, kw_only=True)
class Listed:
    """Which sessions somebody asks for. ``query`` is a part of the title, ``cursor`` where the page before ended."""

    kind: SessionKind | None = None
    status: SessionStatus | None = None
    query: str = ""
    cursor: str | None = None

    @property
    def is_narrowed(self) -> bool:
        """Whether sessions may be missing that there are."""
        return bool(self.kind or self.status or self.query)

    def address(self, *, path: str = HOME, **changes: Any) -> str:
        """Return where these are listed, with some of what is asked for changed."""
        asked = {"kind": self.kind, "status": self.status, "q": self.query, "cursor": self.cursor, **changes}
        given = urlencode({name: value for name, value in asked.items() if value})
        return f"{path}?{given}" if given else path


def listed_of(
    kind: Annotated[str, Query(max_length=20)] = "",
    status: Annotated[str, Query(max_length=20)] = "",
    q: Annotated[str, Query(max_length=200)] = "",
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> Listed:
    """Return which sessions somebody asks for. The form sends what was not chosen as an empty text."""
    return Listed(
        kind=SessionKind(kind) if kind in list(SessionKind) else None,
        status=SessionStatus(status) if status in list(SessionStatus) else None,
        query=" ".join(q.split()),
        cursor=cursor or None,
    )


TheListed = Annotated[Listed, Depends(listed_of)]


@router.get(HOME)
async def sessions(services: TheServices, pages: ThePages, listed: TheListed) -> Response:
    """Show sessions, newest first."""
    shown = await _page(services, listed=listed)
    return pages.page("sessions.html", **_values(listed, shown=shown))


@router.get(LIVE)
async def live(
    services: TheServices, backend: TheBackend, pages: ThePages, listed: TheListed, request: Request
) -> EventSourceResponse:
    """Stream the list: the whole page of it, at once and whenever anything on it may have changed."""
    marker = request.headers.get("last-event-id")
    changes = services.overviews.changes(after=marker)

    async def written(change: tuple[str, OverviewPage]) -> bytes:
        marker, shown = change
        html = pages.rendered("list.html", **_values(listed, shown=shown))
        return ServerSentEvent(html, id=marker).encode()

    return event_stream(
        _read(changes, services=services, listed=listed),
        written=written,
        backend=backend,
        greeting=beat,
        ping_seconds=BEAT_SECONDS,
    )


def beat() -> ServerSentEvent:
    """Return a sign of life that the page's script can hear, which tells what time it is here."""
    return ServerSentEvent(iso_now(), event="beat")


async def _read(
    changes: AsyncGenerator[str, None], *, services: Services, listed: Listed
) -> AsyncGenerator[tuple[str, OverviewPage], None]:
    """Yield the page whenever it has become another. Most of what changes is on no page that anybody looks at."""
    shown: OverviewPage | None = None
    async with aclosing(changes):
        async for marker in changes:
            try:
                page = await _page(services, listed=listed)
            except OutOfReachError:
                continue  # whatever comes next changes the marker again
            if page != shown:
                shown = page
                yield marker, page


async def _page(services: Services, *, listed: Listed) -> OverviewPage:
    return await services.overviews.page(
        kind=listed.kind,
        status=listed.status,
        query=listed.query or None,
        limit=_SESSIONS_PER_PAGE,
        cursor=listed.cursor,
    )


def _values(listed: Listed, *, shown: OverviewPage) -> dict[str, Any]:
    return {"listed": listed, "shown": shown, "kinds": list(SessionKind), "statuses": list(SessionStatus)}
