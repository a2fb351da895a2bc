"""The plan of a run: who asks for what, and what is struck when. A pure function of the scale, so a seed replays it.

What cannot be planned is how the product and the machine divide their time; two runs of one seed differ in that alone.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from providers.offline.faults import Plan as FaultPlan
from tests.chaos.scale import Blow, Records, Scale

WORKERS = ("worker-1", "worker-2")
APIS = ("api-1", "api-2")

LinkWay = Literal["cut", "refuse", "stall"]
StoreWay = Literal["full", "read-only"]
Way = Literal["signal", "update", "http"]

_STARTED_WITHIN = 0.75
_IMAGE_TYPES = ("main", "infographic_1", "infographic_2", "lifestyle", "comparison")
_COST_OF_AN_IMAGE = 0.0053  # dollars, at the size and quality that is asked for; slightly more than it is
_EVERY_FAULT: tuple[str | dict[str, Any], ...] = (
    "rate_limit",
    {"kind": "rate_limit", "retry_after": 2},
    "quota",
    "server_error",
    {"kind": "server_error", "status": 503, "retry_after": 1},
    {"kind": "server_error", "status": 409},
    "bad_request",
    "moderation",
    "auth",
    "forbidden",
    "not_found",
    "refusal",
    "hang",
    {"kind": "hang", "seconds": 3},
    "disconnect",
    "truncated",
    "broken_body",
    "invalid_json",
    "empty_image",
    "undecodable_image",
    "wrong_size",
    "incomplete",
    "invalid_output",
    "invalid_set",
    {"kind": "slow", "seconds": 2},
    {"kind": "drip", "seconds": 2},
)


@dataclass(frozen=True, kw_only=True)
class Strike:
    """Something that is broken ``at`` so many seconds after the start, and mended after ``lasts`` seconds.

    ``way`` is how, where there is a choice; ``target`` a process or a link.
    """

    at: float
    blow: Blow
    target: str
    lasts: float
    way: str = ""


@dataclass(frozen=True, kw_only=True)
class Step:
    """What a person does to a session, so many seconds after it was started. ``again`` is how often it is repeated."""

    after: float
    act: Literal["cancel", "cancel item", "pause", "resume", "retake"]
    again: int = 0


@dataclass(frozen=True, kw_only=True)
class Wish:
    """A session that somebody will ask for.

    Attributes:
        mark: stands in each of its prompts, so that the provider's calls can be told apart.
        starts: how often the start is sent, at the least, with the same key.
        retry_by: how this person retries.
        retries: how often, while faults fall.
    """

    mark: str
    kind: Literal["images", "stories"]
    at: float
    request: dict[str, Any]
    starts: int
    retry_by: Way
    retries: int
    steps: tuple[Step, ...]
    is_watched: bool

    @property
    def is_cancelled(self) -> bool:
        """Whether the whole session is stopped at some time."""
        return any(step.act == "cancel" for step in self.steps)


@dataclass(frozen=True, kw_only=True)
class ChaosPlan:
    """All that is planned, in the order of its times."""

    wishes: tuple[Wish, ...]
    strikes: tuple[Strike, ...]
    faults: FaultPlan


def links(records: Records) -> tuple[str, ...]:
    """Return the names of all connections between two parts that can be cut."""
    parts = (*WORKERS, *APIS)
    to_records = tuple(f"{part}>records" for part in parts) if records is Records.POSTGRESQL else ()
    return (
        *(f"{part}>temporal" for part in parts),
        *(f"{worker}>provider" for worker in WORKERS),
        *(f"client>{api}" for api in APIS),
        *to_records,
    )


def plan_of(scale: Scale) -> ChaosPlan:
    """Return the plan of a scale. The same scale gives the same plan on every machine."""
    wishes = [*_image_wishes(scale), *_story_wishes(scale)]
    strikes = [strike for blow in Blow for strike in _strikes(scale, blow)]
    return ChaosPlan(
        wishes=tuple(sorted(wishes, key=lambda wish: wish.at)),
        strikes=tuple(sorted(strikes, key=lambda strike: strike.at)),
        faults=FaultPlan.model_validate({"seed": scale.seed, "rate": scale.rate, "rate_faults": _EVERY_FAULT}),
    )


def _dice(scale: Scale, *, purpose: str) -> random.Random:
    """Return dice of their own for each purpose, so that a change to one leaves the others as they were."""
    return random.Random(f"{scale.seed}:{purpose}")


def _strikes(scale: Scale, blow: Blow) -> Iterator[Strike]:
    dice = _dice(scale, purpose=blow)
    beat = scale.tempo[blow]
    end = scale.duration.total_seconds()
    at = dice.uniform(beat.pause[0] / 2, beat.pause[1])
    while at < end:
        target, way = _target(dice, blow, records=scale.records)
        lasts = min(dice.uniform(*beat.lasts), end - at)
        yield Strike(at=at, blow=blow, target=target, lasts=0.0 if way == "cut" else max(lasts, 0.2), way=way)
        at += lasts + dice.uniform(*beat.pause)


def _target(dice: random.Random, blow: Blow, *, records: Records) -> tuple[str, str]:
    match blow:
        case Blow.KILL_WORKER:
            return dice.choice(WORKERS), ""
        case Blow.KILL_API:
            return dice.choice(APIS), ""
        case Blow.KILL_TEMPORAL:
            return "temporal", ""
        case Blow.KILL_PROVIDER:
            return "provider", ""
        case Blow.STOP_RECORDS:
            return "records", dice.choice(("freeze", "refuse")) if records is Records.POSTGRESQL else "lock"
        case Blow.BREAK_STORE:
            return "store", dice.choice(("full", "read-only"))
        case Blow.CUT_LINK:
            return dice.choice(links(records)), dice.choice(("cut", "refuse", "stall"))


def _image_wishes(scale: Scale) -> Iterator[Wish]:
    dice = _dice(scale, purpose="images")
    for number in range(scale.images):
        mark = f"mark-i{number:05d}"
        steps = _steps(dice)
        items = dice.randint(3, 6)
        images: list[dict[str, Any]] = [
            {"type": kind} for kind in dice.sample(_IMAGE_TYPES, k=min(items, len(_IMAGE_TYPES)))
        ]
        if items > len(images) or dice.random() < 0.3:
            images[-1:] = [
                {"type": "custom", "key": f"own-{n}", "label": f"Own {n}", "prompt": f"A box, from side {n}."}
                for n in range(items - len(images) + 1)
            ]
        request: dict[str, Any] = {
            "product": {"title": f"Bottle {mark}", "features": ["Keeps cold 24 h", "Leak-proof"]},
            "images": images,
            "size": "256x256",
            "quality": "low",
            "max_attempts": dice.choice((1, 2, 3, 3, 3, 4)),
        }
        if dice.random() < 0.15:
            request["budget_usd"] = round(_COST_OF_AN_IMAGE * dice.randint(1, items + 1), 4)
        elif dice.random() < 0.15:
            request["tolerated_failures"] = dice.choice((0, 1, "50%"))
        yield _wish(scale, dice, mark=mark, kind="images", request=request, steps=steps)


def _story_wishes(scale: Scale) -> Iterator[Wish]:
    dice = _dice(scale, purpose="stories")
    for number in range(scale.stories):
        mark = f"mark-s{number:05d}"
        request = {
            "idea": "A lighthouse keeper and her brother find a map to a drowned city.",
            # The name of somebody in it stands in the prompt of the outline and of every set.
            "characters": [{"name": f"Ada {mark}", "description": "A keeper of lights."}],
            "total_segments": 2 * scale.sets_per_story,
            "segments_per_set": 2,
            "max_attempts": dice.choice((2, 3, 3, 4)),
        }
        yield _wish(scale, dice, mark=mark, kind="stories", request=request, steps=_steps(dice))


def _wish(
    scale: Scale,
    dice: random.Random,
    *,
    mark: str,
    kind: Literal["images", "stories"],
    request: dict[str, Any],
    steps: tuple[Step, ...],
) -> Wish:
    way: tuple[Way, ...] = ("signal", "update", "http")
    return Wish(
        mark=mark,
        kind=kind,
        at=dice.uniform(0, scale.duration.total_seconds() * _STARTED_WITHIN),
        request=request,
        starts=dice.choice((1, 1, 2, 3)),
        retry_by=dice.choice(way),
        retries=dice.randint(0, 2),
        steps=steps,
        is_watched=dice.random() < 0.25,
    )


def _steps(dice: random.Random) -> tuple[Step, ...]:
    drawn = dice.random()
    after = dice.uniform(0.5, 6)
    if drawn < 0.08:
        return (Step(after=after, act="cancel", again=dice.randint(0, 1)),)
    if drawn < 0.13:
        return (Step(after=after, act="cancel item"),)
    if drawn < 0.25:
        return (
            Step(after=after, act="pause", again=dice.randint(0, 1)),
            Step(after=after + dice.uniform(2, 10), act="resume", again=dice.randint(0, 1)),
        )
    if drawn < 0.35:
        return (Step(after=after + 6, act="retake", again=dice.randint(0, 2)),)
    return ()
