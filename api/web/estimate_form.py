"""What the forms would cost: shown while somebody types, or on the page again where no script runs."""

from typing import Final

from fastapi import APIRouter
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from api.services import TheServices
from api.web.estimate_words import EstimateWords, words_of
from api.web.images_form import ImagesForm
from api.web.mistakes import mistakes_of
from api.web.new_page import NewPage
from api.web.pages import ThePages
from api.web.paths import ESTIMATE_IMAGES, ESTIMATE_STORY, is_scripted
from api.web.photo_form import TheForm, keep_all
from api.web.story_form import StoryForm
from service.costs import CostService
from service.errors import CallbackRefusedError, OutOfReachError, UnknownReferenceError
from sessions.estimates import ImageEstimateRequest, StoryEstimateRequest
from sessions.statuses import SessionKind

router = APIRouter(include_in_schema=False)

_NO_IDEA: Final = EstimateWords(amount="Write down the idea to see what it costs.")


@router.post(ESTIMATE_IMAGES)
async def estimate_images(data: TheForm, request: Request, services: TheServices, pages: ThePages) -> Response:
    """Tell what images would cost."""
    form = ImagesForm.sent(data)
    refused: tuple[str, ...] = ()
    if not is_scripted(request):
        kept, why = await keep_all(data, uploads=services.uploads)
        form, refused = form.with_kept((*form.kept, *kept)), tuple(why)
    words = await _words(form, costs=services.costs)
    if is_scripted(request):
        return pages.page("estimate.html", estimate=words)
    mistakes = {"photos": refused} if refused else {}
    return NewPage(images=form, image_mistakes=mistakes, image_estimate=words).response(pages)


@router.post(ESTIMATE_STORY)
async def estimate_story(data: TheForm, request: Request, services: TheServices, pages: ThePages) -> Response:
    """Tell what a story would cost."""
    form = StoryForm.sent(data)
    words = await _words(form, costs=services.costs) if form.idea.strip() else _NO_IDEA
    if is_scripted(request):
        return pages.page("estimate.html", estimate=words)
    return NewPage(story=form, story_estimate=words).response(pages)


async def _words(form: ImagesForm | StoryForm, *, costs: CostService) -> EstimateWords:
    """Return what a form would cost in words, or what keeps it from being told."""
    try:
        request = form.to_estimate().request()
    except ValidationError as error:
        mistakes = mistakes_of(error, place_of=form.place_of)
        return EstimateWords(amount="The cost is shown once this is corrected.", basis=next(iter(mistakes.values()))[0])
    is_story = isinstance(form, StoryForm)
    kind = SessionKind.STORY if is_story else SessionKind.IMAGES
    model = StoryEstimateRequest if is_story else ImageEstimateRequest
    # Built from what was validated a moment ago: a request to be estimated is that and its kind.
    asked = model.model_validate({**request.model_dump(), "kind": kind})
    try:
        return words_of(await costs.estimate(asked), budget_usd=request.budget_usd)
    except (CallbackRefusedError, OutOfReachError, UnknownReferenceError) as error:
        return EstimateWords(amount="The cost cannot be told now.", basis=str(error))
