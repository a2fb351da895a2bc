"""Looks at Temporal: the server with its namespace, what sessions are found by, and who asks it for work."""

import asyncio
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from temporalio.api.enums.v1 import IndexedValueType, TaskQueueType
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.api.taskqueue.v1 import PollerInfo, TaskQueue
from temporalio.api.workflowservice.v1 import (
    DescribeNamespaceRequest,
    DescribeTaskQueueRequest,
    GetSystemInfoRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from cli.doctor.findings import Seen
from cli.doctor.words import in_one_line, not_running
from runtime.settings import Settings, SettingsError
from runtime.temporal import SEARCH_ATTRIBUTES, connect
from sessions.wire import TASK_QUEUE, callbacks_queue, images_queue, records_queue

_CONNECT_WITHIN: Final = timedelta(seconds=4)
_ANSWER_WITHIN: Final = timedelta(seconds=2)
_HEARD_WITHIN: Final = timedelta(seconds=90)
"""A poll waits up to a minute at the server and is dated when it begins; half as much again for a slow machine."""

_WORKFLOWS: Final = TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW
_ACTIVITIES: Final = TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY
_CAUSE: Final = re.compile(r'message: "([^"]+)"|error: "([^"]+)"')
_LOGIN: Final = (RPCStatusCode.UNAUTHENTICATED, RPCStatusCode.PERMISSION_DENIED)


class TemporalLooks:
    """Three looks over one connection."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._connecting: asyncio.Task[Client] | None = None

    async def server(self) -> Seen:
        """Look whether the server answers and has the namespace."""
        place = _place(self._settings)
        try:
            client = await self._client()
        except SettingsError as error:
            return Seen.wrong(str(error), advice="Correct the settings; see docs/settings.md.")
        except (RuntimeError, TimeoutError) as error:
            return Seen.wrong(
                f"{place} does not answer ({_why(error)})",
                advice=not_running(
                    self._settings, otherwise="Check TEMPORAL_ADDRESS, the TEMPORAL_TLS_… settings and the server."
                ),
            )
        try:
            system = await client.workflow_service.get_system_info(GetSystemInfoRequest(), timeout=_ANSWER_WITHIN)
            await client.workflow_service.describe_namespace(
                DescribeNamespaceRequest(namespace=client.namespace), timeout=_ANSWER_WITHIN
            )
        except RPCError as error:
            return self._refused(error, namespace=client.namespace, place=place)
        return Seen.ok(f"{place} answers (server {system.server_version}) and has the namespace {client.namespace}")

    async def search_attributes(self) -> Seen:
        """Look whether every search attribute is there, with its type."""
        if (client := await self._client_or_none()) is None:
            return Seen.skipped("Temporal does not answer")
        try:
            listed = await client.operator_service.list_search_attributes(
                ListSearchAttributesRequest(namespace=client.namespace), timeout=_ANSWER_WITHIN
            )
        except RPCError as error:
            if error.status in (RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.UNIMPLEMENTED):
                return Seen.warning(
                    "this server tells nobody its search attributes over this interface",
                    advice=f"Have its operator make sure of {_with_types(SEARCH_ATTRIBUTES)}.",
                )
            return Seen.skipped(f"Temporal does not tell them ({_in_words(error)})")
        return _judged({name: listed.custom_attributes.get(name) for name in SEARCH_ATTRIBUTES})

    async def worker(self) -> Seen:
        """Look whether a worker has asked for work lately, on each of its task queues."""
        if (client := await self._client_or_none()) is None:
            return Seen.skipped("Temporal does not answer")
        beside = (records_queue(TASK_QUEUE), callbacks_queue(TASK_QUEUE), images_queue(TASK_QUEUE))
        queues = [(TASK_QUEUE, _WORKFLOWS), (TASK_QUEUE, _ACTIVITIES), *((queue, _ACTIVITIES) for queue in beside)]
        try:
            workflows, activities, *others = await asyncio.gather(
                *(_heard_of(client, queue=queue, kind=kind) for queue, kind in queues)
            )
        except RPCError as error:
            return Seen.skipped(f"Temporal does not tell who asks for work ({_in_words(error)})")
        # Either kind will do: with every slot taken a busy worker rightly stops asking for activities.
        heard = {**workflows, **activities}
        if not heard:
            return Seen.wrong(
                f"nobody has asked for work on the task queue {TASK_QUEUE} for {_HEARD_WITHIN.total_seconds():g} s: "
                "sessions start and stand still",
                advice=not_running(self._settings, otherwise="Start a worker: `retakes worker`."),
            )
        count = f"{len(heard)} worker{'s' if len(heard) > 1 else ''}"
        age = max(timedelta(0), datetime.now(UTC) - max(heard.values()))
        seen = f"{count} on the task queue {TASK_QUEUE}, heard of {age.total_seconds():.0f} s ago"
        silent = [queue for queue, found in zip(beside, others, strict=True) if not found]
        if silent:
            return Seen.warning(
                f"{seen}; nobody has asked for work on {', '.join(silent)}",
                advice="Start every worker again, with one version: an older one may not know these task queues.",
            )
        return Seen.ok(seen)

    async def _client(self) -> Client:
        if self._connecting is None:
            self._connecting = asyncio.create_task(_connected(self._settings))
        return await asyncio.shield(self._connecting)

    async def _client_or_none(self) -> Client | None:
        try:
            return await self._client()
        except (SettingsError, RuntimeError, TimeoutError):
            return None

    def _refused(self, error: RPCError, *, namespace: str, place: str) -> Seen:
        if error.status is RPCStatusCode.NOT_FOUND:
            return Seen.wrong(
                f"{place} answers and has no namespace {namespace}",
                advice=f"Correct TEMPORAL_NAMESPACE, or make it: temporal operator namespace create -n {namespace}",
            )
        if error.status in _LOGIN:
            return Seen.wrong(
                f"{place} does not let these settings in ({_in_words(error)})",
                advice="Check TEMPORAL_API_KEY, the TEMPORAL_TLS_… settings and what they may do in the namespace.",
            )
        return Seen.wrong(f"{place} fails ({_in_words(error)})", advice="Look at the server's own log.")


async def _connected(settings: Settings) -> Client:
    async with asyncio.timeout(_CONNECT_WITHIN.total_seconds()):
        return await connect(settings)


async def _heard_of(client: Client, *, queue: str, kind: TaskQueueType.ValueType) -> Mapping[str, datetime]:
    """Return who has asked for work lately, by identity, and when."""
    described = await client.workflow_service.describe_task_queue(
        DescribeTaskQueueRequest(namespace=client.namespace, task_queue=TaskQueue(name=queue), task_queue_type=kind),
        timeout=_ANSWER_WITHIN,
    )
    oldest = datetime.now(UTC) - _HEARD_WITHIN
    heard = {poller.identity: _asked_at(poller) for poller in described.pollers}
    return {identity: asked_at for identity, asked_at in heard.items() if asked_at >= oldest}


def _asked_at(poller: PollerInfo) -> datetime:
    return poller.last_access_time.ToDatetime(tzinfo=UTC)


def _judged(found: Mapping[str, IndexedValueType.ValueType | None]) -> Seen:
    missing = {name: SEARCH_ATTRIBUTES[name] for name, kind in found.items() if kind is None}
    different = {name: kind for name, kind in found.items() if kind not in (None, SEARCH_ATTRIBUTES[name])}
    if missing:
        create = " ".join(f"--name {name} --type {_type(kind)}" for name, kind in missing.items())
        return Seen.wrong(
            f"missing: {', '.join(missing)}; no session can be started",
            advice=f"A worker adds them when it starts. By hand: temporal operator search-attribute create {create}",
        )
    if different:
        are = ", ".join(f"{name} is {_type(kind)}" for name, kind in different.items() if kind is not None)
        return Seen.wrong(
            f"of another type than sessions need: {are}",
            advice=f"Needed are {_with_types(SEARCH_ATTRIBUTES)}. Use a namespace of its own (TEMPORAL_NAMESPACE).",
        )
    return Seen.ok(", ".join(found))


def _with_types(attributes: Mapping[str, IndexedValueType.ValueType]) -> str:
    return ", ".join(f"{name} ({_type(kind)})" for name, kind in attributes.items())


def _type(kind: IndexedValueType.ValueType) -> str:
    """Return a type as Temporal's own command line writes it: INDEXED_VALUE_TYPE_KEYWORD is Keyword."""
    words = IndexedValueType.Name(kind).removeprefix("INDEXED_VALUE_TYPE_").split("_")
    return "".join(word.capitalize() for word in words)


def _place(settings: Settings) -> str:
    if settings.embedded_temporal:
        return f"127.0.0.1:{settings.temporal_port}"
    return settings.temporal_address or "the address of its profile"


def _why(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"silent for {_CONNECT_WITHIN.total_seconds():g} s"
    found = _CAUSE.search(str(error))
    return in_one_line(next(filter(None, found.groups()), "")) if found else in_one_line(str(error))


def _in_words(error: RPCError) -> str:
    return in_one_line(f"{error.status.name}: {error.message}")
