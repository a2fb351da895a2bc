"""Looks at the API."""

import json
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

import httpx2

from cli.doctor.findings import Seen
from cli.doctor.words import in_one_line, not_running
from runtime.setting_types import is_loopback
from runtime.settings import Settings
from runtime.up import page_url

_ANSWER_WITHIN: Final = timedelta(seconds=4)


class ApiLook:
    """Asks the API whether it can serve."""

    def __init__(self, settings: Settings, *, address: str | None) -> None:
        self._settings = settings
        self._is_named = address is not None
        self._address = address.rstrip("/") if address is not None else page_url(settings)

    async def look(self) -> Seen:
        """Look at ``/health/ready``, which needs no key."""
        try:
            # A proxy of the environment does not lead to this machine.
            by_proxy = not is_loopback(urlsplit(self._address).hostname or "")
            async with httpx2.AsyncClient(timeout=_ANSWER_WITHIN.total_seconds(), trust_env=by_proxy) as client:
                answer = await client.get(f"{self._address}/health/ready")
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
            return self._silent(error)
        checks = _checks(answer)
        if checks is None:
            return Seen.wrong(
                f"what answers at {self._address} is not Retakes (status {answer.status_code})",
                advice="Check RETAKES_API_HOST and RETAKES_API_PORT, or RETAKES_URL.",
            )
        silent = [name for name, said in checks.items() if said != "ok"]
        if silent:
            return Seen.wrong(
                f"{self._address} answers and is not ready: {', '.join(f'{name} {checks[name]}' for name in silent)}",
                advice="Mend what it waits for; it is ready by itself then.",
            )
        return Seen.ok(f"{self._address} is ready")

    def _silent(self, error: Exception) -> Seen:
        seen = f"{self._address} does not answer ({in_one_line(str(error)) or type(error).__name__})"
        if self._settings.embedded_temporal or self._is_named:
            otherwise = "Start the API (`retakes api`), or correct RETAKES_URL."
            return Seen.wrong(seen, advice=not_running(self._settings, otherwise=otherwise))
        return Seen.warning(seen, advice="If it runs on another machine, name its address in RETAKES_URL.")


def _checks(answer: httpx2.Response) -> dict[str, str] | None:
    """Return what the API says of each thing that it needs, None where it is not our API that has answered."""
    try:
        match answer.json():
            case {"status": "ready" | "not ready", "checks": {**checks}} if answer.status_code in (200, 503):
                return {str(name): str(said) for name, said in checks.items()}
            case _:
                return None
    except (json.JSONDecodeError, UnicodeDecodeError):
        return None
