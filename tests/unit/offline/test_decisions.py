"""Which call gets which fault."""

import random
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from providers.offline.decisions import FaultPlanner, fault_by_rate, prompt_sha256
from providers.offline.faults import Fault, Hang, Plan, Quota, RateLimit, Rule, ServerError


def kinds(planner: FaultPlanner, *prompts: str) -> list[str | None]:
    faults = [planner.next_fault(prompt) for prompt in prompts]
    return [None if fault is None else fault.kind for fault in faults]


def test_no_plan_lets_everything_work() -> None:
    """Without rules and rate there is no fault."""
    assert kinds(FaultPlanner(Plan()), "a", "b") == [None, None]


def test_rule_skips_then_fires_then_is_spent() -> None:
    """``skip`` and ``times`` count only calls that match."""
    plan = Plan(rules=(Rule(match="Lifestyle", skip=1, times=2, fault=Quota()),))

    seen = kinds(FaultPlanner(plan), "Lifestyle", "Main", "Lifestyle", "Main", "Lifestyle", "Lifestyle")

    assert seen == [None, None, "quota", None, "quota", None]


def test_rules_for_the_same_text_follow_one_another() -> None:
    """A later rule begins to count when the earlier one is spent."""
    plan = Plan(rules=(Rule(times=1, fault=RateLimit()), Rule(times=1, fault=Quota()), Rule(match="b", fault=Hang())))

    assert kinds(FaultPlanner(plan), "b", "a", "a", "b", "b") == ["rate_limit", "quota", None, "hang", "hang"]


PLAN = Plan(seed=11, rate=0.4, rate_faults=(Quota(), ServerError(), RateLimit()))


@given(order=st.randoms(use_true_random=False))
def test_rate_ignores_the_order_of_calls(order: random.Random) -> None:
    """Each prompt meets the same faults in the same order, however calls of other prompts are mixed in."""
    prompts = [f"prompt {number}" for number in range(8)] * 3
    order.shuffle(prompts)
    planner = FaultPlanner(PLAN)
    met: dict[str, list[Fault | None]] = {}
    for prompt in prompts:
        met.setdefault(prompt, []).append(planner.next_fault(prompt))

    expected = {
        prompt: [fault_by_rate(PLAN, prompt_hash=prompt_sha256(prompt), nth=nth) for nth in (1, 2, 3)] for prompt in met
    }
    assert expected == met


def test_rate_is_the_share_of_calls_that_fail() -> None:
    """Over many prompts the share of faults is near the rate, and each kind is as likely."""
    faults = [fault_by_rate(PLAN, prompt_hash=prompt_sha256(str(number)), nth=1) for number in range(5000)]
    counts = Counter(fault.kind for fault in faults if fault is not None)

    assert 0.37 < sum(counts.values()) / len(faults) < 0.43
    assert {"quota", "server_error", "rate_limit"} == set(counts)
    assert max(counts.values()) < 1.25 * min(counts.values())


def test_seed_changes_who_is_hit() -> None:
    """Another seed makes another run."""
    other = PLAN.model_copy(update={"seed": 12})
    hashes = [prompt_sha256(str(number)) for number in range(50)]

    first = [fault_by_rate(PLAN, prompt_hash=prompt_hash, nth=1) for prompt_hash in hashes]
    second = [fault_by_rate(other, prompt_hash=prompt_hash, nth=1) for prompt_hash in hashes]

    assert first != second


def test_rate_of_one_hits_every_call() -> None:
    """1.0 means always."""
    plan = Plan(rate=1.0, rate_faults=(Quota(),))

    assert kinds(FaultPlanner(plan), *(str(number) for number in range(20))) == ["quota"] * 20
