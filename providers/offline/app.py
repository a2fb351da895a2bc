"""The application: the endpoints of the API, and the plan and the log beside them."""

import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict
from starlette.responses import Response
from starlette.routing import Route

from providers.offline.calls import Call, CallLog
from providers.offline.errors import ApiError, ErrorBody
from providers.offline.exchange import Endpoint, Gateway, Provider
from providers.offline.faults import Plan
from providers.offline.images import EDITS, GENERATIONS
from providers.offline.models import ModelsEndpoint, NoEndpoint
from providers.offline.texts.answers import ResponsesAnswer
from providers.offline.texts.background import KeptResponses
from providers.offline.texts.endpoints import ChatEndpoint, ResponsesEndpoint

_ENDPOINTS: Mapping[tuple[str, str], Endpoint] = {
    ("GET", "/v1/models"): ModelsEndpoint(),
    ("POST", "/v1/images/generations"): GENERATIONS,
    ("POST", "/v1/images/edits"): EDITS,
    ("POST", "/v1/chat/completions"): ChatEndpoint(),
}


class CallList(BaseModel):
    """Calls in the order of arrival."""

    model_config = ConfigDict(frozen=True)

    calls: tuple[Call, ...]


def create_app(*, plan: Plan | None = None, latency: timedelta = timedelta(0), log_path: Path | None = None) -> FastAPI:
    """Return the offline provider as an ASGI application. It needs the server of ``serve`` to drop connections.

    Args:
        plan: what goes wrong; nothing by default.
        latency: how long every answer takes at least.
        log_path: the file the log of calls is kept in; in memory alone by default.
    """
    provider = Provider(plan=plan or Plan(), latency=latency, calls=CallLog(log_path))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        provider.close()

    app = FastAPI(title="Offline provider", lifespan=lifespan, openapi_url=None)
    app.state.provider = provider
    kept = KeptResponses(latency=latency)
    endpoints = {**_ENDPOINTS, ("POST", "/v1/responses"): ResponsesEndpoint(kept)}
    for (method, path), endpoint in endpoints.items():
        app.router.routes.append(Route(path, Gateway(endpoint, provider), methods=[method]))
    _add_looks(app, kept)
    _add_controls(app, provider)
    app.router.routes.append(Route("/{path:path}", Gateway(NoEndpoint(), provider)))
    return app


def _add_looks(app: FastAPI, kept: KeptResponses) -> None:
    """Let responses in the background be looked at. No call of these is in the log, and none has a fault: a response
    is one call, however often it is looked at.
    """

    def told(look: Callable[[str], ResponsesAnswer], response_id: str) -> Response:
        headers = {"x-request-id": f"req_{uuid.uuid4().hex}"}
        try:
            body, status = look(response_id).to_json(), 200
        except ApiError as error:
            body, status = ErrorBody(error=error.detail).to_json(), error.status
        return Response(body, status_code=status, headers=headers, media_type="application/json")

    @app.get("/v1/responses/{response_id}")
    async def look(response_id: str) -> Response:
        return told(kept.look, response_id)

    @app.post("/v1/responses/{response_id}/cancel")
    async def cancel(response_id: str) -> Response:
        return told(kept.cancel, response_id)


def _add_controls(app: FastAPI, provider: Provider) -> None:
    @app.get("/faults")
    async def read_faults() -> Plan:
        return provider.planner.plan

    @app.put("/faults")
    async def replace_faults(plan: Plan) -> Plan:
        provider.use(plan)
        return plan

    @app.get("/log")
    async def read_log(since: int = 0) -> CallList:
        return CallList(calls=provider.calls.since(since))

    @app.delete("/log", status_code=204)
    async def clear_log() -> None:
        provider.calls.clear()
