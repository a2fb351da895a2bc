"""The forms that start sessions."""

import hashlib
from dataclasses import replace
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from pydantic import ValidationError
from starlette.responses import RedirectResponse, Response

from api.problems import RETRY_AFTER_SECONDS
from api.services import services_of
from api.web.images_form import ImagesForm
from api.web.mistakes import Mistakes, mistakes_of
from api.web.new_page import NewPage, example_page
from api.web.pages import ThePages
from api.web.paths import NEW, NEW_STORY, session_page
from api.web.photo_form import TheForm, keep_all
from api.web.rendering import Pages
from api.web.story_form import StoryForm
from api.web.typed import TypedForm
from service.errors import (
    BusyError,
    CallbackRefusedError,
    IdempotencyKeySpentError,
    OutOfReachError,
    UncertainStartError,
    UnknownReferenceError,
)
from sessions.model import RequestModel

router = APIRouter(include_in_schema=False)

_BUSY: Final = "So many sessions are being started now that yours was not. Start again in a moment."
_UNCERTAIN: Final = (
    "Temporal does not answer, so it is not certain that the session was started. Start again in a moment: however "
    "often it is sent, this form starts one session."
)
_DELETED: Final = "The session that this form started has been deleted. Start once more to begin another."


@router.get(NEW)
async def empty_forms(pages: ThePages, example: Annotated[str | None, Query(max_length=50)] = None) -> Response:
    """Show the forms, one of them filled in where an example is asked for."""
    return example_page(example).response(pages)


@router.get(NEW_STORY)
async def story_form() -> Response:
    """Lead to the form for a story: whoever reloads the page after a refusal asks for this."""
    return RedirectResponse(f"{NEW}#story", status_code=303)


@router.post(NEW)
async def start_images(data: TheForm, request: Request, pages: ThePages) -> Response:
    """Start an image session, or show the form again with what is wrong in it."""
    form = ImagesForm.sent(data)
    mistakes: Mistakes = {}
    try:
        services = services_of(request)
        kept, refused = await keep_all(data, uploads=services.uploads)
        # Whatever else is wrong: nobody has to choose a photo twice.
        form = form.with_kept((*form.kept, *kept))
        mistakes = {"photos": tuple(refused)} if refused else {}
        wanted = form.request()
        if not mistakes:
            view = await services.starter.start_images(wanted, idempotency_key=_idempotency_key(form, wanted))
            return RedirectResponse(session_page(view.id), status_code=303)
    except ValidationError as error:
        mistakes = {**mistakes_of(error, place_of=form.place_of), **mistakes}
    except CallbackRefusedError as error:
        mistakes = _callback_mistake(error)
    except UnknownReferenceError as error:
        lost = [photo for photo in form.kept if photo.id in error.upload_ids]
        form = form.with_kept([photo for photo in form.kept if photo not in lost])
        mistakes = {"photos": tuple(f"{photo.name}: it is no longer kept here. Add it again." for photo in lost)}
    except IdempotencyKeySpentError:
        return NewPage(images=form.renewed(), trouble=_DELETED).response(pages, status=409)
    except (BusyError, OutOfReachError) as error:
        return _not_now(NewPage(images=form), error, pages=pages)
    return NewPage(images=form, image_mistakes=mistakes).response(pages, status=422)


@router.post(NEW_STORY)
async def start_story(data: TheForm, request: Request, pages: ThePages) -> Response:
    """Start a story session, or show the form again with what is wrong in it."""
    form = StoryForm.sent(data)
    try:
        services = services_of(request)
        wanted = form.request()
        view = await services.starter.start_story(wanted, idempotency_key=_idempotency_key(form, wanted))
        return RedirectResponse(session_page(view.id), status_code=303)
    except ValidationError as error:
        mistakes = mistakes_of(error, place_of=form.place_of)
    except CallbackRefusedError as error:
        mistakes = _callback_mistake(error)
    except IdempotencyKeySpentError:
        return NewPage(story=form.renewed(), trouble=_DELETED).response(pages, status=409)
    except (BusyError, OutOfReachError) as error:
        return _not_now(NewPage(story=form), error, pages=pages)
    return NewPage(story=form, story_mistakes=mistakes).response(pages, status=422)


def _idempotency_key(form: TypedForm, wanted: RequestModel) -> str:
    """Return one key per form and content: a second click starts nothing, a changed text something new."""
    content = f"{form.token} {wanted.model_dump_json()}"
    return f"page-{hashlib.sha256(content.encode()).hexdigest()}"


def _callback_mistake(error: CallbackRefusedError) -> Mistakes:
    return {"callback_url": (f"Callback: {error}",)}


def _not_now(page: NewPage, error: BusyError | OutOfReachError, *, pages: Pages) -> Response:
    match error:
        case BusyError():
            why = _BUSY
        case UncertainStartError():
            why = _UNCERTAIN
        case _:
            why = str(error)
    trouble = f"{why} What you typed is still here."
    response = replace(page, trouble=trouble).response(pages, status=503)
    response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response
