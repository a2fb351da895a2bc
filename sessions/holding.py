"""What keeps a session from going on, and lets it: a pause, its budget, the limit of a month."""

from datetime import datetime

from sessions.state import SessionState


def session_paused(state: SessionState, *, now: datetime) -> SessionState:
    """What is being made goes on, nothing further is begun."""
    return _told(state, now=now, is_paused=True)


def session_resumed(state: SessionState, *, now: datetime) -> SessionState:
    """What waits may be begun again."""
    return _told(state, now=now, is_paused=False)


def budget_set(state: SessionState, *, microdollars: int | None, now: datetime) -> SessionState:
    """The session may cost this much from now on, or whatever it takes."""
    return _told(state, now=now, budget_microdollars=microdollars)


def held_back(state: SessionState, *, until: datetime | None, now: datetime) -> SessionState:
    """Nothing is begun until then, or it may be again."""
    return _told(state, now=now, held_until=until)


def _told(state: SessionState, *, now: datetime, **changes: object) -> SessionState:
    return state.model_copy(update={**changes, "revision": state.revision + 1, "updated_at": now, "closed_at": None})
