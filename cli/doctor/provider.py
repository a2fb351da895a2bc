"""Looks at the provider: one call, which costs nothing, shows the key and the models."""

import asyncio
from datetime import timedelta
from typing import Final

from cli.doctor.findings import Seen
from cli.doctor.words import not_running
from providers.openai_client import OPENAI_ADDRESS, openai_client
from providers.openai_models import ListedModels, NotListedError, listed_models
from runtime.children import LOOPBACK
from runtime.settings import Settings
from sessions.errors import AttemptError, BillingStopped, PermanentFailure

_ANSWER_WITHIN: Final = timedelta(seconds=4)
_RESTART: Final = "then start the worker again."


class ProviderLooks:
    """Looks that share one call."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._asking: asyncio.Task[ListedModels] | None = None

    @property
    def address(self) -> str:
        """Where the provider is, for the workers of these settings."""
        if self._settings.offline:
            return f"http://{LOOPBACK}:{self._settings.offline_port}/v1"
        return self._settings.openai_base_url or OPENAI_ADDRESS

    async def listed(self) -> ListedModels:
        """Return what the provider lists.

        Raises:
            AttemptError: it does not, for a reason that attempts would meet, too.
            NotListedError: it lists none to anybody, or not with this key.
            ValueError: the key holds characters that cannot be sent.
            TimeoutError: it says nothing.
        """
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask())
        return await asyncio.shield(self._asking)

    async def key(self) -> Seen:
        """Look whether the provider answers and accepts the key."""
        try:
            listed = await self.listed()
        except NotListedError as error:
            return Seen.warning(
                f"{self.address} answers and lists no models ({error}), so the key could not be tried for free",
                advice="If sessions work, all is well. Restricted keys of OpenAI need the permission to read models.",
            )
        except ValueError as error:
            return Seen.wrong(str(error), advice=f"Correct the key, {_RESTART}")
        except TimeoutError:
            seconds = f"{_ANSWER_WITHIN.total_seconds():g} s"
            return Seen.wrong(f"{self.address} has said nothing for {seconds}", advice=self._advice(None))
        except AttemptError as error:
            return Seen.wrong(f"{self.address}: {error.message}", advice=self._advice(error))
        count = f"{len(listed.names)} models"
        if self._settings.offline:
            return Seen.ok(f"the offline provider at {self.address} lists {count}; no key is set, and none is needed")
        with_what = "accepts the key" if self._settings.openai_api_key is not None else "answers without a key"
        return Seen.ok(f"{self.address} {with_what} and lists {count}")

    async def models(self) -> Seen:
        """Look whether the provider lists the models of the settings."""
        try:
            listed = await self.listed()
        except (NotListedError, ValueError, AttemptError, TimeoutError):
            return Seen.skipped("the provider has listed none")
        wanted = {
            "RETAKES_IMAGE_MODEL": self._settings.image_model,
            "RETAKES_TEXT_MODEL": self._settings.text_model,
        }
        missing = {setting: model for setting, model in wanted.items() if model not in listed.names}
        if not missing:
            return Seen.ok(", ".join(wanted.values()))
        seen = f"not listed: {', '.join(f'{model} ({setting})' for setting, model in missing.items())}"
        if self.address == OPENAI_ADDRESS:
            return Seen.wrong(seen, advice=f"Set {' and '.join(missing)} to a model that this key may use, {_RESTART}")
        return Seen.warning(seen, advice="Some servers take names that they do not list. If not, set another model.")

    def _advice(self, error: AttemptError | None) -> str:
        if self._settings.offline:
            otherwise = "Set OPENAI_API_KEY: the offline provider comes with `retakes up` alone."
            return not_running(self._settings, otherwise=otherwise)
        if isinstance(error, PermanentFailure | BillingStopped):
            return error.advice
        # What an attempt is told speaks of calls that may be billed, which this one never is.
        return (
            "Try again in a moment. If it stays so, check OPENAI_BASE_URL, the network and the provider's status page."
        )

    async def _ask(self) -> ListedModels:
        key = self._settings.openai_api_key
        secret = "offline" if self._settings.offline else key.get_secret_value() if key is not None else None
        client = openai_client(api_key=secret, base_url=self.address, longest_silence=_ANSWER_WITHIN)
        try:
            async with asyncio.timeout(_ANSWER_WITHIN.total_seconds()):
                return await listed_models(client)
        finally:
            await client.close()
