"""Who may ask: keys of the API, the page's cookie, and requests that another site made a browser send."""

import hashlib
import hmac
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from itsdangerous import BadSignature, TimestampSigner
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection, Request

COOKIE: Final = "retakes"
COOKIE_LIFETIME: Final = timedelta(days=30)

_SCHEME: Final = b"bearer "
_CONTENT: Final = "page"
_NAMES_NEARBY: Final = (".localhost", ".test", ".local", ".internal", ".home.arpa")
_SAFE_METHODS: Final = ("GET", "HEAD", "OPTIONS")


class Keys:
    """The keys that open the API. Only their digests are kept."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._digests = [_digest(key.encode()) for key in keys]
        # From the keys themselves, so that every process accepts the cookies of all, and a changed key ends them.
        secret = _digest(b"".join(sorted(self._digests))).hex()
        self._signer = TimestampSigner(secret, salt="retakes page", digest_method=hashlib.sha256)

    def __bool__(self) -> bool:
        return bool(self._digests)

    def accept(self, key: bytes) -> bool:
        """Whether this is one of the keys. Takes as long whichever it is, or if it is none."""
        digest = _digest(key)
        return sum(hmac.compare_digest(digest, known) for known in self._digests) > 0

    def cookie(self) -> str:
        """Return a value that shows that somebody gave a key."""
        return self._signer.sign(_CONTENT).decode()

    def accept_cookie(self, value: str) -> bool:
        """Whether a value is one of `cookie`, and recent."""
        try:
            content = self._signer.unsign(value.encode(), max_age=int(COOKIE_LIFETIME.total_seconds()))
        except BadSignature:
            return False
        return content == _CONTENT.encode()


def is_authorised(connection: HTTPConnection, *, keys: Keys) -> bool:
    """Whether a request shows a key, or the cookie of the page. A wrong key is not made up for by a cookie."""
    for name, value in connection.scope["headers"]:
        if name == b"authorization":
            return value[: len(_SCHEME)].lower() == _SCHEME and keys.accept(value[len(_SCHEME) :].strip())
    return keys.accept_cookie(connection.cookies.get(COOKIE, ""))


def is_from_elsewhere(request: Request) -> bool:
    """Whether another site made a browser send this request, which would carry our cookie with it.

    Programs send neither header, and nobody tricks a program into a click.
    """
    if request.method in _SAFE_METHODS:
        return False
    headers: Headers = request.headers
    if site := headers.get("sec-fetch-site"):
        return site not in ("same-origin", "none")
    if origin := headers.get("origin"):
        return _network_location(origin) != headers.get("host")
    return False


def is_public_name(host: str) -> bool:
    """Whether a Host header gives a name that anybody may own, so that anybody may have it lead to this machine.

    Addresses, names without a dot, and those that are reserved for machines nearby are not.
    """
    try:
        name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return True
    with suppress(ValueError):
        ip_address(name)
        return False
    return "." in name and not name.endswith(_NAMES_NEARBY)


def _network_location(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None


def _digest(text: bytes) -> bytes:
    return hashlib.sha256(text).digest()
