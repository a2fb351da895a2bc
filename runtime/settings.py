"""The settings of every process, read once at the entry point: the environment first, then `.env`."""

import os
import re
import sys
from collections.abc import Callable, Mapping
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from runtime.client_settings import CLIENT_VARIABLES
from runtime.durations import Duration
from runtime.refusal import Refused
from runtime.setting_types import (
    Folder,
    HostAndPort,
    HttpAddress,
    Port,
    ReadableFile,
    UpperCase,
    checked_webhook_secret,
    is_loopback,
    read_file,
    with_async_driver,
)
from sessions.addresses import why_private_host
from sessions.callbacks import CallbackUrl, host_of
from sessions.rates import MOST_PER_MINUTE

PREFIX: Final = "RETAKES_"
DOTENV: Final = Path(".env")


class SettingsError(Refused):
    """A setting is wrong. The message is one line that names the variable and says what it should be."""


class Settings(BaseSettings):
    """What the environment decides. Secrets are `SecretStr`, so that printing settings never shows one.

    Built directly, it reads the environment but no `.env`; `load_settings` reads both.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True
    )

    data_dir: Folder = Path("var")
    """Everything kept, as an absolute path: Temporal's file, records, artifacts, uploads, logs; and the spool."""

    api_host: str = "127.0.0.1"
    api_port: Port = 8000
    api_keys_file: ReadableFile | None = None
    """One key a line; they count beside those of `api_keys`."""
    api_keys: Annotated[tuple[SecretStr, ...], NoDecode] = ()
    """Keys that callers of the API show, the file's among them. Empty: the API asks for none."""

    temporal_port: Port = 7233
    temporal_ui_port: Port = 8233
    temporal_ui_elsewhere: HttpAddress | None = Field(default=None, validation_alias="RETAKES_TEMPORAL_UI_URL")
    temporal_address: HostAndPort | None = Field(default=None, validation_alias="TEMPORAL_ADDRESS")
    temporal_namespace: str | None = Field(default=None, validation_alias="TEMPORAL_NAMESPACE")
    temporal_profile: str | None = Field(default=None, validation_alias="TEMPORAL_PROFILE")
    temporal_api_key: SecretStr | None = Field(default=None, validation_alias="TEMPORAL_API_KEY")
    temporal_variables: dict[str, SecretStr] = Field(default_factory=lambda: _temporal_variables(os.environ))
    """Every `TEMPORAL_…` variable as it was found, for Temporal's own client configuration (TLS and the like)."""

    openai_api_key_file: ReadableFile | None = Field(default=None, validation_alias="OPENAI_API_KEY_FILE")
    openai_api_key: SecretStr | None = Field(default=None, validation_alias="OPENAI_API_KEY")
    openai_base_url: HttpAddress | None = Field(default=None, validation_alias="OPENAI_BASE_URL")
    offline_port: Port = 8900
    image_model: str = "gpt-image-2.5-flare"
    text_model: str = "gpt-6-luna"
    text_api: Literal["responses", "chat"] = "responses"
    text_background: Literal["never", "brief", "stored"] = "never"
    """Whether texts are made in the background, so that a worker's death loses none that is paid for."""
    prices_file: ReadableFile | None = None
    """A price table of one's own, in place of the one that is shipped."""

    database_password_file: ReadableFile | None = None
    """Holds the password that `database_url` leaves out."""
    database_url: SecretStr = SecretStr("")
    """SQLAlchemy's URL of the records, with an async driver; it may hold a password."""
    artifacts_url: str = ""
    """Where artifacts are kept: `file:///absolute/folder` or `s3://bucket/prefix`."""

    retry_window: Duration = Field(default=timedelta(days=7), ge=timedelta(0))
    """How long a settled session with failed items stays open for a retry."""
    attempt_timeout: Duration = Field(default=timedelta(minutes=5), gt=timedelta(0))
    """The overall deadline of one call to a provider."""
    throttle_patience: Duration = Field(default=timedelta(minutes=10), ge=timedelta(0))
    """How long one attempt waits, in total, for a provider that asks for patience."""
    shutdown_grace: Duration = Field(default=timedelta(seconds=6), ge=timedelta(0))
    """How long a process may take to end after SIGTERM; `retakes up` then kills it."""
    images_per_minute: float | None = Field(default=None, gt=0, le=MOST_PER_MINUTE, allow_inf_nan=False)
    """Limit on image starts per minute over all workers."""
    monthly_budget_usd: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    """What all sessions together may cost in a month, in US dollars; no attempt begins that could pass it."""
    concurrency: int = Field(default=20, ge=1, le=1000)
    """Activities that one worker runs at the same time."""

    webhook_allow_private: bool = False
    """Whether callback addresses may lie in private networks."""
    webhook_secret_file: ReadableFile | None = None
    webhook_secret: SecretStr | None = None
    """What callbacks are signed with, ``whsec_…``. None: `runtime.webhook_secret` may keep one of its own."""
    callback_url: CallbackUrl | None = None
    """Where sessions call that name no address of their own."""
    log_format: Literal["json", "console"] | None = None
    """None: console where a person looks at a terminal, JSON lines elsewhere."""
    log_level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], UpperCase] = "INFO"
    worker_metrics_port: Port | None = None
    """Where the worker shows Temporal's own metrics to Prometheus, on the loopback address."""
    under_supervisor: bool = False
    """Set by `retakes up` for its children, which then leave warnings about settings to it."""

    @field_validator("api_keys", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        keys = [text.strip() for text in value.split(",") if text.strip()]
        if not keys:
            raise ValueError("should hold at least one key")
        return keys

    @field_validator("api_keys")
    @classmethod
    def _with_those_of_the_file(cls, keys: tuple[SecretStr, ...], info: ValidationInfo) -> tuple[SecretStr, ...]:
        file: Path | None = info.data.get("api_keys_file")
        lines = read_file(file).splitlines() if file is not None else []
        complete = (*keys, *(SecretStr(line.strip()) for line in lines if line.strip()))
        if file is not None and not complete:
            raise ValueError("should hold at least one key, there or in RETAKES_API_KEYS_FILE")
        return complete

    @field_validator("openai_api_key")
    @classmethod
    def _else_from_the_file(cls, key: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        file: Path | None = info.data.get("openai_api_key_file")
        text = read_file(file).strip() if key is None and file is not None else ""
        return SecretStr(text) if text else key

    @field_validator("webhook_secret")
    @classmethod
    def _in_the_form_of_the_standard(cls, secret: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        file: Path | None = info.data.get("webhook_secret_file")
        if secret is None and file is None:
            return None
        text = secret.get_secret_value() if secret is not None else read_file(file).strip() if file else ""
        return SecretStr(checked_webhook_secret(text))

    @field_validator("callback_url")
    @classmethod
    def _leads_outside(cls, url: str | None, info: ValidationInfo) -> str | None:
        if url is not None and not info.data.get("webhook_allow_private") and (why := why_private_host(host_of(url))):
            raise ValueError(f"should lead to the public internet: {why}. RETAKES_WEBHOOK_ALLOW_PRIVATE=true allows it")
        return url

    @field_validator("database_url")
    @classmethod
    def _else_sqlite(cls, url: SecretStr, info: ValidationInfo) -> SecretStr:
        if not url.get_secret_value():
            return SecretStr(f"sqlite+aiosqlite:///{info.data['data_dir'] / 'records.sqlite3'}")
        file: Path | None = info.data.get("database_password_file")
        password = read_file(file).strip() if file else None
        return SecretStr(with_async_driver(url.get_secret_value(), password=password))

    @field_validator("artifacts_url")
    @classmethod
    def _else_in_the_data_folder(cls, url: str, info: ValidationInfo) -> str:
        if not url:
            folder: Path = info.data["data_dir"] / "artifacts"
            return folder.as_uri()
        if not re.fullmatch(r"file:///.+|s3://[^/]+(/.*)?", url):
            raise ValueError("should be file:///absolute/folder or s3://bucket/prefix")
        return url

    @model_validator(mode="after")
    def _refuse_an_open_door(self) -> Self:
        if not self.api_keys and not is_loopback(self.api_host):
            raise ValueError(
                "RETAKES_API_HOST should be a loopback address while no API keys are set: "
                "set RETAKES_API_KEYS or RETAKES_API_KEYS_FILE to open the API to other machines"
            )
        return self

    @model_validator(mode="after")
    def _refuse_calls_that_cannot_be_signed(self) -> Self:
        if self.callback_url is not None and self.webhook_secret is None and not self.embedded_temporal:
            raise ValueError(
                "RETAKES_CALLBACK_URL needs RETAKES_WEBHOOK_SECRET or RETAKES_WEBHOOK_SECRET_FILE: the API and the "
                "workers may be on different machines here, and have to sign with the same secret"
            )
        return self

    @property
    def spool_dir(self) -> Path:
        """Where a worker sets aside what the artifact store does not take."""
        return self.data_dir / "spool"

    @property
    def embedded_temporal(self) -> bool:
        """Whether `retakes up` brings its own Temporal server."""
        elsewhere = (self.temporal_address, self.temporal_profile, self.temporal_variables.get("TEMPORAL_CONFIG_FILE"))
        return not any(elsewhere)

    @property
    def temporal_ui_url(self) -> str | None:
        """The address of Temporal's UI, without a slash at its end, or None when nobody said where it is."""
        own = f"http://127.0.0.1:{self.temporal_ui_port}" if self.embedded_temporal else None
        return self.temporal_ui_elsewhere or own

    @property
    def offline(self) -> bool:
        """Whether `retakes up` brings the offline provider, for want of another."""
        return self.openai_api_key is None and self.openai_base_url is None

    @property
    def attempt_shutdown_grace(self) -> timedelta:
        """How long a stopping worker lets attempts finish: the rest of the grace is for reporting them."""
        return self.shutdown_grace * 0.75


def load_settings(*, dotenv: Path = DOTENV, warn: Callable[[str], None] | None = None) -> Settings:
    """Read the settings from the environment, then `.env`.

    Args:
        dotenv: the file beside the environment; it need not exist.
        warn: takes a line about each variable that will have no effect; standard error when left out.

    Raises:
        SettingsError: a value is wrong.
    """
    try:
        from_file = {name: value for name, value in dotenv_values(dotenv, encoding="utf-8").items() if value}
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{dotenv} cannot be read: {error}") from error
    found = {**from_file, **{name: value for name, value in os.environ.items() if value}}
    try:
        settings = Settings(_env_file=dotenv, temporal_variables=_temporal_variables(found))
    except ValidationError as error:
        raise SettingsError(_in_one_line(error)) from None
    if not settings.under_supervisor:
        for line in _without_effect(found, settings=settings):
            (warn or _to_standard_error)(line)
    return settings


def variable_of(field: str) -> str:
    """Return the name of the variable that sets a field of `Settings`."""
    alias = Settings.model_fields[field].validation_alias
    return alias if isinstance(alias, str) else PREFIX + field.upper()


def _without_effect(found: Mapping[str, str], *, settings: Settings) -> list[str]:
    known = [variable_of(field) for field in Settings.model_fields if field != "temporal_variables"]
    known += CLIENT_VARIABLES
    lines = []
    for name in sorted(found):
        if name.upper().startswith(PREFIX) and name.upper() not in known:
            closest = get_close_matches(name.upper(), known, n=1, cutoff=0.75)
            hint = f": did you mean {closest[0]}?" if closest else ""
            lines.append(f"{name} is not a setting{hint}")
    if settings.embedded_temporal and settings.temporal_api_key is not None:
        lines.append("TEMPORAL_API_KEY has no effect without TEMPORAL_ADDRESS: the embedded server is used")
    if settings.text_background != "never" and settings.text_api == "chat":
        lines.append("RETAKES_TEXT_BACKGROUND has no effect with RETAKES_TEXT_API=chat, which has no background")
    return lines


def _in_one_line(error: ValidationError) -> str:
    sentences = []
    for problem in error.errors(include_url=False, include_input=False):
        reason = problem["msg"].removeprefix("Value error, ").removeprefix("Input ")
        place = str(problem["loc"][0]) if problem["loc"] else ""
        name = variable_of(place) if place in Settings.model_fields else place
        sentences.append(f"{name} {reason}".strip())
    return "; ".join(sentences)


def _temporal_variables(variables: Mapping[str, str]) -> dict[str, SecretStr]:
    return {name: SecretStr(value) for name, value in variables.items() if name.startswith("TEMPORAL_") and value}


def _to_standard_error(line: str) -> None:
    sys.stderr.write(f"retakes: {line}\n")
