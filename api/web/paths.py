"""Addresses of the page."""

from typing import Final
from urllib.parse import quote, urlencode

from starlette.requests import Request

from sessions.identifiers import is_session_id

HOME: Final = "/"
LIVE: Final = "/live"
NEW: Final = "/new"
NEW_STORY: Final = "/new/story"
ESTIMATE_IMAGES: Final = "/new/estimate"
ESTIMATE_STORY: Final = "/new/story/estimate"
PHOTOS: Final = "/new/photos"
LOGIN: Final = "/login"
LOGOUT: Final = "/logout"
STATIC: Final = "/static"

_FOR_PROGRAMS: Final = ("/api", "/health", "/metrics", STATIC)


def session_page(session_id: str, *, show: str = "", part: int = 1) -> str:
    """Return where a session is shown: all of its items or those of one status, in parts counted from 1."""
    return f"/sessions/{session_id}{_query(show=show, part=part)}"


def session_of(path: str) -> str | None:
    """Return the id of the session that a page belongs to."""
    parts = path.split("/")
    return parts[2] if len(parts) > 2 and parts[1] == "sessions" and is_session_id(parts[2]) else None


def session_live(session_id: str, *, show: str = "", part: int = 1) -> str:
    """Return where that page's changes are told."""
    return f"/sessions/{session_id}/live{_query(show=show, part=part)}"


def item_page(session_id: str, key: str, *, left: int = 0, right: int = 0) -> str:
    """Return where the versions of an item are shown, beside each other those of two attempts where they are named."""
    return f"/sessions/{session_id}/items/{quote(key, safe='')}{_versions(left=left, right=right)}"


def thumbnail(session_id: str, key: str, *, attempt: int) -> str:
    """Return where a small copy of the picture is that an attempt made."""
    return f"{item_page(session_id, key)}/thumbnail?attempt={attempt}"


def item_live(session_id: str, key: str, *, left: int = 0, right: int = 0) -> str:
    """Return where that page's changes are told."""
    return f"{item_page(session_id, key)}/live{_versions(left=left, right=right)}"


def attempts_page(session_id: str, *, item: str = "", outcome: str = "", part: int = 1) -> str:
    """Return where a session's attempts are shown: all, or those of an item or outcome, in parts counted from 1."""
    return f"/sessions/{session_id}/attempts{_attempts(item=item, outcome=outcome, part=part)}"


def attempts_live(session_id: str, *, item: str = "", outcome: str = "", part: int = 1) -> str:
    """Return where that page's changes are told."""
    return f"/sessions/{session_id}/attempts/live{_attempts(item=item, outcome=outcome, part=part)}"


def story_page(session_id: str, *, part: int = 1) -> str:
    """Return where a story is read, in parts counted from 1."""
    return f"/sessions/{session_id}/story{_query(part=part)}"


def story_live(session_id: str, *, part: int = 1) -> str:
    """Return where changes of what that page shows are told."""
    return f"/sessions/{session_id}/story/live{_query(part=part)}"


def export(session_id: str, extension: str) -> str:
    """Return where a story is had as a file."""
    return f"/api/sessions/{session_id}/export/{extension}"


def outline_page(session_id: str, *, part: int = 1) -> str:
    """Return where a story's outline is read, changed and approved; its sets in parts counted from 1."""
    return f"/sessions/{session_id}/outline{_query(part=part)}"


def outline_live(session_id: str) -> str:
    """Return where it is told that the outline is written."""
    return f"/sessions/{session_id}/outline/live"


def is_page(request: Request) -> bool:
    """Whether a person looks at the answer: a browser asks, and not for what is made for programs.

    What the page's script asks for is for the script, which shows a refusal beside what is there.
    """
    path = request.scope["path"]
    is_for_programs = any(path == prefix or path.startswith(f"{prefix}/") for prefix in _FOR_PROGRAMS)
    is_for_a_person = "text/html" in request.headers.get("accept", "") and not is_scripted(request)
    return not is_for_programs and is_for_a_person


def is_scripted(request: Request) -> bool:
    """Whether the page's script asks, and not the browser itself."""
    return "hx-request" in request.headers


def _query(*, show: str = "", part: int) -> str:
    asked = {**({"show": show} if show else {}), **({"part": part} if part > 1 else {})}
    return f"?{urlencode(asked)}" if asked else ""


def _versions(*, left: int, right: int) -> str:
    return f"?{urlencode({'left': left, 'right': right})}" if left and right else ""


def _attempts(*, item: str, outcome: str, part: int) -> str:
    asked = {name: value for name, value in (("item", item), ("outcome", outcome)) if value}
    numbered = {**asked, **({"part": str(part)} if part > 1 else {})}
    return f"?{urlencode(numbered)}" if numbered else ""
