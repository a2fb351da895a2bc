"""The form that starts an image session."""

import hashlib
import secrets
from collections.abc import Mapping
from typing import Annotated, Final, cast

from fastapi import APIRouter, Form
from pydantic import ValidationError
from starlette.responses import RedirectResponse, Response

from api.services import TheServices
from api.validation import RawError, described
from api.web.pages import ThePages
from api.web.paths import NEW, session_page
from sessions.images import ImageSessionRequest
from sessions.model import RequestModel

router = APIRouter(include_in_schema=False)

_FIELDS: Final = ("title", "features", "audience", "note")


class StartForm(RequestModel):
    """What a person typed, and the token of the form they typed it into."""

    title: str = ""
    features: str = ""
    audience: str = ""
    note: str = ""
    token: str = ""

    def request(self) -> ImageSessionRequest:
        """Return the request that the form stands for.

        Raises:
            ValidationError: something in it cannot be.
        """
        product = {
            "title": self.title.strip(),
            "features": [line.strip() for line in self.features.splitlines() if line.strip()],
            "audience": self.audience.strip() or None,
        }
        return ImageSessionRequest.model_validate(
            {"product": product, "note": "\n".join(self.note.splitlines()).strip() or None}
        )

    @property
    def idempotency_key(self) -> str:
        """One key per form and content: a second click starts nothing, a changed text something new."""
        return f"page-{hashlib.sha256(self.model_dump_json().encode()).hexdigest()}"


@router.get(NEW)
async def empty_form(pages: ThePages) -> Response:
    """Show the form."""
    return pages.page("new.html", form=StartForm(token=secrets.token_hex(8)), mistakes={})


@router.post(NEW)
async def start(form: Annotated[StartForm, Form()], services: TheServices, pages: ThePages) -> Response:
    """Start a session, or show the form again with what is wrong in it."""
    try:
        request = form.request()
    except ValidationError as error:
        return pages.page("new.html", status=422, form=form, mistakes=_mistakes(error))
    view = await services.starter.start_images(request, idempotency_key=form.idempotency_key)
    return RedirectResponse(session_page(view.id), status_code=303)


def _mistakes(error: ValidationError) -> Mapping[str, str]:
    """Return what is wrong, by field of the form."""
    mistakes: dict[str, str] = {}
    for raw in cast(list[RawError], error.errors(include_url=False, include_input=False)):
        field = next((str(part) for part in raw["loc"] if part in _FIELDS), "title")
        line = next((f"line {part + 1} " for part in raw["loc"] if isinstance(part, int)), "")
        mistakes.setdefault(field, f"{field.capitalize()}: {line}{described(raw)}.".replace("entries", "lines"))
    return mistakes
