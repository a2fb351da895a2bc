"""The two calls of a whole story: from an idea to a result, and from a result to one with fewer failed sets."""

import asyncio
from collections.abc import Coroutine, Mapping
from datetime import timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, HTTPException, Request
from pydantic import WithJsonSchema
from sse_starlette.sse import AppStatus
from starlette.responses import Response, StreamingResponse

from api.openapi import problems
from api.prefer import Preferences, preferences_in
from api.routes.sessions import IdempotencyKey
from api.sent_results import SentResult, sent_result_in
from api.services import Services, TheServices
from service.errors import ServiceError
from service.generation import Generation
from sessions.links import session_path
from sessions.story_result_requests import DEFAULT_RETRIES, MOST_RETRIES, GenerateMovieRequest
from sessions.story_results import StoryResult
from sessions.view import SessionView

router = APIRouter(tags=["stories"])

GENERATE_PATH: Final = "/generate-movie-auto"
RETRY_PATH: Final = "/retry-failed-story-sets"
MOST_RESULT_BYTES: Final = 32 * 2**20

_JSON: Final = "application/json"
_LOOK_AROUND: Final = timedelta(milliseconds=500)

Prefer = Annotated[
    list[str] | None,
    # Described as what goes over the wire: any text, of which what is not known is left aside.
    WithJsonSchema({"type": "string"}),
    Header(
        alias="Prefer",
        description="`respond-async`: do not wait for the round. `wait=N`: wait N seconds at most (RFC 7240).",
    ),
]

_ANSWERS: Final[Mapping[int | str, dict[str, Any]]] = {
    200: {"model": StoryResult, "description": "The round has settled; `success` says whether every set is there."},
    202: {"model": SessionView, "description": "The round goes on. `Location` is the session, for as long as it does."},
}
_RETRY_BODY: Final = {
    "required": True,
    "content": {
        _JSON: {
            "schema": {
                "type": "object",
                "title": "RetryFailedStorySetsRequest",
                "additionalProperties": False,
                "required": ["previous_result"],
                "properties": {
                    "previous_result": {"$ref": "#/components/schemas/StoryResult"},
                    "max_retries": {
                        "type": "integer",
                        "minimum": 1,
                        "maximum": MOST_RETRIES,
                        "default": DEFAULT_RETRIES,
                        "description": "How many attempts each failed set has.",
                    },
                },
            }
        }
    },
}


@router.post(
    f"/api{GENERATE_PATH}",
    response_model=None,
    responses={**_ANSWERS, **problems(409, 413, 415)},
    summary="Make a whole story",
)
@router.post(
    GENERATE_PATH, response_model=None, responses={**_ANSWERS, **problems(409, 413, 415)}, summary="Make a whole story"
)
async def generate_movie(
    body: GenerateMovieRequest,
    request: Request,
    services: TheServices,
    idempotency_key: IdempotencyKey = None,
    prefer: Prefer = None,
) -> Response:
    """Make a story of an idea, and answer when its first round has settled. A client that leaves loses nothing."""
    generation = await services.generation.begin(body, idempotency_key=idempotency_key)
    return await _answer(generation, request=request, services=services, preferences=preferences_in(prefer or ()))


@router.post(
    f"/api{RETRY_PATH}",
    response_model=None,
    responses={**_ANSWERS, **problems(409, 413, 415)},
    openapi_extra={"requestBody": _RETRY_BODY},
    summary="Make the failed sets of a story again",
)
@router.post(
    RETRY_PATH,
    response_model=None,
    responses={**_ANSWERS, **problems(409, 413, 415)},
    openapi_extra={"requestBody": _RETRY_BODY},
    summary="Make the failed sets of a story again",
)
async def retry_failed_sets(
    request: Request, services: TheServices, idempotency_key: IdempotencyKey = None, prefer: Prefer = None
) -> Response:
    """Make only the failed sets of an earlier result again; the result is all that it needs."""
    sent = await _sent(request, services=services)
    if not sent.previous.failed_numbers:
        return Response(sent.text, media_type=_JSON)
    generation = await services.generation.retry(
        sent.previous, max_attempts=sent.max_retries, idempotency_key=idempotency_key
    )
    del sent  # many megabytes, which would be held for as long as the round takes
    return await _answer(generation, request=request, services=services, preferences=preferences_in(prefer or ()))


@router.get(
    "/api/sessions/{session_id}/result",
    response_model=None,
    responses={200: {"model": StoryResult, "description": "How the story came out."}, **problems(404, 409)},
    summary="Read how a story came out",
)
async def read_result(session_id: str, services: TheServices) -> Response:
    """Return the result of a story that has settled: what the two calls answer with."""
    return StreamingResponse(await services.generation.result_of(session_id), media_type=_JSON)


async def _answer(
    generation: Generation, *, request: Request, services: Services, preferences: Preferences
) -> Response:
    """Wait for a round as long as the client wants to, and return how it came out, or how it stands."""
    headers = {"Location": session_path(generation.view.id)}
    if preferences.applied:
        headers["Preference-Applied"] = preferences.applied
    settled = await _awaited(services.generation.settled(generation), request=request, preferences=preferences)
    if settled is None:
        view = await _as_it_stands(generation.view, services=services)
        return Response(view.model_dump_json(), status_code=202, headers=headers, media_type=_JSON)
    return StreamingResponse(await services.generation.result(settled), headers=headers, media_type=_JSON)


async def _as_it_stands(known: SessionView, *, services: Services) -> SessionView:
    try:
        return await services.reader.session(known.id)
    except ServiceError:
        return known  # the round goes on, whoever can tell of it or not


async def _awaited(
    settling: Coroutine[Any, Any, Generation], *, request: Request, preferences: Preferences
) -> Generation | None:
    """Return what is waited for; None when the client's patience is over, it has gone, or this server ends."""
    if preferences.applied == "respond-async":
        settling.close()
        return None
    loop = asyncio.get_running_loop()
    deadline = None if preferences.patience is None else loop.time() + preferences.patience.total_seconds()
    waiting = asyncio.create_task(settling)
    leaving = asyncio.create_task(_left(request))
    try:
        # The server waits for its answers before anything else is told that it ends, so its flag is looked at.
        while not waiting.done() and not leaving.done() and not AppStatus.should_exit:
            left = _LOOK_AROUND.total_seconds()
            if deadline is not None and (left := min(left, deadline - loop.time())) <= 0:
                break
            await asyncio.wait({waiting, leaving}, timeout=left, return_when=asyncio.FIRST_COMPLETED)
        return waiting.result() if waiting.done() else None
    finally:
        waiting.cancel()
        leaving.cancel()
        await asyncio.gather(waiting, leaving, return_exceptions=True)


async def _left(request: Request) -> None:
    """Return when the client has closed its connection."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _sent(request: Request, *, services: Services) -> SentResult:
    if not _is_json(request.headers.get("content-type", "")):
        raise HTTPException(415)
    # Not by request.body(), which keeps what it has read for as long as the request lasts.
    body = b"".join([chunk async for chunk in request.stream()])
    async with services.generation.checking:
        return await asyncio.to_thread(sent_result_in, body)


def _is_json(content_type: str) -> bool:
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type == _JSON or (media_type.startswith("application/") and media_type.endswith("+json"))
