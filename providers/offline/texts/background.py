"""Responses in the background: begun by one call, looked at by others. They are kept in memory and die with it."""

import hashlib
import threading
import time
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta

from providers.offline.errors import invalid_request
from providers.offline.faults import Fault, Hang, Slow
from providers.offline.texts.answers import ResponseError, ResponsesAnswer

_KEPT_FOR = timedelta(minutes=10)


@dataclass(frozen=True)
class _Kept:
    """A response, and when it is finished by the monotonic clock, in seconds; None for never."""

    final: ResponsesAnswer
    ends_at: float | None

    def is_forgotten(self, now: float) -> bool:
        return self.ends_at is not None and now > self.ends_at + _KEPT_FOR.total_seconds()

    def shown(self) -> ResponsesAnswer:
        is_finished = self.ends_at is not None and time.monotonic() >= self.ends_at
        return self.final if is_finished else self.final.without_result("in_progress")


class KeptResponses:
    """The responses that were begun in the last minutes, by id. Used by threads."""

    def __init__(self, *, latency: timedelta) -> None:
        self._latency = latency
        self._kept: dict[str, _Kept] = {}
        self._begun: Counter[str] = Counter()
        self._swept_at = time.monotonic()
        self._lock = threading.Lock()

    def begin(self, final: ResponsesAnswer, *, fault: Fault | None) -> ResponsesAnswer:
        """Begin a response that comes to this in the end, and return it as it is now.

        Its id depends on the request and on how often that has been asked before.
        """
        takes: timedelta | None = self._latency
        if isinstance(fault, Slow):
            takes = self._latency + fault.duration
        elif isinstance(fault, Hang):
            takes = fault.duration
            final = final.without_result("failed", error=ResponseError(code="server_error"))
        now = time.monotonic()
        with self._lock:
            if now > self._swept_at + _KEPT_FOR.total_seconds():
                self._kept = {name: kept for name, kept in self._kept.items() if not kept.is_forgotten(now)}
                self._swept_at = now
            self._begun[final.id] += 1
            name = f"{final.id}:{self._begun[final.id]}"
            digest = hashlib.sha256(name.encode()).hexdigest()[:32]
            final = final.model_copy(update={"id": f"resp_{digest}"})
            ends_at = None if takes is None else now + takes.total_seconds()
            self._kept[final.id] = _Kept(final, ends_at)
        return final.without_result("in_progress").model_copy(update={"status": "queued"})

    def look(self, response_id: str) -> ResponsesAnswer:
        """Return a response as it is now.

        Raises:
            ApiError: there is none with this id, or no more.
        """
        with self._lock:
            return self._found(response_id).shown()

    def cancel(self, response_id: str) -> ResponsesAnswer:
        """End a response and return it. One that has ended already stays as it is.

        Raises:
            ApiError: there is none with this id, or no more.
        """
        with self._lock:
            kept = self._found(response_id)
            if kept.shown() is not kept.final:
                kept = _Kept(kept.final.without_result("cancelled"), time.monotonic())
                self._kept[response_id] = kept
            return kept.shown()

    def _found(self, response_id: str) -> _Kept:
        kept = self._kept.get(response_id)
        if kept is None or kept.is_forgotten(time.monotonic()):
            raise invalid_request(f"Response with id '{response_id}' not found.", code=None, status=404)
        return kept
