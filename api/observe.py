"""What is noted of every request, and what every answer carries. The outermost layer: nothing gets past it."""

import logging
import re
import secrets
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from sse_starlette.sse import SendTimeoutError
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.metrics import Metrics
from api.problems import Answer, problem
from api.web.paths import STATIC

REQUEST_ID: Final = "X-Request-ID"

_GIVEN_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_UNMATCHED: Final = "unmatched"
# Asked for every few seconds by machines, as are sessions that are read: at the ordinary level they would bury
# what was changed and what went wrong.
_QUIET_ROUTES: Final = ("/health/live", "/health/ready", "/metrics", STATIC)
_HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}

_logger = logging.getLogger("retakes.api")


class Observed:
    """Middleware: gives each request an id, times and logs it, and answers what nothing else has caught."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics, answer: Answer) -> None:
        self._app = app
        self._metrics = metrics
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        await _Observation(scope, send, metrics=self._metrics, answer=self._answer).serve(self._app, receive)


class _Observation:
    """One request."""

    def __init__(self, scope: Scope, send: Send, *, metrics: Metrics, answer: Answer) -> None:
        self._scope = scope
        self._send = send
        self._metrics = metrics
        self._answer = answer
        self._began = time.perf_counter()
        self._status: int | None = None
        given = Headers(scope=scope).get(REQUEST_ID, "")
        self._id = given if _GIVEN_ID.fullmatch(given) else secrets.token_hex(8)

    async def serve(self, app: ASGIApp, receive: Receive) -> None:
        try:
            await app(self._scope, receive, self._noted)
        except SendTimeoutError:
            _logger.info("a viewer stopped reading", extra=self._facts())
        except Exception:
            _logger.exception("a request broke", extra=self._facts())
            if self._status is not None:
                raise
            answer = self._answer(Request(self._scope), problem(500), {})
            await answer(self._scope, receive, self._noted)
        finally:
            _logger.log(logging.DEBUG if self._is_quiet else logging.INFO, "request", extra=self._facts())

    async def _noted(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self._metrics.answered(
                method=self._scope["method"], route=self._route, status=message["status"], after=self._elapsed
            )
            headers = MutableHeaders(scope=message)
            headers[REQUEST_ID] = self._id
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
        await self._send(message)

    @property
    def _is_quiet(self) -> bool:
        has_only_read = self._scope["method"] in ("GET", "HEAD") and (self._status or 500) < 400
        return has_only_read or self._route in _QUIET_ROUTES

    @property
    def _route(self) -> str:
        if (route := self._scope.get("route")) is not None:
            return str(route.path)
        return STATIC if self._scope["path"].startswith(f"{STATIC}/") else _UNMATCHED

    @property
    def _elapsed(self) -> timedelta:
        return timedelta(seconds=time.perf_counter() - self._began)

    def _facts(self) -> dict[str, object]:
        return {
            "method": self._scope["method"],
            "route": self._route,
            "status": self._status,
            "duration_ms": round(self._elapsed.total_seconds() * 1000, 1),
            "request_id": self._id,
        }
