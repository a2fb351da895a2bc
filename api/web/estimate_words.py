"""What a session would cost, in words for people."""

from dataclasses import dataclass

from api.web.rendering import dollars
from sessions.estimates import Estimate, EstimateBasis


@dataclass(frozen=True, kw_only=True)
class EstimateWords:
    """``amount`` is what counts, ``worst`` what it can come to, ``basis`` where that comes from."""

    amount: str
    worst: str = ""
    basis: str = ""


def words_of(estimate: Estimate, *, budget_usd: float | None) -> EstimateWords:
    """Return an estimate in words."""
    likely = estimate.estimated_usd
    about = f"About {dollars(likely.expected)}"
    low, high = dollars(likely.low), dollars(likely.high)
    basis = f"{_what(estimate)}, by {estimate.model}. {_basis(estimate)}"
    if budget_usd is not None and budget_usd < estimate.worst_case_usd:
        basis += " The budget may not be enough: the session then waits until it is raised."
    return EstimateWords(
        amount=about if low == high else f"{about} ({low} to {high})",
        worst=f"at worst {dollars(estimate.worst_case_usd)}",
        basis=basis,
    )


def _what(estimate: Estimate) -> str:
    items = sum(group.count for group in estimate.items)
    attempts = "one attempt" if estimate.max_attempts == 1 else f"{estimate.max_attempts} attempts"
    item = "call" if estimate.kind == "story" else "image"
    return f"{items:,} {item}{'' if items == 1 else 's'} at one attempt each, at worst {attempts} each"


def _basis(estimate: Estimate) -> str:
    day = f"{estimate.as_of:%-d %B %Y}"
    if estimate.priced_as is None:
        return "The price of this model is not known, so this is a guess that is meant to be too high."
    if estimate.basis is EstimateBasis.LEARNED:
        return f"Prices of {day}, by what {estimate.learned_from_attempts} attempts like these have taken."
    return f"Prices of {day}; the provider's invoice decides."
