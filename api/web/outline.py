"""The outline of a story: read, changed and approved."""

import math
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Final

from fastapi import APIRouter, Request
from sse_starlette import EventSourceResponse
from starlette.responses import RedirectResponse, Response

from api.problems import problem_of
from api.routes.events import LastEventId, version_seen
from api.services import Services, TheBackend, TheServices
from api.streams import event_stream, session_event
from api.web.outline_form import MistakenFormError, OutlineForm
from api.web.pages import BEAT_SECONDS, ThePages, beat
from api.web.paths import is_scripted, outline_page, story_page
from api.web.rendering import Pages
from api.web.story import PartNumber
from api.web.story_parts import refuse_unless_story
from api.web.typed import TypedText, asked, typed
from service.errors import (
    InvalidOutlineError,
    OutOfReachError,
    ServiceError,
    WrongStateError,
)
from service.watch import Change
from sessions.present import Seen
from sessions.scripts import Outline, SetOutline
from sessions.statuses import ItemStatus
from sessions.steering import RetakeRequest
from sessions.stories import OUTLINE, SETS_PER_OUTLINE, StoryPlan, set_number_of

router = APIRouter(prefix="/sessions/{session_id}/outline", include_in_schema=False)

_WRITTEN_ANEW: Final = (
    "The outline was written anew meanwhile. What you typed is still here and was not taken: approve once more to put "
    "it in place of the new outline, or load this page again to read that."
)


@router.get("")
async def read(session_id: str, services: TheServices, pages: ThePages, part: PartNumber = 1) -> Response:
    """Show the outline: as a form while it waits for a person, otherwise as it stands."""
    seen = await services.reader.seen(session_id)
    return pages.page("outline.html", **await _values(seen, part=part, services=services))


@router.get("/live")
async def live(
    session_id: str,
    *,
    services: TheServices,
    backend: TheBackend,
    pages: ThePages,
    last_event_id: LastEventId = None,
) -> EventSourceResponse:
    """Stream the outline while it is being written; what a person reads or fills in is left alone."""
    known = await services.reader.seen(session_id)
    refuse_unless_story(known.view)
    changes = services.watch.changes(session_id, after=version_seen(last_event_id), known=known)

    async def written(event: bytes) -> bytes:
        return event

    events = _events(changes, services=services, pages=pages)
    return event_stream(events, written=written, backend=backend, greeting=beat, ping_seconds=BEAT_SECONDS)


@router.post("")
async def decide(session_id: str, services: TheServices, pages: ThePages, request: Request) -> Response:
    """Approve the outline, with what a person has changed in it. Nothing they typed is lost if that is refused."""
    seen = await services.reader.seen(session_id)
    sent = await request.form()
    data = {name: value for name, value in sent.items() if isinstance(value, str)}
    form = OutlineForm.sent(data)
    try:
        outline = await services.stories.outline_of(seen.view)
        form = form.over(outline)
        if data.get("attempt") != str(_attempt(seen)) and seen.state.awaits_approval:
            raise WrongStateError(_WRITTEN_ANEW)
        await services.stories.decide(session_id, form.decision(outline))
    except MistakenFormError as error:
        return await _refused(seen, form.with_mistakes(error.mistakes), services=services, pages=pages, status=422)
    except InvalidOutlineError as error:
        form = form.with_mistakes(form.mistakes_of(error.problems))
        return await _refused(seen, form, services=services, pages=pages, status=422)
    except (WrongStateError, OutOfReachError) as error:
        now = await services.reader.seen(session_id)
        form = form.with_mistakes({"": str(error)})
        status = problem_of(error).status
        return await _refused(now, form, services=services, pages=pages, status=status)
    return RedirectResponse(story_page(session_id), status_code=303)


@router.post("/retake")
async def retake(session_id: str, services: TheServices, request: Request, note: TypedText = "") -> Response:
    """Have another outline written while this one waits."""
    await services.steering.retake(session_id, asked(RetakeRequest, note=typed(note)), item=OUTLINE)
    if is_scripted(request):
        return Response(status_code=204)
    return RedirectResponse(outline_page(session_id), status_code=303)


async def _refused(seen: Seen, form: OutlineForm, *, services: Services, pages: Pages, status: int) -> Response:
    values = await _values(seen, part=1, services=services)
    return pages.page("outline.html", status=status, **{**values, "form": form, "is_typed": True})


async def _values(seen: Seen, *, part: int, services: Services) -> Mapping[str, Any]:
    """Return what the template of the outline is filled in with.

    Raises:
        ArtifactNotFoundError: it is no story, or the outline is no longer stored.
        OutOfReachError: the store does not answer.
    """
    refuse_unless_story(seen.view)
    outline = None
    if not _is_being_written(seen):
        outline = await services.stories.outline_of(seen.view)
    sets: Sequence[SetOutline] = outline.sets if outline else ()
    parts = max(1, math.ceil(len(sets) / SETS_PER_OUTLINE))
    part = min(part, parts)
    can_decide = outline is not None and seen.state.awaits_approval
    return {
        "session": seen.view,
        "item": next(item for item in seen.view.items if item.key == OUTLINE),
        "outline": outline,
        "sets": sets[(part - 1) * SETS_PER_OUTLINE : part * SETS_PER_OUTLINE],
        "part": part,
        "parts": parts,
        "can_decide": can_decide,
        # The rest of a long story is read on pages of its own.
        "form": OutlineForm.of(outline) if outline and can_decide and part == 1 else None,
        "is_typed": False,
        "attempt": _attempt(seen),
        "plan": _plan(outline) if outline else None,
    }


def _is_being_written(seen: Seen) -> bool:
    """Whether the outline, or a part of it, is not there yet or is being written anew."""
    outlines = [item for item in seen.view.items if set_number_of(item.key) is None]
    return any(item.status is not ItemStatus.COMPLETE or item.artifact is None for item in outlines)


def _attempt(seen: Seen) -> int | None:
    """Return the number of the version that counts."""
    return next(item.selected_attempt for item in seen.view.items if item.key == OUTLINE)


def _plan(outline: Outline) -> StoryPlan:
    info = outline.generation_info
    return StoryPlan(total_segments=info.total_segments, segments_per_set=info.segments_per_set)


async def _events(
    changes: AsyncGenerator[Change, None], *, services: Services, pages: Pages
) -> AsyncGenerator[bytes, None]:
    """Yield an event at every change. Ends early when the outline cannot be read now: the viewer then asks again."""
    async with aclosing(changes):
        async for change in changes:
            try:
                values = await _values(change.seen, part=1, services=services)
            except ServiceError:
                return
            html = pages.rendered("outline_body.html", **values)
            yield session_event(html, of=change.view)
            if values["outline"] is not None:
                return
