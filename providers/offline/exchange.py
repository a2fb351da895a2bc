"""What every endpoint has in common: the log, the faults, the latency. An endpoint only reads and answers."""

import asyncio
import os
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Protocol

from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send

from providers.offline.calls import Asked, CallLog
from providers.offline.connection import Connection, Reply
from providers.offline.decisions import FaultPlanner
from providers.offline.errors import ApiError, ErrorBody, planned_error
from providers.offline.faults import (
    BrokenBody,
    Disconnect,
    Drip,
    Fault,
    Hang,
    InvalidJson,
    Plan,
    Slow,
    Truncated,
)

_DRIP_PAUSE = timedelta(milliseconds=50)
_NO_JSON = b'{"created": 1, "data": [{"b64_json": oops'


class Job(Protocol):
    """A call that has been read."""

    @property
    def asked(self) -> Asked:
        """What the log keeps of it, and whose prompt the plan is asked about."""
        ...

    @property
    def is_background(self) -> bool:
        """Whether it is answered before it is done, so that what makes answers late makes the work late."""
        ...

    def answer(self, fault: Fault | None) -> bytes:
        """Do the work, in a thread, and return the JSON of the answer.

        The fault is for those kinds that only the endpoint can make (an empty picture, a refusal).

        Raises:
            ApiError: the request is wrong, or the fault is an error.
        """
        ...


class Endpoint(Protocol):
    """One path of the API."""

    async def read(self, request: Request) -> Job:
        """Read a request; what can be judged later is judged in ``Job.answer``.

        Raises:
            ApiError: the body cannot be read at all.
        """
        ...


class Provider:
    """What all endpoints share."""

    def __init__(self, *, plan: Plan, latency: timedelta, calls: CallLog) -> None:
        self.planner = FaultPlanner(plan)
        self.latency = latency
        self.calls = calls
        self.open_connections: set[Connection] = set()
        self._workers = ThreadPoolExecutor(max_workers=os.cpu_count(), thread_name_prefix="offline")

    def use(self, plan: Plan) -> None:
        """Follow another plan from the next call on, its counts at nought."""
        self.planner = FaultPlanner(plan)

    async def in_thread(self, work: Callable[[], bytes]) -> bytes:
        """Do work off the event loop, no more at a time than there are processors."""
        return await asyncio.get_running_loop().run_in_executor(self._workers, work)

    def hang_up(self) -> None:
        """Drop every open connection, so that calls that hang end too."""
        for connection in tuple(self.open_connections):
            connection.hang_up()

    def close(self) -> None:
        """Give up work that has not begun, and close the log."""
        self._workers.shutdown(wait=False, cancel_futures=True)
        self.calls.close()


@dataclass(frozen=True)
class Gateway:
    """The ASGI application of one endpoint."""

    endpoint: Endpoint
    provider: Provider

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read a call, enter it in the log, and let it meet its fate."""
        request = Request(scope, receive)
        try:
            job = await self.endpoint.read(request)
        except ApiError as error:
            job = _Unreadable(error)
        except ClientDisconnect:
            return
        prompt = job.asked.prompt
        fault = None if prompt is None else self.provider.planner.next_fault(prompt)
        call = self.provider.calls.received(
            job.asked,
            method=request.method,
            path=request.url.path,
            request_id=f"req_{uuid.uuid4().hex}",
            fault=None if fault is None else fault.kind,
            has_key="authorization" in request.headers,
        )
        connection = Connection(scope, receive, send)
        self.provider.open_connections.add(connection)
        try:
            async with connection:
                await self._serve(connection, job, fault, call.request_id)
        finally:
            self.provider.open_connections.discard(connection)
            self.provider.calls.ended(call.n, status=connection.status, answered=connection.is_answered)

    async def _serve(self, connection: Connection, job: Job, fault: Fault | None, request_id: str) -> None:
        latency = self.provider.latency
        started = time.monotonic()
        if isinstance(fault, Disconnect) or (isinstance(fault, Hang) and not job.is_background):
            await connection.stays(fault.duration if isinstance(fault, Hang) else latency)
            await connection.drop()
            return
        reply = await self._reply(job, fault, request_id)
        lateness = latency + (fault.duration if isinstance(fault, Slow) else timedelta(0))
        if job.is_background:
            lateness = timedelta(0)
        if await connection.stays(lateness - timedelta(seconds=time.monotonic() - started)):
            await _deliver(connection, reply, fault)

    async def _reply(self, job: Job, fault: Fault | None, request_id: str) -> Reply:
        headers = {"x-request-id": request_id}
        try:
            if (error := planned_error(fault)) is not None:
                raise error
            body = await self.provider.in_thread(lambda: job.answer(fault))
        except ApiError as error:
            return Reply(error.status, ErrorBody(error=error.detail).to_json(), {**headers, **error.headers})
        return Reply(200, body, headers)


@dataclass(frozen=True)
class _Unreadable:
    """A call of which nothing is known but that it is wrong."""

    error: ApiError
    asked: Asked = field(default_factory=Asked)
    is_background: bool = False

    def answer(self, fault: Fault | None) -> bytes:
        raise self.error


async def _deliver(connection: Connection, reply: Reply, fault: Fault | None) -> None:
    match fault:
        case BrokenBody():
            await connection.break_off(reply)
        case Truncated():
            await connection.reply(replace(reply, body=reply.body[: len(reply.body) // 2]))
        case InvalidJson():
            await connection.reply(replace(reply, body=_NO_JSON))
        case Drip():
            pieces = max(2, round(fault.duration / _DRIP_PAUSE))
            await connection.drip(reply, pieces=pieces, pause=fault.duration / (pieces - 1))
        case _:
            await connection.reply(reply)
