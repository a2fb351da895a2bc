"""The one way to reach Temporal, and what a namespace must know before sessions run in it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Final

from google.protobuf.duration_pb2 import Duration as ProtobufDuration
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.namespace.v1 import NamespaceConfig
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest, UpdateNamespaceRequest
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.envconfig import ClientConfig, ClientConnectConfig
from temporalio.runtime import (
    LogForwardingConfig,
    LoggingConfig,
    PrometheusConfig,
    Runtime,
    TelemetryConfig,
    TelemetryFilter,
)
from temporalio.service import GrpcCompression, RPCError, RPCStatusCode

from runtime.setting_types import is_loopback
from runtime.settings import Settings, SettingsError
from sessions.wire import FAILED_ITEMS_ATTRIBUTE, KIND_ATTRIBUTE, STATUS_ATTRIBUTE, TENANT_ATTRIBUTE

SEARCH_ATTRIBUTES: Final[Mapping[str, IndexedValueType.ValueType]] = {
    KIND_ATTRIBUTE: IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
    STATUS_ATTRIBUTE: IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
    TENANT_ATTRIBUTE: IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
    FAILED_ITEMS_ATTRIBUTE: IndexedValueType.INDEXED_VALUE_TYPE_INT,
}
"""What every session can be found by, with the type each has at the server."""

RETENTION: Final = timedelta(days=30)
"""How long the embedded server keeps closed sessions; it would keep them for a day by itself."""

_FIRST_PAUSE: Final = timedelta(milliseconds=100)
_LONGEST_PAUSE: Final = timedelta(seconds=2)

# UNKNOWN is what the SDK calls a connection that broke under a call.
_OUT_OF_REACH: Final = (RPCStatusCode.UNAVAILABLE, RPCStatusCode.UNKNOWN, RPCStatusCode.DEADLINE_EXCEEDED)

_logger = logging.getLogger(__name__)


async def connect(settings: Settings, *, runtime: Runtime | None = None, lazy: bool = False) -> Client:
    """Connect to the server that the settings name: the embedded one, or any through Temporal's own settings.

    Args:
        settings: where the server is.
        runtime: the SDK's runtime, from `sdk_runtime`; its default one when left out.
        lazy: connect at the first call, so that the server may still be down. A worker can't run on such a client.

    Raises:
        SettingsError: Temporal's own settings contradict each other or name what isn't there.
        RuntimeError: the server does not answer (not when lazy).
    """
    if settings.embedded_temporal:
        return await Client.connect(
            f"127.0.0.1:{settings.temporal_port}",
            namespace=settings.temporal_namespace or "default",
            data_converter=pydantic_data_converter,
            # On one machine compressing costs more than it saves.
            grpc_compression=GrpcCompression.NONE,
            runtime=runtime,
            lazy=lazy,
        )
    return await Client.connect(
        **_own_settings_of_temporal(settings),
        data_converter=pydantic_data_converter,
        runtime=runtime,
        lazy=lazy,
    )


async def connect_patiently(
    settings: Settings,
    *,
    patience: timedelta,
    runtime: Runtime | None = None,
    prepare: Callable[[Client], Awaitable[None]] | None = None,
) -> Client:
    """Connect as `connect` does, trying again with growing pauses while the server is starting, or starts again.

    Args:
        settings: where the server is.
        patience: for how long to try.
        runtime: as for `connect`.
        prepare: what is to be done first with the client, and may be done again: the server may go down meanwhile.

    Raises:
        SettingsError: as `connect`.
        RuntimeError: the server did not answer within the patience.
        RPCError: the server refused what prepares the client, or went down over it until the patience was over.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + patience.total_seconds()
    pause = _FIRST_PAUSE
    while True:
        try:
            client = await connect(settings, runtime=runtime)
            if prepare is not None:
                await prepare(client)
            return client
        except (RuntimeError, RPCError) as error:
            is_refused = isinstance(error, RPCError) and error.status not in _OUT_OF_REACH
            if is_refused or loop.time() + pause.total_seconds() > deadline:
                raise
        await asyncio.sleep(pause.total_seconds())
        pause = min(pause * 2, _LONGEST_PAUSE)


def sdk_runtime(settings: Settings) -> Runtime:
    """Build the SDK's runtime: its logs go through Python's, its metrics to Prometheus when a port is set.

    Each call starts a thread pool: one a process, and with a metrics port in the worker only.
    """
    port = settings.worker_metrics_port
    # Opening the API to other machines is what opens the metrics to them, too.
    host = "127.0.0.1" if is_loopback(settings.api_host) else "0.0.0.0"  # noqa: S104 - asked for, as said above
    return Runtime(
        telemetry=TelemetryConfig(
            logging=LoggingConfig(
                filter=TelemetryFilter(core_level="WARN", other_level="ERROR"),
                forwarding=LogForwardingConfig(logger=logging.getLogger("temporalio.core")),
            ),
            metrics=PrometheusConfig(bind_address=f"{host}:{port}", durations_as_seconds=True) if port else None,
        )
    )


async def ensure_search_attributes(client: Client) -> None:
    """Register what sessions are found by, where it is missing. Doing so again changes nothing.

    A server that lets nobody register them over this interface is left alone, with a line in the log: an operator
    then adds the attributes.

    Raises:
        RPCError: the server failed otherwise.
    """
    try:
        listed = await client.operator_service.list_search_attributes(
            ListSearchAttributesRequest(namespace=client.namespace)
        )
        missing = {name: kind for name, kind in SEARCH_ATTRIBUTES.items() if name not in listed.custom_attributes}
        if missing:
            await client.operator_service.add_search_attributes(
                AddSearchAttributesRequest(namespace=client.namespace, search_attributes=missing)
            )
    except RPCError as error:
        if error.status == RPCStatusCode.ALREADY_EXISTS:  # another process was quicker
            return
        if error.status not in (RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.UNIMPLEMENTED):
            raise
        _logger.warning(
            "search attributes can't be registered here; have an operator add %s", ", ".join(SEARCH_ATTRIBUTES)
        )


async def ensure_retention(client: Client, *, retention: timedelta = RETENTION) -> None:
    """Have the namespace keep closed sessions for at least so long. Doing so again changes nothing.

    Raises:
        RPCError: the server failed.
    """
    described = await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=client.namespace))
    if described.config.workflow_execution_retention_ttl.ToTimedelta() >= retention:
        return
    wanted = ProtobufDuration()
    wanted.FromTimedelta(retention)
    await client.workflow_service.update_namespace(
        UpdateNamespaceRequest(
            namespace=client.namespace, config=NamespaceConfig(workflow_execution_retention_ttl=wanted)
        )
    )


def _own_settings_of_temporal(settings: Settings) -> ClientConnectConfig:
    variables = {name: value.get_secret_value() for name, value in settings.temporal_variables.items()}
    if settings.temporal_address is not None:
        variables["TEMPORAL_ADDRESS"] = settings.temporal_address
    if settings.temporal_namespace is not None:
        variables["TEMPORAL_NAMESPACE"] = settings.temporal_namespace
    try:
        found = ClientConfig.load_client_connect_config(override_env_vars=variables)
    except (OSError, RuntimeError) as error:
        raise SettingsError(f"TEMPORAL_… settings can't be used: {error}") from error
    if "target_host" not in found:
        raise SettingsError("TEMPORAL_ADDRESS should be HOST:PORT: the profile names no address")
    return found
