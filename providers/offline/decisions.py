"""Which call gets which fault."""

import hashlib
from collections import Counter

from providers.offline.faults import Fault, Plan, Rule


def prompt_sha256(prompt: str) -> str:
    """Return the SHA-256 of a prompt, in hexadecimal."""
    return hashlib.sha256(prompt.encode()).hexdigest()


def fault_by_rate(plan: Plan, *, prompt_hash: str, nth: int) -> Fault | None:
    """Return the fault the plan's rate has for the n-th call of a prompt (from 1), or None.

    A pure function of its arguments: the same plan gives each prompt the same faults, whatever other calls
    come in between and in whichever order.
    """
    digest = hashlib.sha256(f"{plan.seed}:{prompt_hash}:{nth}".encode()).digest()
    if int.from_bytes(digest[:8]) / 2**64 >= plan.rate:
        return None
    return plan.rate_faults[int.from_bytes(digest[8:16]) % len(plan.rate_faults)]


class FaultPlanner:
    """Follows a plan call by call: keeps how often its rules have matched and each prompt was seen.

    The counts live as long as the planner: they begin anew with each plan and each process.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._matched = [0] * len(plan.rules)
        self._calls: Counter[str] = Counter()

    def next_fault(self, prompt: str) -> Fault | None:
        """Return what happens to the next call with this prompt, and count the call.

        A rule counts the calls that reach it: those that match it and that no earlier rule has decided.
        """
        prompt_hash = prompt_sha256(prompt)
        self._calls[prompt_hash] += 1
        for number, rule in enumerate(self.plan.rules):
            if _matches(rule, prompt):
                self._matched[number] += 1
                if _is_due(rule, self._matched[number]):
                    return rule.fault
        return fault_by_rate(self.plan, prompt_hash=prompt_hash, nth=self._calls[prompt_hash])


def _matches(rule: Rule, prompt: str) -> bool:
    return rule.match is None or rule.match in prompt


def _is_due(rule: Rule, matched: int) -> bool:
    return matched > rule.skip and (rule.times is None or matched <= rule.skip + rule.times)
