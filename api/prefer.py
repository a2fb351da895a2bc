"""What a client prefers of an answer (RFC 7240), as far as it is heeded: not to wait for it, or only so long."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

_NAME: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_QUOTED: Final = r'"(?:[^"\\]|\\.)*"'
_WORD: Final = rf"(?:{_NAME}|{_QUOTED})"
_PARAMETER: Final = rf"[ \t]*;[ \t]*(?:{_NAME}(?:[ \t]*=[ \t]*{_WORD})?)?"
_PREFERENCE: Final = re.compile(rf"({_NAME})(?:[ \t]*=[ \t]*({_WORD}))?(?:{_PARAMETER})*[ \t]*(?=,|$)")
_BETWEEN: Final = re.compile(r"[ \t,]*")
_REST: Final = re.compile(r"[^,]*")
_SECONDS: Final = re.compile(r"[0-9]{1,10}")
_LONGEST_WAIT: Final = timedelta(days=365)


@dataclass(frozen=True, kw_only=True)
class Preferences:
    """How long a client waits: None stands for as long as it takes. ``applied`` says which preferences that were."""

    patience: timedelta | None
    applied: str | None


def preferences_in(headers: Iterable[str]) -> Preferences:
    """Return what the ``Prefer`` headers of a request say. What is malformed or unknown is passed over."""
    said: dict[str, str] = {}
    for header in headers:
        for name, value in _preferences(header):
            said.setdefault(name, value)
    is_async = said.get("respond-async") == ""
    seconds = said.get("wait", "")
    if _SECONDS.fullmatch(seconds):
        patience = min(timedelta(seconds=int(seconds)), _LONGEST_WAIT)
        applied = f"wait={seconds}"
        return Preferences(patience=patience, applied=f"respond-async, {applied}" if is_async else applied)
    if is_async:
        return Preferences(patience=timedelta(0), applied="respond-async")
    return Preferences(patience=None, applied=None)


def _preferences(header: str) -> Iterator[tuple[str, str]]:
    position = 0
    while position < len(header):
        position = _end_of(_BETWEEN.match(header, position), position)
        if match := _PREFERENCE.match(header, position):
            yield match[1].lower(), _unquoted(match[2] or "")
            position = match.end()
        else:
            position = _end_of(_REST.match(header, position), position)


def _end_of(match: re.Match[str] | None, position: int) -> int:
    return match.end() if match else position


def _unquoted(word: str) -> str:
    return re.sub(r"\\(.)", r"\1", word[1:-1]) if word.startswith('"') else word
