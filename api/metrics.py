"""What Prometheus is told: requests and streams of this process, sessions and attempts of the whole installation."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from prometheus_client import CollectorRegistry, Gauge, Histogram, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class SessionCount(Protocol):
    """How many sessions of one kind have one status."""

    @property
    def kind(self) -> str: ...  # noqa: D102 - said by the class
    @property
    def status(self) -> str: ...  # noqa: D102 - said by the class
    @property
    def count(self) -> int: ...  # noqa: D102 - said by the class


class AttemptCount(Protocol):
    """How many attempts have one status and class of error."""

    @property
    def status(self) -> str: ...  # noqa: D102 - said by the class
    @property
    def error_type(self) -> str | None: ...  # noqa: D102 - said by the class
    @property
    def count(self) -> int: ...  # noqa: D102 - said by the class


@dataclass(frozen=True, kw_only=True)
class Totals:
    """What the records hold."""

    sessions: Sequence[SessionCount]
    attempts: Sequence[AttemptCount]


class Metrics:
    """The figures of one process."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Histogram(
            "retakes_http_request_duration_seconds",
            "From a request to the first byte of its answer.",
            ("method", "route", "status"),
            registry=self._registry,
            buckets=_BUCKETS,
        )
        self.streams = Gauge(
            "retakes_event_streams", "Streams of events that are being watched.", registry=self._registry
        )

    def answered(self, *, method: str, route: str, status: int, after: timedelta) -> None:
        """Count a request. ``route`` is the template of its path: paths themselves would be without number."""
        self._requests.labels(
            method=method if method in _METHODS else "other", route=route, status=str(status)
        ).observe(after.total_seconds())

    def exposition(self, totals: Totals | None) -> bytes:
        """Return everything in Prometheus' text format. ``totals`` is None while the records do not answer."""
        from_records = CollectorRegistry()
        from_records.register(_TotalsCollector(totals))
        return generate_latest(self._registry) + generate_latest(from_records)


class _TotalsCollector(Collector):
    def __init__(self, totals: Totals | None) -> None:
        self._totals = totals

    def collect(self) -> Iterable[Metric]:
        yield GaugeMetricFamily(
            "retakes_records_up", "Whether the records answered this scrape.", value=float(self._totals is not None)
        )
        if self._totals is None:
            return
        sessions = GaugeMetricFamily("retakes_sessions", "Sessions by kind and status.", labels=("kind", "status"))
        for session in self._totals.sessions:
            sessions.add_metric((session.kind, session.status), session.count)
        yield sessions
        attempts = GaugeMetricFamily(
            "retakes_attempts", "Attempts by status and class of error.", labels=("status", "error_type")
        )
        for attempt in self._totals.attempts:
            attempts.add_metric((attempt.status, attempt.error_type or ""), attempt.count)
        yield attempts
