"""Callbacks: what tells somebody else's server that a session has settled, and which addresses it may have."""

import re
from datetime import datetime
from enum import StrEnum
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from sessions.addresses import is_host
from sessions.model import Value
from sessions.statuses import SessionKind, SessionStatus
from sessions.view import Counts, Links

MAX_URL_CHARACTERS = 2000

_ALLOWED = re.compile(r"[!-~]+")
_FORBIDDEN = frozenset('"<>\\^`{|}')
_HIDDEN = "***"


def _valid_callback_url(url: str) -> str:
    if _ALLOWED.fullmatch(url) is None or not _FORBIDDEN.isdisjoint(url):
        raise ValueError(
            "must be an address in ASCII without spaces, quotes, brackets and backslashes: percent-encode them, "
            "and write an international name in its xn-- form"
        )
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError("must be an address such as https://hooks.example/retakes") from error
    if parts.scheme not in ("http", "https"):
        raise ValueError("must start with https:// or http://")
    if "@" in parts.netloc:
        raise ValueError("must not hold a user or a password; every call is signed instead")
    if "#" in url:
        raise ValueError("must not have a fragment (#…): it is never sent")
    if not host or not is_host(host):
        raise ValueError("must name a host, such as https://hooks.example/retakes")
    if port == 0:
        raise ValueError("must have a port between 1 and 65535, or none")
    return url


CallbackUrl = Annotated[str, Field(max_length=MAX_URL_CHARACTERS), AfterValidator(_valid_callback_url)]
"""An address to call. Whether it may lie in a private network is the installation's to say, not this type's."""


def host_of(url: str) -> str:
    """Return the host of a valid address, without brackets."""
    return urlsplit(url).hostname or ""


def shown_url(url: str) -> str:
    """Return an address as logs show it: with its query's names, and without their values, which may be secrets."""
    address, mark, query = url.partition("?")
    fields = (field.partition("=") for field in query.split("&"))
    return address + mark + "&".join(f"{name}={_HIDDEN}" if sign else _HIDDEN for name, sign, _ in fields if mark)


class CallbackType(StrEnum):
    """What a callback tells of."""

    SESSION_SETTLED = "session.settled"
    TEST = "test"


class CallbackMessage(Value):
    """One callback as it is sent. ``id`` and ``body`` are the same at every attempt: receivers know repetitions by it.

    ``body`` is JSON, and signed as it stands.
    """

    id: str
    url: str
    body: str


class SettledSession(Value):
    """What a callback says of a session. ``version`` tells which of two callbacks is the newer one."""

    id: str
    kind: SessionKind
    title: str
    status: SessionStatus
    round: int
    version: int
    counts: Counts
    message: str
    links: Links


class CallbackTest(Value):
    """What a test call says."""

    message: str = "This is a test of a callback address. No session has settled."


class CallbackBody(Value):
    """The body of every callback. ``timestamp`` is when it happened, and not when it was sent."""

    type: CallbackType
    timestamp: datetime
    data: SettledSession | CallbackTest


class CallbackTask(Value):
    """One callback to deliver: the payload of the activity."""

    delivery_id: str
    url: str
    settled_at: datetime
    session: SettledSession

    def message(self) -> CallbackMessage:
        """Return what is sent, the same at every attempt."""
        body = CallbackBody(type=CallbackType.SESSION_SETTLED, timestamp=self.settled_at, data=self.session)
        return CallbackMessage(id=self.delivery_id, url=self.url, body=body.model_dump_json())
