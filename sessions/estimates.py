"""What a session is expected to cost before it starts: a figure where the tokens are known, otherwise a range.

The expected figure of a request is the one that its session shows as estimated, unless the ledger knows better: how
many tokens a model takes is learned from what its complete attempts have used. Prices are not learned.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import groupby
from typing import Annotated, Any, Final, Literal

from pydantic import Field, PlainValidator

from sessions.expectations import (
    FEWEST_CALLS,
    ExpectedCall,
    Learned,
    UsageSpread,
    expected_calls,
    has_formula,
    spread_unlearned,
)
from sessions.images import ImageSessionRequest
from sessions.model import Value
from sessions.money import dollars
from sessions.pricing import PriceTable
from sessions.statuses import SessionKind
from sessions.stories import StorySessionRequest

OLD_TABLE_DAYS: Final = 180


class ImageEstimateRequest(ImageSessionRequest):
    """The request of an image session, to be estimated and not started."""

    kind: Literal[SessionKind.IMAGES]


class StoryEstimateRequest(StorySessionRequest):
    """The request of a story session, to be estimated and not started."""

    kind: Literal[SessionKind.STORY]


class _Kind(Value):
    kind: SessionKind


def _by_kind(request: Any) -> ImageEstimateRequest | StoryEstimateRequest:
    if _Kind.model_validate(request).kind is SessionKind.IMAGES:
        return ImageEstimateRequest.model_validate(request)
    return StoryEstimateRequest.model_validate(request)


# Not pydantic's own discriminator: it puts the kind into the place of every mistake that it tells of.
EstimateRequest = Annotated[
    ImageEstimateRequest | StoryEstimateRequest,
    PlainValidator(_by_kind, json_schema_input_type=ImageEstimateRequest | StoryEstimateRequest),
]
"""The body of a start and its ``kind``."""


class EstimateBasis(StrEnum):
    """Where an estimate comes from.

    ``price_table``: the model is in the price table, and tokens are counted as expected. ``learned``: tokens are
    counted as the model's attempts have used them. ``fallback``: the model is in neither, so all of it is a guess.
    """

    PRICE_TABLE = "price_table"
    LEARNED = "learned"
    FALLBACK = "fallback"


class AmountRange(Value):
    """US dollars. Where all three are the same, nothing about the amount is a guess."""

    low: float
    expected: float
    high: float


class EstimatedItems(Value):
    """What some items cost together, each at its first attempt. ``key`` is the item's where it is one."""

    key: str
    label: str
    count: int
    estimated_usd: AmountRange


class Estimate(Value):
    """What a session would cost. Nothing was started.

    ``estimated_usd`` is for one attempt an item; at worst every item takes all of its attempts and each is billed.
    ``as_of`` is the day of the price table, ``priced_as`` the entry by which the model is priced, None where there
    is none.
    """

    kind: SessionKind
    model: str
    currency: Literal["USD"] = "USD"
    estimated_usd: AmountRange
    worst_case_usd: float
    max_attempts: int
    items: tuple[EstimatedItems, ...]
    basis: EstimateBasis
    as_of: date
    priced_as: str | None
    learned_from_attempts: Annotated[int | None, Field(description="How many, where the basis is learned.")]
    notes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class _Amounts:
    """Micro-dollars."""

    low: int = 0
    expected: int = 0
    high: int = 0
    worst: int = 0

    def __add__(self, other: "_Amounts") -> "_Amounts":
        return _Amounts(
            low=self.low + other.low,
            expected=self.expected + other.expected,
            high=self.high + other.high,
            worst=self.worst + other.worst,
        )

    @property
    def shown(self) -> AmountRange:
        return AmountRange(low=dollars(self.low), expected=dollars(self.expected), high=dollars(self.high))


def estimate(
    request: ImageSessionRequest | StorySessionRequest,
    *,
    model: str,
    prices: PriceTable,
    learned: Learned | None,
    today: date,
) -> Estimate:
    """Return what a session would cost.

    Args:
        request: what would start it.
        model: which one makes its items.
        prices: the price table.
        learned: what the ledger has taught of the model, None where it did not answer.
        today: by which the table's age is told.
    """
    is_known = has_formula(request, model=model)
    calls = expected_calls(request)
    otherwise = spread_unlearned(request, model=model)
    taught = Learned() if learned is None or is_known else learned
    amounts = [
        _amounts(call, spread=taught.spread_of(call, otherwise=otherwise), prices=prices, model=model) for call in calls
    ]
    total = sum(amounts, _Amounts())
    priced_as = prices.entry_of(model)
    learned_calls = taught.count_for(calls)
    basis = EstimateBasis.PRICE_TABLE if priced_as else EstimateBasis.FALLBACK
    estimated = Estimate(
        kind=SessionKind.IMAGES if isinstance(request, ImageSessionRequest) else SessionKind.STORY,
        model=model,
        estimated_usd=total.shown,
        worst_case_usd=dollars(total.worst * request.max_attempts),
        max_attempts=request.max_attempts,
        items=tuple(_grouped(calls, amounts)),
        basis=EstimateBasis.LEARNED if learned_calls else basis,
        as_of=prices.as_of,
        priced_as=priced_as,
        learned_from_attempts=learned_calls or None,
        notes=(),
    )
    notes = _notes(estimated, request=request, has_ledger=learned is not None, today=today)
    return estimated.model_copy(update={"notes": tuple(notes)})


def _amounts(call: ExpectedCall, *, spread: UsageSpread, prices: PriceTable, model: str) -> _Amounts:
    return _Amounts(
        **{
            name: prices.cost_microdollars(spread.scaled(call.usage, to=name), model=model)
            for name in ("low", "expected", "high", "worst")
        }
    )


def _grouped(calls: Sequence[ExpectedCall], amounts: Sequence[_Amounts]) -> Iterator[EstimatedItems]:
    for group, members in groupby(zip(calls, amounts, strict=True), key=lambda pair: pair[0].group):
        pairs = list(members)
        yield EstimatedItems(
            key=group,
            label=pairs[0][0].label,
            count=len(pairs),
            estimated_usd=sum((amount for _, amount in pairs), _Amounts()).shown,
        )


def _notes(
    estimated: Estimate,
    *,
    request: ImageSessionRequest | StorySessionRequest,
    has_ledger: bool,
    today: date,
) -> Iterator[str]:
    yield f"Computed with the prices of {estimated.as_of}; the provider's invoice decides."
    if (age := (today - estimated.as_of).days) > OLD_TABLE_DAYS:
        yield f"The price table is {age} days old: compare it with the provider's price list."
    if estimated.priced_as is None:
        yield (
            f"The price table has no entry for '{estimated.model}', so its fallback is used, which is meant to be too "
            "high. Prices cannot be learned from the ledger: add an entry to the table."
        )
    if has_formula(request, model=estimated.model):
        yield "The tokens of pictures are computed by the formula that is published for this model."
    elif estimated.learned_from_attempts:
        yield (
            f"Tokens are counted as the {estimated.learned_from_attempts} newest complete attempts like these have "
            "used them: expected is the median, low and high leave out a tenth each and are a tenth apart from it at "
            "least."
        )
    elif has_ledger:
        yield (
            "No formula is published for the tokens of this model, and the ledger has fewer than "
            f"{FEWEST_CALLS} complete attempts like these to learn from: the range is a guess."
        )
    else:
        yield "The ledger does not answer now, so nothing could be learned from it: the range is a guess."
    if isinstance(request, ImageSessionRequest) and request.uploads:
        yield "How many tokens a reference picture takes depends on the picture."
    if request.budget_usd is not None and request.budget_usd < estimated.worst_case_usd:
        yield "The budget may not be enough: the session then waits until it is raised."
    items = sum(group.count for group in estimated.items)
    yield (
        f"The estimate is for one attempt at each of {items} items; at worst each takes {request.max_attempts}, "
        "and all are billed."
    )
