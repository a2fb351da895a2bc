"""Callbacks: what became of those of a session, and a call to try an address out."""

from fastapi import APIRouter

from api.openapi import problems
from api.services import TheServices
from sessions.callbacks import CallbackUrl
from sessions.deliveries import DeliveryList, TriedCallback
from sessions.model import RequestModel

router = APIRouter(prefix="/api", tags=["callbacks"])


class CallbackTrial(RequestModel):
    """Which address to call; without one, the installation's."""

    url: CallbackUrl | None = None


@router.get("/sessions/{session_id}/deliveries", responses=problems(404), summary="Read the log of callbacks")
async def list_deliveries(session_id: str, services: TheServices) -> DeliveryList:
    """Return every attempt to tell of a session, oldest first."""
    return await services.callbacks.deliveries(session_id)


@router.post("/callbacks/test", responses=problems(413, 415), summary="Call an address to try it out")
async def try_out(services: TheServices, trial: CallbackTrial | None = None) -> TriedCallback:
    """Send one signed callback of the type `test`, and return what came of it. It is not tried again."""
    return await services.callbacks.try_out(trial.url if trial else None)
