"""What happened in a run, as it happened: what was broken and mended, and what people asked for."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO

from pydantic import BaseModel, ConfigDict

from tests.chaos.scale import Blow


class Fact(BaseModel):
    """The base of what is kept as evidence: frozen, and written as JSON."""

    model_config = ConfigDict(frozen=True)


class Outage(Fact):
    """Something that was broken. ``worker`` is what the ledger called a process that was killed.

    ``ended_at`` is when it was mended; a process that was killed may take some seconds more to work again.
    """

    blow: Blow
    target: str
    way: str = ""
    worker: str | None = None
    began_at: datetime
    ended_at: datetime


class Asked(Fact):
    """Something that a person asked of a session, and what came of it.

    ``failed`` are the items that had failed when a retry was asked for; ``round`` the one that the answer told of.
    """

    mark: str
    act: str
    by: str
    asked_at: datetime
    answered_at: datetime
    outcome: str
    is_accepted: bool
    once: str | None = None
    failed: tuple[str, ...] = ()
    round: int | None = None


class Wait(Fact):
    """An attempt that had been in the queue for long when a worker took it on, as that worker tells."""

    mark: str
    item: str
    taken_at: datetime
    seconds: float

    @property
    def queued_at(self) -> datetime:
        """When the attempt was handed out, or its pause was over."""
        return self.taken_at - timedelta(seconds=self.seconds)


class Seen(Fact):
    """An item that was seen complete, at some time of the run."""

    mark: str
    item: str
    attempt: int
    sha256: str


class Journal:
    """Keeps facts in memory, and in a file for whoever looks while the run goes on."""

    def __init__(self, file: Path) -> None:
        self.outages: list[Outage] = []
        self.asked: list[Asked] = []
        self.seen: set[Seen] = set()
        self.disorders: list[str] = []
        """What a viewer was shown that must not be: a version that fell."""
        self._file: IO[str] = file.open("a", encoding="utf-8")

    def add(self, fact: Outage | Asked) -> None:
        """Keep a fact."""
        match fact:
            case Outage():
                self.outages.append(fact)
            case Asked():
                self.asked.append(fact)
        self._file.write(fact.model_dump_json(exclude_defaults=True) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def now() -> datetime:
    """Return the time, UTC."""
    return datetime.now(UTC)
