"""Rates: how fast things may be started, shown and changed while the product runs."""

from fastapi import APIRouter, Response

from api.openapi import problems
from api.services import TheServices
from sessions.rates import Rates, RatesChange

router = APIRouter(prefix="/api/rates", tags=["rates"])


@router.get("", responses=problems(), summary="Read the limits")
async def read_rates(services: TheServices, response: Response) -> Rates:
    """Return the limit on image starts that holds, and what waits for it."""
    response.headers["Cache-Control"] = "no-store"
    return await services.rates.rates()


@router.put("", responses=problems(413, 415), summary="Change the limits")
async def change_rates(change: RatesChange, services: TheServices) -> Rates:
    """Change the limit on image starts at once and for all workers; `null` takes the change back.

    It holds until it is taken back, over restarts too, and comes before the setting.
    """
    return await services.rates.change(change)
