"""Reference photos."""

from typing import Annotated, Final

from fastapi import APIRouter, File, HTTPException, UploadFile

from api.openapi import problems
from api.services import TheServices
from sessions.uploads import Upload

router = APIRouter(prefix="/api", tags=["uploads"])

UPLOADS_PATH: Final = "/api/uploads"
MOST_PICTURE_BYTES: Final = 20 * 2**20


@router.post(
    "/uploads",
    status_code=201,
    responses=problems(413),
    summary="Upload a reference photo",
    form_limits={"max_files": 1, "max_fields": 1},
)
async def upload(
    file: Annotated[UploadFile, File(description="JPEG, PNG or WebP, at most 20 MB.")], services: TheServices
) -> Upload:
    """Keep a picture. EXIF rotation is applied; the same picture gets the same id again."""
    if (file.size or 0) > MOST_PICTURE_BYTES:
        raise HTTPException(413, "The picture is larger than 20 MB. Send a smaller one.")
    return await services.uploads.add(await file.read())
