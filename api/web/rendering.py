"""Templates filled in. Everything that comes from outside is shown as text: escaping is on for every template."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.datastructures import URL
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from api.web import paths
from sessions.overviews import SessionOverview
from sessions.problems import Problem
from sessions.view import SessionView

STATIC_FOLDER: Final = Path(__file__).parent / "static"

_TEMPLATES: Final = Path(__file__).parent / "templates"
_HTMX: Final = "vendor/htmx.js"


class Pages:
    """The templates. ``asks_for_key`` is whether people have to log in, and so can log out."""

    def __init__(self, *, asks_for_key: bool) -> None:
        self._digests: dict[str, str] = {}
        self._environment = Environment(
            loader=FileSystemLoader(_TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters |= {
            "moment": moment,
            "exact_moment": exact_moment,
            "clock": clock,
            "duration": duration,
            "dollars": dollars,
            "session_page": paths.session_page,
        }
        self._environment.tests |= {"under_way": is_under_way}
        self._environment.globals |= {
            "paths": paths,
            "asks_for_key": asks_for_key,
            "asset": self.asset,
            "now": iso_now,
            # Fetched when the product is set up. Where that failed, pages load themselves anew instead.
            "has_scripts": (STATIC_FOLDER / _HTMX).is_file(),
        }

    def page(self, template: str, *, status: int = 200, **values: Any) -> Response:
        """Return a page."""
        html = self.rendered(template, **values)
        return HTMLResponse(html, status_code=status, headers={"Cache-Control": "no-store"})

    def rendered(self, template: str, **values: Any) -> str:
        """Return a template filled in."""
        return self._environment.get_template(template).render(values)

    def problem(self, problem: Problem, headers: Mapping[str, str], *, path: str) -> Response:
        """Return the page that tells what went wrong with a request for a path, with the way back."""
        session = None if problem.status == HTTPStatus.NOT_FOUND else paths.session_of(path)
        response = self.page("problem.html", status=problem.status, problem=problem, session_id=session)
        response.headers.update(headers)
        return response

    def asset(self, name: str) -> str:
        """Return the address of a static file. What it holds is part of it: browsers may keep it for good."""
        if name not in self._digests:
            self._digests[name] = hashlib.sha256((STATIC_FOLDER / name).read_bytes()).hexdigest()[:8]
        return f"{paths.STATIC}/{name}?{self._digests[name]}"


class LastingFiles(StaticFiles):
    """Static files. Asked for with what they hold in their address, they are never asked for again."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return a file."""
        response = await super().get_response(path, scope)
        if response.status_code == 200 and URL(scope=scope).query:
            response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


def pages_of(request: Request) -> Pages:
    """Return the templates of the application that serves a request."""
    pages: Pages = request.app.state.pages
    return pages


def is_under_way(session: SessionView | SessionOverview) -> bool:
    """Whether a session changes by itself."""
    return not session.status.is_settled


def iso_now() -> str:
    """Return what time it is here, for clocks that are to agree with ours."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def moment(value: datetime) -> str:
    """Return a moment for people."""
    return f"{value.astimezone(UTC):%-d %b %Y, %H:%M} UTC"


def exact_moment(value: datetime) -> str:
    """Return a moment for people, to the second."""
    return f"{value.astimezone(UTC):%-d %b %Y, %H:%M:%S} UTC"


def clock(value: datetime) -> str:
    """Return a moment of today for people."""
    return f"{value.astimezone(UTC):%H:%M:%S} UTC"


def duration(value: timedelta) -> str:
    """Return a duration for people: tenths of a second below ten, then seconds, minutes and hours."""
    seconds = value.total_seconds()
    if seconds < 0.05:
        return "less than 0.1 s"
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def dollars(value: float) -> str:
    """Return an amount for people, with as many digits as it takes to be something."""
    return f"${value:.2f}" if value >= 0.01 or not value else f"${value:.4f}"
