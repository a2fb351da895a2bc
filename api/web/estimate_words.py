"""What a session would cost, in words for people."""

from dataclasses import dataclass

from api.web.rendering import dollars
from sessions.estimates import Estimate, EstimateBasis
from sessions.statuses import SessionKind


@dataclass(frozen=True, kw_only=True)
class EstimateWords:
    """``amount`` is what counts, ``span`` how sure that is, ``worst`` what it can come to, ``basis`` why."""

    amount: str
    span: str = ""
    worst: str = ""
    basis: str = ""


def words_of(estimate: Estimate, *, budget_usd: float | None) -> EstimateWords:
    """Return an estimate in words."""
    likely = estimate.estimated_usd
    about = f"About {dollars(likely.expected)}"
    low, high = dollars(likely.low), dollars(likely.high)
    basis = f"{_items(estimate)} by {estimate.model}{_attempts(estimate)}. {_basis(estimate)}"
    if budget_usd is not None and budget_usd < estimate.worst_case_usd:
        basis += " The budget may not be enough: the session then waits until it is raised."
    return EstimateWords(
        amount=about,
        span=f"{low} to {high}" if low != high else "",
        worst=f"at worst {dollars(estimate.worst_case_usd)}",
        basis=basis,
    )


def _items(estimate: Estimate) -> str:
    if estimate.kind is SessionKind.IMAGES:
        return _counted(sum(group.count for group in estimate.items), "image")
    counts = {group.key: group.count for group in estimate.items}
    sets = _counted(counts.pop("sets", 0), "set")
    return f"{_counted(sum(counts.values()), 'outline')} and {sets}"


def _attempts(estimate: Estimate) -> str:
    return f"; at worst each takes {estimate.max_attempts} attempts" if estimate.max_attempts > 1 else ""


def _basis(estimate: Estimate) -> str:
    if estimate.priced_as is None:
        return "The price of this model is not known, so this is a guess that is meant to be too high."
    prices = f"Prices of {estimate.as_of:%-d %B %Y}"
    if estimate.basis is EstimateBasis.LEARNED:
        return f"{prices}; {estimate.learned_from_attempts} attempts like these tell how much each takes."
    if estimate.estimated_usd.low == estimate.estimated_usd.high:
        return f"{prices}; the provider's invoice decides."
    return f"{prices}; how much each takes is a guess until some have been made."


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
