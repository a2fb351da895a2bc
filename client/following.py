"""A session as it changes: what is asked of the stream of events, and what its events mean. Sends nothing itself."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

import httpx2
from pydantic import ValidationError

from client.call import Sent
from client.calls import session_path
from client.errors import UnexpectedAnswerError, UnreachableError
from sessions.view import SessionView

MOST_EVENT_BYTES: Final = 64 * 2**20
SILENCE: Final = timedelta(seconds=45)
"""The server says something every 15 seconds; after three times that the line is taken for dead."""
DEFAULT_PATIENCE: Final = timedelta(minutes=10)

_PAUSES: Final = tuple(timedelta(seconds=seconds) for seconds in (0.2, 1, 2, 5))
_HALF_A_SECOND: Final = timedelta(milliseconds=500)


@dataclass(frozen=True, kw_only=True)
class Changed:
    """A session as it is now, with what the server sent of it.

    ``clock_skew`` is how far the server's clock is ahead of ours, to the second: what it names as a moment has come
    when ours shows that moment less the skew.
    """

    sent: Sent[SessionView]
    clock_skew: timedelta


@dataclass(frozen=True, kw_only=True)
class Lost:
    """The connection is lost; after a pause it is tried again, and what has been missed is caught up with."""

    reason: str
    pause: timedelta


@dataclass(frozen=True, kw_only=True)
class Restored:
    """The connection that was lost is there again. What has changed meanwhile, if anything, comes next."""


@dataclass(kw_only=True)
class Following:
    """How far a session was followed.

    ``after`` is the version that is known already; nothing older is shown. ``patience``: how long the server may be
    out of reach before that is an error.
    """

    session_id: str
    url: str
    after: int | None = None
    patience: timedelta = DEFAULT_PATIENCE
    is_over: bool = False
    clock_skew: timedelta = timedelta()
    _is_stale: bool = field(default=False, init=False)
    _losses: int = field(default=0, init=False)
    _lost_since: datetime | None = field(default=None, init=False)

    @property
    def path(self) -> str:
        """Where the events are."""
        return session_path(self.session_id, "events")

    @property
    def headers(self) -> dict[str, str]:
        """What tells the server how much is known. What is stale is sent again, under its version, once it is known."""
        if self.after is None:
            return {}
        return {"Last-Event-ID": str(max(0, self.after - 1) if self._is_stale else self.after)}

    def connected(self, response: httpx2.Response) -> Restored | None:
        """Take note of a connection, and return whether one was lost before."""
        was_lost = self._lost_since is not None
        self._losses, self._lost_since = 0, None
        if (skew := skew_of(response, now=datetime.now(UTC))) is not None:
            self.clock_skew = skew
        return Restored() if was_lost else None

    def news(self, event: httpx2.ServerSentEvent) -> Changed | None:
        """Return what an event tells that was not known; sets ``is_over`` at the last one.

        Raises:
            UnexpectedAnswerError: the event cannot be read.
        """
        if event.event == "end":
            self.is_over = True
        if event.event != "session":
            return None
        try:
            session = SessionView.model_validate_json(event.data)
        except ValidationError as error:
            raise UnexpectedAnswerError(
                f"an event of {self.url} is not understood; the server may be of another version."
            ) from error
        if self.after is not None and session.version < self.after:
            return None
        self.after, self._is_stale = session.version, session.stale
        sent = Sent(value=session, data=event.data.encode())
        return Changed(sent=sent, clock_skew=self.clock_skew)

    def lost(self, reason: str, *, now: datetime) -> Lost:
        """Take note that there is no connection.

        Raises:
            UnreachableError: there has been none for longer than the patience.
        """
        self._lost_since = self._lost_since or now
        if now - self._lost_since > self.patience:
            raise UnreachableError(f"no server has answered at {self.url} for a long time; the session goes on there.")
        pause = _PAUSES[min(self._losses, len(_PAUSES) - 1)]
        self._losses += 1
        return Lost(reason=reason, pause=pause)


def skew_of(response: httpx2.Response, *, now: datetime) -> timedelta | None:
    """Return how far the server's clock is ahead of ours, None where it does not tell the time."""
    try:
        told = parsedate_to_datetime(response.headers.get("date", ""))
    except ValueError:
        return None
    # The header has whole seconds: on average the moment was half a second later.
    skew = told.astimezone(UTC) + _HALF_A_SECOND - now
    return skew if abs(skew) > 2 * _HALF_A_SECOND else timedelta()
