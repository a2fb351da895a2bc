"""Small copies of pictures: a list shows a hundred at once."""

from typing import Annotated, Final

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from api.services import TheServices
from sessions.identifiers import artifact_key

router = APIRouter(include_in_schema=False)

_HEADERS: Final = {"Cache-Control": "private, max-age=31536000, immutable"}


@router.get("/sessions/{session_id}/items/{key}/thumbnail")
async def thumbnail(
    session_id: str,
    key: Annotated[str, Path(max_length=200)],
    services: TheServices,
    attempt: Annotated[int, Query(ge=1, le=1_000_000)],
) -> Response:
    """Return a small copy of the picture that an attempt made."""
    artifact = await services.reader.artifact(session_id, item=key, attempt=attempt)
    stored_at = artifact_key(session_id, item=key, attempt=artifact.attempt)
    small = await services.thumbnails.thumbnail(stored_at, artifact=artifact)
    return Response(small, media_type="image/webp", headers=_HEADERS)
