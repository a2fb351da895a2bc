"""Looks at this machine's clock, against those of other machines."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from cli.doctor.findings import Seen
from cli.doctor.provider import ProviderLooks
from providers.openai_models import NotListedError
from runtime.setting_types import is_loopback
from runtime.settings import Settings
from sessions.errors import AttemptError
from sessions.records import RecordsOutOfReachError
from storage.records.database import Database, database_address
from storage.records.repository import Records

_ANSWER_WITHIN: Final = timedelta(seconds=2)
_NOTABLE: Final = timedelta(seconds=10)
"""From here on the times and countdowns that people see are off."""
_HARMFUL: Final = timedelta(minutes=5)
"""From here on receivers of webhooks refuse our signatures, as their standard wants it."""
_HALF_A_SECOND: Final = timedelta(seconds=0.5)


@dataclass(frozen=True, kw_only=True)
class Apart:
    """How far this machine's clock is ahead of another; less than nothing where it is behind.

    Attributes:
        whose: the other clock.
        ahead: by how much.
        margin: how far wrong that may be, for the way there and back.
    """

    whose: str
    ahead: timedelta
    margin: timedelta

    @classmethod
    def of(cls, whose: str, *, theirs: datetime, asked_at: datetime, answered_at: datetime) -> "Apart":
        """Return how far apart two clocks are, for an answer that was given somewhere between two moments of ours."""
        half = (answered_at - asked_at) / 2
        return cls(whose=whose, ahead=asked_at + half - theirs, margin=half)

    @property
    def certain(self) -> timedelta:
        """How far apart they are at least."""
        return max(abs(self.ahead) - self.margin, timedelta(0))


class ClockLook:
    """Compares with the clocks of the provider and of the database, where they are on other machines."""

    def __init__(self, settings: Settings, *, provider: ProviderLooks) -> None:
        self._settings = settings
        self._provider = provider

    async def look(self) -> Seen:
        """Look how far apart the clocks are."""
        others: list[Callable[[], Awaitable[Apart | None]]] = []
        if not is_loopback(urlsplit(self._provider.address).hostname or ""):
            others.append(self.against_provider)
        if _is_elsewhere(self._settings.database_url.get_secret_value()):
            others.append(self.against_database)
        if not others:
            return Seen.skipped("everything is on this machine, so there is no other clock to compare with")
        found = await asyncio.gather(*(ask() for ask in others))
        return judged([apart for apart in found if apart is not None])

    async def against_provider(self) -> Apart | None:
        """Return how far apart ours and the provider's are, None where it can't be told."""
        with suppress(AttemptError, NotListedError, ValueError, TimeoutError):
            listed = await self._provider.listed()
            if listed.provider_time is not None:
                return Apart.of(
                    "the provider's",
                    # It tells whole seconds, and cuts off the rest.
                    theirs=listed.provider_time + _HALF_A_SECOND,
                    asked_at=listed.asked_at - _HALF_A_SECOND,
                    answered_at=listed.answered_at + _HALF_A_SECOND,
                )
        return None

    async def against_database(self) -> Apart | None:
        """Return how far apart ours and the database's are, None where it can't be told."""
        database = Database(self._settings.database_url.get_secret_value(), patience=_ANSWER_WITHIN)
        try:
            with suppress(RecordsOutOfReachError):
                # The first call opens the connection, which would count as the way there.
                await database.ping()
                asked_at = datetime.now(UTC)
                theirs = await Records(database).clock()
                return Apart.of("the database's", theirs=theirs, asked_at=asked_at, answered_at=datetime.now(UTC))
            return None
        finally:
            await database.close()


def judged(found: Sequence[Apart]) -> Seen:
    """Return what comparing with other clocks has come to; one that agrees says that ours is right."""
    if not found:
        return Seen.skipped("no other clock could be asked")
    best = min(found, key=lambda apart: apart.certain)
    seen = ", ".join(_in_words(apart) for apart in found)
    if best.certain < _NOTABLE and all(apart.certain < _NOTABLE for apart in found):
        return Seen.ok(seen)
    advice = "Set the clocks of all machines by NTP: `timedatectl set-ntp true`."
    if best.certain >= _HARMFUL:
        return Seen.wrong(f"{seen}; receivers of webhooks refuse what is signed at a wrong time", advice=advice)
    return Seen.warning(seen, advice=advice)


def _in_words(apart: Apart) -> str:
    seconds = apart.ahead.total_seconds()
    way = "ahead of" if seconds >= 0 else "behind"
    return f"{abs(seconds):.1f} s {way} {apart.whose} (give or take {apart.margin.total_seconds():.1f} s)"


def _is_elsewhere(url: str) -> bool:
    """Whether a database is on another machine: neither a file, nor a socket, nor this machine's own address."""
    try:
        address = database_address(url)
    except ValueError:
        return False
    return bool(address.host) and not is_loopback(address.host or "")
