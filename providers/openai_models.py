"""What models a provider lists: the one call that costs nothing and still shows whether a key is accepted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import httpx2
import openai
from openai import AsyncOpenAI

from providers.openai_advice import CHECK_ADDRESS, Advice
from providers.openai_errors import classified

_NOT_TOLD: Final = {
    403: "403: this key may not list them",
    404: "404: it has no such list",
    405: "405: it has no such list",
    501: "501: it has no such list",
}
_WORDS: Final = Advice(
    reword=CHECK_ADDRESS,
    too_long=CHECK_ADDRESS,
    by_status={
        401: "Check OPENAI_API_KEY or OPENAI_API_KEY_FILE, and start the worker again with the right key.",
    },
    seen={},
)


class NotListedError(Exception):
    """The provider answers and does not tell its models; the message is its status with a few words."""


@dataclass(frozen=True, kw_only=True)
class ListedModels:
    """What the provider lists, and the time by its clock.

    Attributes:
        names: of the models.
        provider_time: what the provider's clock showed, to the second; None where it does not say.
        asked_at: by our clock, before the call …
        answered_at: … and after it.
    """

    names: frozenset[str]
    provider_time: datetime | None
    asked_at: datetime
    answered_at: datetime


async def listed_models(client: AsyncOpenAI) -> ListedModels:
    """Ask a provider for its models.

    Raises:
        AttemptError: the call failed, as an attempt would; its texts hold no key.
        NotListedError: the provider has no such list, or not for this key.
    """
    asked_at = datetime.now(UTC)
    try:
        answer = await client.models.with_raw_response.list()
        names = _names(answer.parse().data)
    except Exception as error:
        if isinstance(error, openai.APIStatusError) and error.status_code in _NOT_TOLD:
            raise NotListedError(_NOT_TOLD[error.status_code]) from error
        raise classified(error, prompt="", advice=_WORDS) from error
    return ListedModels(
        names=names,
        provider_time=_time(answer.headers),
        asked_at=asked_at,
        answered_at=datetime.now(UTC),
    )


def _names(models: Sequence[object] | None) -> frozenset[str]:
    """Return the models' names. The SDK passes on whatever JSON stood there."""
    names = (getattr(model, "id", None) for model in models or ())
    return frozenset(name for name in names if isinstance(name, str))


def _time(headers: httpx2.Headers) -> datetime | None:
    try:
        return parsedate_to_datetime(headers["date"]).astimezone(UTC)
    except (KeyError, ValueError):
        return None
