"""Templates filled in. Everything that comes from outside is shown as text: escaping is on for every template."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from api.problems import Problem
from api.web import paths
from sessions.view import ItemView, SessionView

STATIC_FOLDER: Final = Path(__file__).parent / "static"

_TEMPLATES: Final = Path(__file__).parent / "templates"
_STYLE: Final = STATIC_FOLDER / "style.css"


class Pages:
    """The templates. ``asks_for_key`` is whether people have to log in, and so can log out."""

    def __init__(self, *, asks_for_key: bool) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(_TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters |= {"moment": moment, "dollars": dollars, "session_page": paths.session_page}
        self._environment.tests |= {"under_way": is_under_way}
        self._environment.globals |= {
            "paths": paths,
            "asks_for_key": asks_for_key,
            # Part of the address, so that a new version of the style is not held back by a cache.
            "style": f"{paths.STATIC}/style.css?{hashlib.sha256(_STYLE.read_bytes()).hexdigest()[:8]}",
            "attempt_of": attempt_of,
        }

    def page(self, template: str, *, status: int = 200, **values: object) -> Response:
        """Return a page."""
        html = self._environment.get_template(template).render(values)
        return HTMLResponse(html, status_code=status, headers={"Cache-Control": "no-store"})

    def problem(self, problem: Problem, headers: Mapping[str, str]) -> Response:
        """Return the page that tells what went wrong."""
        response = self.page("problem.html", status=problem.status, problem=problem)
        response.headers.update(headers)
        return response


def pages_of(request: Request) -> Pages:
    """Return the templates of the application that serves a request."""
    pages: Pages = request.app.state.pages
    return pages


def is_under_way(session: SessionView) -> bool:
    """Whether a session changes by itself."""
    return not session.status.is_settled


def attempt_of(item: ItemView) -> str:
    """Return how far an item has come: "attempt 2 of 3", or nothing before the first."""
    return f"attempt {item.attempt} of {item.max_attempts}" if item.attempt else ""


def moment(value: datetime) -> str:
    """Return a moment for people."""
    return f"{value.astimezone(UTC):%-d %b %Y, %H:%M} UTC"


def dollars(value: float) -> str:
    """Return an amount for people, with as many digits as it takes to be something."""
    return f"${value:.2f}" if value >= 0.01 or not value else f"${value:.4f}"
