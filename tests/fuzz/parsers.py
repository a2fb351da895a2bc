"""Atheris on what parses bytes: `python -m tests.fuzz.parsers TARGET [-max_total_time=60] [-seed=1]`.

Atheris watches which branches an input reaches, and changes those that reached new ones: it gets deeper into a parser
than examples that know nothing of it. It is a native library of a few platforms, so it is installed by `make fuzz`
alone. An exception that a target does not expect ends the run with 77 and leaves the input as `crash-…`.
"""

import sys
import zlib
from collections.abc import Callable, Mapping
from typing import Any, Final

import atheris

with atheris.instrument_imports(include=["imaging", "sessions", "providers", "api", "runtime"]):
    import httpx2

    from api.prefer import preferences_in
    from api.problems import problem_of
    from api.sent_results import sent_result_in
    from imaging.inspect import NotAPictureError, PictureType
    from imaging.metadata import without_metadata
    from imaging.photos import prepared_photo
    from providers.openai_written import written_chat, written_response
    from sessions.errors import AttemptError
    from sessions.ports import TextCall
    from sessions.story_checks import InvalidStoryError, outline_of, story_set_of

from api.problems import STATUSES
from tests.unit.sessions import story_examples as examples

_CALL: Final = TextCall(prompt="Set 1 of 1", model="gpt-6-luna", schema_name="story_set", json_schema="{}")
_REQUEST: Final = examples.request_of()
_OUTLINE: Final = examples.outline_for(_REQUEST)
_MOST_PIXELS: Final = 100_000
_KINDS: Final[tuple[PictureType, ...]] = ("image/png", "image/jpeg", "image/webp")


def metadata(data: bytes) -> None:
    """Take the metadata out of what calls itself a picture."""
    for kind in _KINDS:
        try:
            without_metadata(data, media_type=kind)
        except NotAPictureError:
            continue


def photo(data: bytes) -> None:
    """Decode, turn and clean a photo. Right checksums are put into a PNG, or none would get past them."""
    for candidate in (data, _with_checksums(data)):
        try:
            prepared_photo(candidate, max_pixels=_MOST_PIXELS)
        except NotAPictureError:
            continue


def story(data: bytes) -> None:
    """Read what a model wrote as an outline and as a set."""
    text = data.decode("utf-8", errors="replace")
    for read in (
        lambda: outline_of(text, request=_REQUEST, plan=_REQUEST.plan),
        lambda: story_set_of(text, metadata=_OUTLINE.metadata, plan=_REQUEST.plan, set_number=1),
    ):
        try:
            read()
        except InvalidStoryError:
            continue


def answer(data: bytes) -> None:
    """Read what a text API answered."""
    response = httpx2.Response(200, content=data, headers={"content-type": "application/json"})
    for read in (written_response, written_chat):
        try:
            read(response, call=_CALL)
        except AttemptError:
            continue


def sent(data: bytes) -> None:
    """Read a result that a client sends back, and a Prefer header."""
    preferences_in([data.decode("latin-1")])
    try:
        sent_result_in(data)
    except Exception as error:
        _expected(error)


def _expected(error: Exception) -> None:
    """Raise an error again unless the API answers it with a refusal."""
    from fastapi import HTTPException
    from fastapi.exceptions import RequestValidationError

    if isinstance(error, HTTPException | RequestValidationError):
        return
    if not isinstance(error, tuple(STATUSES)):
        raise error
    problem_of(error)


def _with_checksums(data: bytes) -> bytes:
    """Return bytes as a PNG of the chunks that they name, each with the checksum that it should have."""
    parts = [b"\x89PNG\r\n\x1a\n"]
    position = 8
    while position + 12 <= len(data):
        length = int.from_bytes(data[position : position + 4], "big") % 4096
        body = data[position + 4 : position + 8 + length]
        parts.append(max(0, len(body) - 4).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big"))
        position += 12 + length
    return b"".join(parts)


TARGETS: Final[Mapping[str, Callable[[bytes], None]]] = {
    "metadata": metadata,
    "photo": photo,
    "story": story,
    "answer": answer,
    "sent": sent,
}


def main(arguments: list[str]) -> Any:
    """Attack one target until the time is over or something breaks."""
    atheris.Setup([arguments[0], *arguments[2:]], TARGETS[arguments[1]])
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv)
