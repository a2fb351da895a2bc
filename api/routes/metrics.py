"""Figures for Prometheus."""

import asyncio
import logging
from datetime import timedelta
from typing import Final

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import Response

from api.metrics import Totals
from api.services import Backend, TheBackend
from sessions.records import RecordsOutOfReachError

router = APIRouter(tags=["health"])

_PATIENCE: Final = timedelta(seconds=2)

_logger = logging.getLogger("retakes.metrics")


@router.get("/metrics", include_in_schema=False)
async def metrics(backend: TheBackend) -> Response:
    """Return the figures, without those of the records while they do not answer."""
    return Response(backend.metrics.exposition(await _totals(backend)), media_type=CONTENT_TYPE_LATEST)


async def _totals(backend: Backend) -> Totals | None:
    if backend.services is None:
        return None
    counts = backend.services.counts
    try:
        async with asyncio.timeout(_PATIENCE.total_seconds()):
            return Totals(sessions=await counts.session_counts(), attempts=await counts.attempt_counts())
    except (RecordsOutOfReachError, TimeoutError):
        _logger.info("the records did not answer a scrape")
        return None
