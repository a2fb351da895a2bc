"""Whether this process runs, and whether what it needs answers."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Final, Literal

from fastapi import APIRouter, Response

from api.services import Check, TheBackend
from sessions.model import Value

router = APIRouter(prefix="/health", tags=["health"])

_PATIENCE: Final = timedelta(seconds=1)
_ANSWERS: Final = "ok"
_IS_SILENT: Final = "does not answer"


class Liveness(Value):
    """This process runs."""

    status: Literal["live"] = "live"


class Readiness(Value):
    """Whether requests can be served. ``checks`` says of each thing that is needed ``ok``, or why not."""

    status: Literal["ready", "not ready"]
    checks: Mapping[str, str]


@router.get("/live", summary="Is the process alive")
async def live() -> Liveness:
    """Answer."""
    return Liveness()


@router.get(
    "/ready",
    responses={503: {"model": Readiness, "description": "Something that is needed does not answer."}},
    summary="Can requests be served",
)
async def ready(backend: TheBackend, response: Response) -> Readiness:
    """Ask everything that is needed whether it answers."""
    names = list(backend.checks)
    found = await asyncio.gather(*(_outcome(backend.checks[name]) for name in names))
    is_ready = all(outcome == _ANSWERS for outcome in found)
    response.status_code = 200 if is_ready else 503
    response.headers["Cache-Control"] = "no-store"
    return Readiness(status="ready" if is_ready else "not ready", checks=dict(zip(names, found, strict=True)))


async def _outcome(check: Check) -> str:
    try:
        async with asyncio.timeout(_PATIENCE.total_seconds()):
            await check()
    except Exception:
        # Whatever it is, and without its words: they tell addresses, and this answer is open to everybody.
        return _IS_SILENT
    return _ANSWERS
