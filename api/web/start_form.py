"""The forms that start sessions."""

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
from api.web.paths import NEW, NEW_STORY, session_page
from api.web.rendering import Pages
from sessions.images import ImageSessionRequest
from sessions.model import RequestModel
from sessions.stories import StorySessionRequest

router = APIRouter(include_in_schema=False)

_FIELDS: Final = ("title", "features", "audience", "note")
_MOST_DIGITS: Final = 10
_STORY_FIELDS: Final = {"idea": "idea", "total_segments": "segments"}


class ImagesForm(RequestModel):
    """What a person typed who wants images, and the token of the form they typed it into."""

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


class StoryForm(RequestModel):
    """What a person typed who wants a story, and the token of the form they typed it into."""

    idea: str = ""
    segments: str = ""
    token: str = ""

    def request(self) -> StorySessionRequest:
        """Return the request that the form stands for.

        Raises:
            ValidationError: something in it cannot be.
        """
        segments = self.segments.strip()
        # What is no number is left as it was typed: the request then says what it should be.
        total = int(segments) if segments.isdecimal() and len(segments) < _MOST_DIGITS else segments or None
        return StorySessionRequest.model_validate(
            {"idea": "\n".join(self.idea.splitlines()).strip(), "total_segments": total}
        )


def _idempotency_key(form: RequestModel) -> str:
    """Return one key per form and content: a second click starts nothing, a changed text something new."""
    return f"page-{hashlib.sha256(form.model_dump_json().encode()).hexdigest()}"


@router.get(NEW)
async def empty_forms(pages: ThePages) -> Response:
    """Show the forms."""
    return _shown(pages)


@router.post(NEW)
async def start_images(form: Annotated[ImagesForm, Form()], services: TheServices, pages: ThePages) -> Response:
    """Start an image session, or show the form again with what is wrong in it."""
    try:
        request = form.request()
    except ValidationError as error:
        return _shown(pages, images=form, mistakes=_mistakes(error, fields={name: name for name in _FIELDS}))
    view = await services.starter.start_images(request, idempotency_key=_idempotency_key(form))
    return RedirectResponse(session_page(view.id), status_code=303)


@router.post(NEW_STORY)
async def start_story(form: Annotated[StoryForm, Form()], services: TheServices, pages: ThePages) -> Response:
    """Start a story session, or show the form again with what is wrong in it."""
    try:
        request = form.request()
    except ValidationError as error:
        return _shown(pages, story=form, mistakes=_mistakes(error, fields=_STORY_FIELDS))
    view = await services.starter.start_story(request, idempotency_key=_idempotency_key(form))
    return RedirectResponse(session_page(view.id), status_code=303)


def _shown(
    pages: Pages,
    *,
    images: ImagesForm | None = None,
    story: StoryForm | None = None,
    mistakes: Mapping[str, str] | None = None,
) -> Response:
    token = secrets.token_hex(8)
    return pages.page(
        "new.html",
        status=422 if mistakes else 200,
        form=images or ImagesForm(token=token),
        story=story or StoryForm(token=token),
        mistakes=mistakes or {},
    )


def _mistakes(error: ValidationError, *, fields: Mapping[str, str]) -> Mapping[str, str]:
    """Return what is wrong, by field of the form. ``fields``: the form's fields by those of the request."""
    mistakes: dict[str, str] = {}
    for raw in cast(list[RawError], error.errors(include_url=False, include_input=False)):
        place = next((str(part) for part in raw["loc"] if part in fields), next(iter(fields)))
        field = fields[place]
        line = next((f"line {part + 1} " for part in raw["loc"] if isinstance(part, int)), "")
        mistakes.setdefault(field, f"{field.capitalize()}: {line}{described(raw)}.".replace("entries", "lines"))
    return mistakes
