"""Names of the files that people download."""

import re
from typing import Final
from urllib.parse import quote

from sessions.view import SessionView

_EXTENSIONS: Final = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp", "application/json": "json"}
_MARKETPLACE_NAMES: Final = {"main": "main_image"}
_LONGEST_TITLE: Final = 60


def file_name(stem: str, *, media_type: str) -> str:
    """Return the name of a file with this content."""
    return f"{stem}.{_EXTENSIONS.get(media_type, 'bin')}"


def marketplace_name(key: str, *, position: int, media_type: str) -> str:
    """Return the name under which marketplaces expect an image: `1_main_image.png`, `2_infographic_1.png` and so on.

    ``position`` counts the items of the session from 1.
    """
    return file_name(f"{position}_{_MARKETPLACE_NAMES.get(key, key)}", media_type=media_type)


def archive_disposition(session: SessionView) -> str:
    """Return the Content-Disposition of a session's archive: named by its title, by its id where that cannot be."""
    return export_disposition(session.title, extension="zip", fallback=session.id)


def export_disposition(title: str, *, extension: str, fallback: str) -> str:
    """Return the Content-Disposition of a file that is named by a title, or by ``fallback`` where that cannot be."""
    stem = re.sub(r"\W+", "_", title[:_LONGEST_TITLE]).strip("_") or fallback
    named = quote(f"{stem}.{extension}", safe="")
    return f"attachment; filename=\"{fallback}.{extension}\"; filename*=UTF-8''{named}"
