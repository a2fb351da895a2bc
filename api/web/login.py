"""The door: asks for a key once, and remembers in a cookie that it was given."""

import re
from typing import Annotated, Final

from fastapi import APIRouter, Form, Query, Request
from starlette.responses import RedirectResponse, Response

from api.auth import COOKIE, COOKIE_LIFETIME
from api.services import TheBackend
from api.web.pages import ThePages
from api.web.paths import HOME, LOGIN, LOGOUT

router = APIRouter(include_in_schema=False)

# Two slashes, or a slash and a backslash, would lead a browser to another site.
_OWN_ADDRESS: Final = re.compile(r"/(?![/\\])[\x20-\x7e]*")

Destination = Annotated[str, Query(alias="next", max_length=500)]


@router.get(LOGIN)
async def ask_for_key(pages: ThePages, destination: Destination = HOME) -> Response:
    """Show the form that asks for a key."""
    return pages.page("login.html", destination=_own(destination), is_wrong=False)


@router.post(LOGIN)
async def take_key(
    request: Request,
    backend: TheBackend,
    pages: ThePages,
    key: Annotated[str, Form()] = "",
    destination: Annotated[str, Form(alias="next", max_length=500)] = HOME,
) -> Response:
    """Let somebody in who has a key."""
    if backend.keys and not backend.keys.accept(key.strip().encode(errors="replace")):
        return pages.page("login.html", status=403, destination=_own(destination), is_wrong=True)
    response = RedirectResponse(_own(destination), status_code=303)
    response.set_cookie(
        COOKIE,
        backend.keys.cookie(),
        max_age=int(COOKIE_LIFETIME.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=request.scope["scheme"] == "https",
    )
    return response


@router.post(LOGOUT)
async def forget(request: Request) -> Response:
    """Forget that a key was given."""
    response = RedirectResponse(LOGIN, status_code=303)
    response.delete_cookie(COOKIE, httponly=True, samesite="lax", secure=request.scope["scheme"] == "https")
    return response


def _own(destination: str) -> str:
    return destination if _OWN_ADDRESS.fullmatch(destination) else HOME
