"""What items became: the bytes of one attempt."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from starlette.responses import StreamingResponse

from api.files import file_name
from api.openapi import problems
from api.routes.sessions import IdempotencyKey
from api.services import Services, TheServices
from sessions.identifiers import artifact_key
from sessions.steering import RetakeRequest, SelectionRequest
from sessions.view import SessionView, VersionList

router = APIRouter(prefix="/api/sessions", tags=["sessions"])

ItemKey = Annotated[str, Path(max_length=64)]
Attempt = Annotated[
    int | None, Query(ge=1, le=1_000_000, description="Which attempt's; without it, of the attempt that counts.")
]


@router.get(
    "/{session_id}/items/{key}/content",
    response_class=Response,
    responses={
        200: {
            "description": "The bytes, with their SHA-256 as ETag: a picture, or a document of a story.",
            "content": {"image/*": {}, "application/json": {"schema": {"type": "object"}}},
        },
        304: {"description": "The client has them already."},
        **problems(404),
    },
    summary="Download an item",
)
async def read_content(
    session_id: str, key: ItemKey, services: TheServices, request: Request, attempt: Attempt = None
) -> Response:
    """Return what an attempt made, or the attempt that counts."""
    return await _content(session_id, key=key, attempt=attempt, services=services, request=request)


@router.post(
    "/{session_id}/items/{key}/retake",
    status_code=202,
    responses=problems(404, 409, 413, 415),
    summary="Make another version of an item",
)
async def retake(
    session_id: str,
    key: ItemKey,
    services: TheServices,
    request: RetakeRequest | None = None,
    idempotency_key: IdempotencyKey = None,
) -> SessionView:
    """Make a finished item again. Earlier versions stay; the new one counts unless somebody has chosen another."""
    return await services.steering.retake(
        session_id, request or RetakeRequest(), item=key, idempotency_key=idempotency_key
    )


@router.put(
    "/{session_id}/items/{key}/selected",
    status_code=202,
    responses=problems(404, 409, 413, 415),
    summary="Choose a version of an item",
)
async def select(session_id: str, key: ItemKey, request: SelectionRequest, services: TheServices) -> SessionView:
    """Choose which version counts in archives, exports and results."""
    view = await services.steering.select(session_id, request, item=key)
    await services.stories.refile(view, key=key)
    return view


@router.get("/{session_id}/items/{key}/versions", responses=problems(404), summary="List the versions of an item")
async def list_versions(session_id: str, key: ItemKey, services: TheServices) -> VersionList:
    """Return everything that was made of an item, oldest first, each with the prompt it was made from."""
    return VersionList(versions=tuple(await services.versions.versions(session_id, item=key)))


@router.head("/{session_id}/items/{key}/content", include_in_schema=False)
async def read_content_headers(
    session_id: str, key: ItemKey, services: TheServices, request: Request, attempt: Attempt = None
) -> Response:
    """Return the headers that come with the bytes."""
    return await _content(session_id, key=key, attempt=attempt, services=services, request=request)


async def _content(session_id: str, *, key: str, attempt: int | None, services: Services, request: Request) -> Response:
    artifact = await services.reader.artifact(session_id, item=key, attempt=attempt)
    etag = f'"{artifact.sha256}"'
    headers = {
        "ETag": etag,
        # An attempt's bytes never change; which attempt counts may.
        "Cache-Control": "private, max-age=31536000, immutable" if attempt else "private, no-cache",
    }
    if _is_known(etag, request.headers.get("if-none-match", "")):
        return Response(status_code=304, headers=headers)
    headers |= {
        "Content-Length": str(artifact.bytes),
        "Content-Disposition": f'inline; filename="{file_name(key, media_type=artifact.media_type)}"',
    }
    if request.method == "HEAD":
        return Response(headers=headers, media_type=artifact.media_type)
    stored_at = artifact_key(session_id, item=key, attempt=artifact.attempt)
    chunks = await services.artifacts.open(stored_at, artifact=artifact)
    return StreamingResponse(chunks, headers=headers, media_type=artifact.media_type)


def _is_known(etag: str, if_none_match: str) -> bool:
    known = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return etag in known or known == ["*"]
