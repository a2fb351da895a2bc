"""The provider's own log, held against our ledger."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from providers.offline.calls import Call
from sessions.statuses import AttemptStatus
from sessions.view import AttemptView


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What the provider has logged, and what the ledger says of it."""

    calls: Sequence[Call]
    attempts: Sequence[AttemptView]

    @property
    def agree(self) -> bool:
        """Whether every call is one attempt, and every attempt one call, prompt by prompt, and all have ended."""
        is_over = all(attempt.status is not AttemptStatus.RUNNING for attempt in self.attempts)
        in_log = Counter(call.prompt_sha256 for call in self.calls)
        return is_over and in_log == Counter(attempt.prompt_sha256 for attempt in self.attempts)

    @property
    def pictures(self) -> int:
        """How many calls have handed a picture over."""
        return sum(call.status == 200 and call.answered for call in self.calls)

    @property
    def in_words(self) -> str:
        """A sentence about one session."""
        ends = Counter(str(attempt.status) for attempt in self.attempts)
        told = ", ".join(f"{count} {status}" for status, count in sorted(ends.items()))
        return (
            f"The figures: {counted(len(self.calls), 'call')} in the provider's own log, "
            f"{counted(len(self.attempts), 'attempt')} in our ledger ({told}), {counted(self.pictures, 'picture')} for "
            "5 images."
        )


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, in the plural where it is one."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
