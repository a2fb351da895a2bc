"""Everything that a session made, in one file."""

from fastapi import APIRouter
from starlette.responses import Response, StreamingResponse

from api.archive import archive_of, manifest_of
from api.files import archive_disposition
from api.openapi import problems
from api.services import TheServices
from service.errors import WrongStateError

router = APIRouter(prefix="/api/sessions", tags=["sessions"])


@router.get(
    "/{session_id}/archive",
    response_class=Response,
    responses={
        200: {
            "description": "A ZIP file: the complete images under marketplace names, or the story's files, and "
            "`manifest.json`.",
            "content": {"application/zip": {}},
        },
        **problems(404, 409),
    },
    summary="Download a session",
)
async def read_archive(session_id: str, services: TheServices) -> Response:
    """Return everything that is complete as a ZIP file."""
    session = await services.reader.session(session_id)
    metadata = await services.stories.metadata(session)
    manifest = manifest_of(session, attempts=await services.reader.attempts(session_id), metadata=metadata)
    if not manifest.files:
        raise WrongStateError(
            f"Nothing is complete in this session yet (it is {session.status}), so there is nothing to download."
        )
    return StreamingResponse(
        archive_of(manifest, artifacts=services.artifacts, metadata=metadata),
        media_type="application/zip",
        headers={"Content-Disposition": archive_disposition(session), "Cache-Control": "private, no-store"},
    )
