"""The forms that the value of a setting may take. Their messages follow the variable's name: "X should be …"."""

import base64
import ipaddress
import os
import re
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import quote, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field

WEBHOOK_SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - what every secret begins with

_DRIVERS: Final = {
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
    "postgresql+asyncpg": "postgresql+asyncpg",
}


def read_file(path: Path) -> str:
    """Return the text of a file that a setting names.

    Raises:
        ValueError: it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ValueError(f"names a file that cannot be read: {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"names a file that is not UTF-8 text: {path}") from error


def with_async_driver(url: str, *, password: str | None) -> str:
    """Return a database's URL with the driver that the records use, and the password when one is given.

    Raises:
        ValueError: the records know no such database.
    """
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in _DRIVERS:
        raise ValueError("should start with postgresql+asyncpg:// or sqlite+aiosqlite://")
    complete = f"{_DRIVERS[scheme]}://{rest}"
    if password is None:
        return complete
    parts = urlsplit(complete)
    user, _, location = parts.netloc.rpartition("@")
    netloc = f"{user.partition(':')[0]}:{quote(password, safe='')}@{location}"
    return parts._replace(netloc=netloc).geturl()


def is_loopback(host: str) -> bool:
    """Tell whether only this machine reaches a host."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def checked_webhook_secret(secret: str) -> str:
    """Return a secret that callbacks are signed with.

    Raises:
        ValueError: it does not have the form that Standard Webhooks prescribes.
    """
    try:
        key = base64.b64decode(secret.removeprefix(WEBHOOK_SECRET_PREFIX), validate=True)
    except ValueError:
        key = b""
    if not secret.startswith(WEBHOOK_SECRET_PREFIX) or not 24 <= len(key) <= 64:
        raise ValueError(
            f"should be {WEBHOOK_SECRET_PREFIX} and then 24 to 64 random bytes in base64: "
            'echo "whsec_$(head -c 32 /dev/urandom | base64)" makes one'
        )
    return secret


def _absolute(path: Path) -> Path:
    # Not Path.expanduser: it raises for a user that does not exist, where this leaves the name as it is.
    return Path(os.path.expanduser(path)).absolute()  # noqa: PTH111 - see above


def _readable(path: Path) -> Path:
    read_file(path)
    return path


def _host_and_port(address: str) -> str:
    if not re.fullmatch(r"\S+:\d{1,5}", address):
        raise ValueError("should be HOST:PORT, such as temporal.example:7233")
    return address


def _http_address(url: str) -> str:
    if not re.fullmatch(r"https?://\S+", url):
        raise ValueError("should be an address that starts with http:// or https://")
    return url.rstrip("/")


Port = Annotated[int, Field(ge=1, le=65_535)]
Folder = Annotated[Path, AfterValidator(_absolute)]
ReadableFile = Annotated[Path, AfterValidator(_readable)]
HostAndPort = Annotated[str, AfterValidator(_host_and_port)]
HttpAddress = Annotated[str, AfterValidator(_http_address)]
UpperCase = BeforeValidator(lambda value: value.upper() if isinstance(value, str) else value)
