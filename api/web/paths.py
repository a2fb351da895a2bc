"""Addresses of the page."""

from typing import Final

from starlette.requests import Request

HOME: Final = "/"
NEW: Final = "/new"
NEW_STORY: Final = "/new/story"
LOGIN: Final = "/login"
LOGOUT: Final = "/logout"
STATIC: Final = "/static"

_FOR_PROGRAMS: Final = ("/api", "/health", "/metrics", STATIC)


def session_page(session_id: str) -> str:
    """Return where a session is shown."""
    return f"/sessions/{session_id}"


def is_page(request: Request) -> bool:
    """Whether a person looks at the answer: a browser asks, and not for what is made for programs."""
    path = request.scope["path"]
    is_for_programs = any(path == prefix or path.startswith(f"{prefix}/") for prefix in _FOR_PROGRAMS)
    return not is_for_programs and "text/html" in request.headers.get("accept", "")
