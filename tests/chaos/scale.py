"""How large an attack is, and how often what is struck. All durations are real time: nothing here skips any."""

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum


class Records(StrEnum):
    """Where a run keeps its records."""

    SQLITE = "sqlite"
    POSTGRESQL = "postgres"


class Blow(StrEnum):
    """What can be done to a part of the product."""

    KILL_WORKER = "kill worker"
    KILL_API = "kill api"
    KILL_TEMPORAL = "kill temporal"
    KILL_PROVIDER = "kill provider"
    STOP_RECORDS = "stop records"
    BREAK_STORE = "break store"
    CUT_LINK = "cut link"


@dataclass(frozen=True, kw_only=True)
class Beat:
    """How often something is struck, and how long it stays down: both drawn evenly from between two seconds."""

    pause: tuple[float, float]
    lasts: tuple[float, float]


LONG_TEMPO = {
    Blow.KILL_WORKER: Beat(pause=(5, 15), lasts=(0.2, 3)),
    Blow.KILL_API: Beat(pause=(15, 60), lasts=(0.2, 5)),
    Blow.KILL_TEMPORAL: Beat(pause=(60, 150), lasts=(0.5, 8)),
    Blow.KILL_PROVIDER: Beat(pause=(60, 180), lasts=(0.5, 5)),
    Blow.STOP_RECORDS: Beat(pause=(60, 150), lasts=(5, 30)),
    Blow.BREAK_STORE: Beat(pause=(60, 150), lasts=(5, 30)),
    Blow.CUT_LINK: Beat(pause=(3, 12), lasts=(0, 8)),
}
SHORT_TEMPO = {
    Blow.KILL_WORKER: Beat(pause=(5, 12), lasts=(0.2, 1)),
    Blow.KILL_API: Beat(pause=(8, 20), lasts=(0.2, 1)),
    Blow.KILL_TEMPORAL: Beat(pause=(20, 40), lasts=(0.2, 2)),
    Blow.KILL_PROVIDER: Beat(pause=(20, 40), lasts=(0.2, 1)),
    Blow.STOP_RECORDS: Beat(pause=(10, 25), lasts=(2, 6)),
    Blow.BREAK_STORE: Beat(pause=(10, 25), lasts=(2, 6)),
    Blow.CUT_LINK: Beat(pause=(2, 6), lasts=(0, 3)),
}


@dataclass(frozen=True, kw_only=True)
class Scale:
    """What a run is made of. The same scale is the same plan.

    Attributes:
        seed: everything that is drawn is drawn from it.
        duration: how long faults fall; sessions are started in the first three quarters of it.
        settle_within: how long everything may take to settle once faults have ended.
        attempt_timeout: the deadline of a call to the provider.
        rate: the share of the provider's calls that go wrong.
    """

    seed: int
    duration: timedelta
    images: int
    stories: int
    sets_per_story: int
    records: Records
    settle_within: timedelta
    attempt_timeout: timedelta
    rate: float = 0.3
    tempo: dict[Blow, Beat] = field(default_factory=lambda: LONG_TEMPO)


def long_scale(*, seed: int, records: Records) -> Scale:
    """Return the attack whose figures are published: 1,000 image sessions and 50 stories of 10 sets."""
    return Scale(
        seed=seed,
        duration=timedelta(minutes=30),
        images=1000,
        stories=50,
        sets_per_story=10,
        records=records,
        settle_within=timedelta(minutes=15),
        attempt_timeout=timedelta(seconds=15),
    )


def short_scale(*, seed: int, records: Records) -> Scale:
    """Return the attack of every commit: the same blows within a minute."""
    return Scale(
        seed=seed,
        duration=timedelta(seconds=40),
        images=20,
        stories=2,
        sets_per_story=3,
        records=records,
        settle_within=timedelta(seconds=100),
        attempt_timeout=timedelta(seconds=6),
        tempo=SHORT_TEMPO,
    )
