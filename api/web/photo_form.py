"""Photos of the form for images: kept as soon as they are chosen, and shown small."""

from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Final

from fastapi import APIRouter, Depends, HTTPException, Path
from starlette.datastructures import FormData, UploadFile
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from api.routes.uploads import MOST_PICTURE_BYTES
from api.services import TheServices, UploadKeeping, UploadRefusedError
from api.web.images_form import KeptPhoto
from api.web.pages import ThePages
from api.web.paths import PHOTOS
from service.errors import OutOfReachError

router = APIRouter(include_in_schema=False)

_NAME_CHARACTERS: Final = 100
_TOO_LARGE: Final = "The picture is larger than 20 MB. Scale it down and upload it again."


async def sent_form(request: Request) -> AsyncIterator[FormData]:
    """Give out the form that a browser has sent, and throw its files away afterwards."""
    try:
        data = await request.form()
    except (ValueError, KeyError, ClientDisconnect) as error:
        raise HTTPException(400) from error
    try:
        yield data
    finally:
        await data.close()


TheForm = Annotated[FormData, Depends(sent_form)]


@router.post(PHOTOS)
async def keep(data: TheForm, services: TheServices, pages: ThePages) -> Response:
    """Keep one photo, and show it as the form does."""
    files = _files(data)
    if not files:
        raise HTTPException(422, "Choose a picture to upload.")
    return pages.page("photo.html", photo=await _kept(files[0], uploads=services.uploads))


@router.get(f"{PHOTOS}/{{upload_id}}")
async def preview(upload_id: Annotated[str, Path(max_length=100)], services: TheServices) -> Response:
    """Show a photo that was uploaded."""
    try:
        data = await services.uploads.preview(upload_id)
    except KeyError as error:
        raise HTTPException(404, "There is no such photo. Add it again.") from error
    # The same address always holds the same picture: it is named by its content.
    headers = {"Cache-Control": "private, max-age=31536000, immutable"}
    return Response(data, media_type="image/webp", headers=headers)


async def keep_all(data: FormData, *, uploads: UploadKeeping) -> tuple[Sequence[KeptPhoto], Sequence[str]]:
    """Keep the photos that a form brings along. Return those that were kept, and why others were not."""
    kept: list[KeptPhoto] = []
    refused: list[str] = []
    for file in _files(data):
        try:
            kept.append(await _kept(file, uploads=uploads))
        except (UploadRefusedError, OutOfReachError) as error:
            refused.append(f"{_name(file)}: {error}")
    return kept, refused


async def _kept(file: UploadFile, *, uploads: UploadKeeping) -> KeptPhoto:
    if (file.size or 0) > MOST_PICTURE_BYTES:
        raise UploadRefusedError(_TOO_LARGE)
    upload = await uploads.add(await file.read())
    return KeptPhoto(id=upload.id, name=_name(file))


def _files(data: FormData) -> Sequence[UploadFile]:
    # A browser sends an empty file without a name where none was chosen.
    sent = (value for value in data.getlist("photos") if isinstance(value, UploadFile))
    return [file for file in sent if file.filename or file.size]


def _name(file: UploadFile) -> str:
    """Return what a file is called, short enough to be shown."""
    name = " ".join((file.filename or "").split())
    return name[-_NAME_CHARACTERS:] or "photo"
