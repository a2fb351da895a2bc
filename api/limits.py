"""How many bytes a request may have, by its path."""

from collections.abc import Mapping
from typing import Final

from api.routes.generation import GENERATE_PATH, MOST_RESULT_BYTES, RETRY_PATH
from api.routes.uploads import UPLOADS_PATH
from api.web.paths import ESTIMATE_IMAGES, ESTIMATE_STORY, NEW, NEW_STORY, PHOTOS

MOST_BYTES: Final = 2**20

# An idea of 100,000 characters, escaped by clients that send nothing but ASCII, and a cast beside it.
_MOST_STORY_BYTES: Final = 2 * 2**20
# A picture of 20 MB and what is sent around it.
_MOST_PICTURE_BYTES: Final = 21 * 2**20
# A form that brings its photos along, where no script has sent them one by one before.
_MOST_FORM_BYTES: Final = 128 * 2**20

MOST_BYTES_AT: Final[Mapping[str, int]] = {
    "/api/sessions/stories": _MOST_STORY_BYTES,
    "/api/estimate": _MOST_STORY_BYTES,
    GENERATE_PATH: _MOST_STORY_BYTES,
    f"/api{GENERATE_PATH}": _MOST_STORY_BYTES,
    NEW_STORY: _MOST_STORY_BYTES,
    ESTIMATE_STORY: _MOST_STORY_BYTES,
    UPLOADS_PATH: _MOST_PICTURE_BYTES,
    PHOTOS: _MOST_PICTURE_BYTES,
    NEW: _MOST_FORM_BYTES,
    ESTIMATE_IMAGES: _MOST_FORM_BYTES,
    RETRY_PATH: MOST_RESULT_BYTES,
    f"/api{RETRY_PATH}": MOST_RESULT_BYTES,
}
"""Paths that take more, or less."""
