"""What the environment tells the command line of the server that it asks: the environment first, then `.env`."""

import re
from pathlib import Path
from typing import Annotated, Final

from pydantic import AfterValidator, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from runtime.refusal import Refused
from runtime.setting_types import HttpAddress, Port, ReadableFile, read_file

_PREFIX: Final = "RETAKES_"
_EVERYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where a server listens, not where we do

CLIENT_VARIABLES: Final = ("RETAKES_URL", "RETAKES_API_KEY", "RETAKES_THUMBNAILS")
"""Those that mean nothing to a server."""


def _fits_a_header(key: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[!-~]+", key.get_secret_value()):
        raise ValueError("should be one of the server's keys: visible ASCII characters, without spaces")
    return key


def _without_password(url: str) -> str:
    if "@" in url.partition("://")[2].partition("/")[0]:
        raise ValueError("should hold no name or password: RETAKES_API_KEY takes the server's key")
    return url


class ClientSettings(BaseSettings):
    """Where the server is, and what opens it."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX,
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    url: Annotated[HttpAddress, AfterValidator(_without_password)] | None = None
    api_key: Annotated[SecretStr, AfterValidator(_fits_a_header)] | None = None
    api_host: str = "127.0.0.1"
    api_port: Port = 8000
    api_keys: SecretStr | None = None
    api_keys_file: ReadableFile | None = None

    @property
    def address(self) -> str:
        """The server's address: the one that is set, else of the server that these settings would start."""
        if self.url is not None:
            return self.url
        host = _EVERYWHERE.get(self.api_host, self.api_host)
        return f"http://{f'[{host}]' if ':' in host else host}:{self.api_port}"

    @property
    def key(self) -> str | None:
        """The key to show: one's own, else one of those that the server of these settings knows.

        Those are never shown to the server of another address.
        """
        if self.api_key is not None:
            return self.api_key.get_secret_value()
        if self.url is not None:
            return None
        listed = self.api_keys.get_secret_value().split(",") if self.api_keys else []
        lines = read_file(self.api_keys_file).splitlines() if self.api_keys_file else []
        return next((key.strip() for key in (*listed, *lines) if key.strip()), None)


def load_client_settings() -> ClientSettings:
    """Read the settings.

    Raises:
        Refused: a value is wrong; the message names the variable.
    """
    try:
        return ClientSettings()
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        reason = first["msg"].removeprefix("Value error, ").removeprefix("Input ")
        raise Refused(f"{_PREFIX}{str(first['loc'][0]).upper()} {reason}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{Path('.env')} cannot be read: {error}") from error
