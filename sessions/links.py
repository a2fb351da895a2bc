"""Addresses of a session's resources, relative to wherever the API is reached."""


def session_path(session_id: str) -> str:
    """Return the path of a session."""
    return f"/api/sessions/{session_id}"


def retry_path(session_id: str) -> str:
    """Return where failed items are retried."""
    return f"{session_path(session_id)}/retry"


def events_path(session_id: str) -> str:
    """Return where a session's changes are streamed."""
    return f"{session_path(session_id)}/events"


def archive_path(session_id: str) -> str:
    """Return where everything a session made is downloaded at once."""
    return f"{session_path(session_id)}/archive"


def content_path(session_id: str, *, item: str, attempt: int) -> str:
    """Return where the bytes of one attempt are."""
    return f"{session_path(session_id)}/items/{item}/content?attempt={attempt}"
