"""Stories: start one, decide on its outline, read and export it."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Path, Response
from starlette.responses import StreamingResponse

from api.files import export_disposition
from api.openapi import problems
from api.routes.sessions import IdempotencyKey
from api.services import TheBackend, TheServices
from screenplays.formats import FORMATS, Format
from screenplays.pdf import TypesettingError
from service.errors import OutOfReachError
from sessions.exports import ExportFormat
from sessions.outlines import OutlineDecision
from sessions.scripts import Outline, Story
from sessions.stories import StorySessionRequest
from sessions.view import SessionView

router = APIRouter(prefix="/api/sessions", tags=["stories"])


@router.post("/stories", status_code=202, responses=problems(409, 413, 415), summary="Start a story session")
async def start_story(
    request: StorySessionRequest, services: TheServices, response: Response, idempotency_key: IdempotencyKey = None
) -> SessionView:
    """Start a story session. Only the idea is required; without a number of segments it says how long the story is."""
    view = await services.starter.start_story(request, idempotency_key=idempotency_key)
    response.headers["Location"] = view.links.self
    return view


@router.get("/{session_id}/outline", responses=problems(404, 409), summary="Read the outline of a story")
async def read_outline(session_id: str, services: TheServices) -> Outline:
    """Return the outline with the beats of every set, in the form in which it can be sent back changed."""
    return await services.stories.outline(session_id)


@router.put(
    "/{session_id}/outline",
    status_code=202,
    responses=problems(404, 409, 413, 415),
    summary="Approve or replace the outline of a story",
)
async def decide_on_outline(session_id: str, decision: OutlineDecision, services: TheServices) -> SessionView:
    """Let the sets be written, by the outline as it is or by the one that is sent, while the session waits for it."""
    return await services.stories.decide(session_id, decision)


@router.get(
    "/{session_id}/story",
    response_class=Response,
    responses={
        200: {
            "description": "What is the same everywhere, and under `sets` those that are ready, in order.",
            "content": {"application/json": {"schema": {"type": "object"}}},
        },
        **problems(404, 409),
    },
    summary="Read a story",
)
async def read_story(session_id: str, services: TheServices) -> Response:
    """Return the story put together."""
    return StreamingResponse(await services.stories.assembled(session_id), media_type="application/json")


@router.get(
    "/{session_id}/export/{export_format}",
    response_class=Response,
    responses={
        200: {
            "description": "The story as a file.",
            "content": {known.media_type: {} for known in FORMATS.values()},
        },
        **problems(404, 409),
    },
    summary="Export a story",
)
async def export_story(
    session_id: str,
    export_format: Annotated[ExportFormat, Path(description="Markdown, Fountain, Final Draft, PDF or a shot list.")],
    services: TheServices,
    backend: TheBackend,
) -> Response:
    """Return the story as a file; sets that are not ready are marked in it."""
    story = await services.stories.story(session_id)
    known = FORMATS[export_format.value]
    async with backend.laying_out:
        # A long story takes seconds to lay out, and other requests must not wait for it.
        data = await asyncio.to_thread(_laid_out, known, story)
    return Response(
        data,
        media_type=known.media_type,
        headers={
            "Content-Disposition": export_disposition(story.title, extension=known.extension, fallback=session_id),
            "Cache-Control": "private, no-store",
        },
    )


def _laid_out(known: Format, story: Story) -> bytes:
    """Return the file. Synchronous and slow, for a thread."""
    try:
        return b"".join(known.write(story))
    except TypesettingError as error:
        raise OutOfReachError(f"{error} Try again, or take another format.") from error
