"""The reader of a story: its sets as they arrive."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from sse_starlette import EventSourceResponse
from starlette.responses import RedirectResponse, Response

from api.routes.events import LastEventId, version_seen
from api.services import TheBackend, TheServices
from api.streams import event_stream
from api.web.pages import BEAT_SECONDS, ThePages, beat
from api.web.paths import story_page
from api.web.story_parts import Place, StoryParts, refuse_unless_story, rendered_story, story_values
from sessions.stories import MAX_SETS

router = APIRouter(prefix="/sessions/{session_id}/story", include_in_schema=False)

PartNumber = Annotated[int, Query(alias="part", ge=1, le=10_000)]


def story_parts_of(request: Request) -> StoryParts:
    """Return the parts of stories of the application that serves a request."""
    parts: StoryParts = request.app.state.story_parts
    return parts


TheStoryParts = Annotated[StoryParts, Depends(story_parts_of)]


@router.get("")
async def read(
    session_id: str,
    services: TheServices,
    pages: ThePages,
    part: PartNumber = 1,
    set_number: Annotated[int | None, Query(alias="set", ge=1, le=MAX_SETS)] = None,
) -> Response:
    """Show a part of a story, or lead to that of a set."""
    seen = await services.reader.seen(session_id)
    place = Place(part=part, set_number=set_number)
    values = await story_values(seen, place=place, stories=services.stories)
    if set_number is not None:
        page = story_page(session_id, part=values["part"])
        return RedirectResponse(f"{page}#set-{set_number}", status_code=303)
    return pages.page("story.html", text=rendered_story(pages, values).whole, **values)


@router.get("/live")
async def live(
    session_id: str,
    *,
    services: TheServices,
    backend: TheBackend,
    parts: TheStoryParts,
    part: PartNumber = 1,
    last_event_id: LastEventId = None,
) -> EventSourceResponse:
    """Stream a part of a story: the whole of it at once, then what changes in it."""
    known = await services.reader.seen(session_id)
    refuse_unless_story(known.view)
    changes = services.watch.changes(session_id, after=version_seen(last_event_id), known=known)
    events = parts.events(changes, part=part, stories=services.stories)

    async def written(event: bytes) -> bytes:
        return event

    return event_stream(events, written=written, backend=backend, greeting=beat, ping_seconds=BEAT_SECONDS)
