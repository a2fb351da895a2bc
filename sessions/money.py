"""Usage and cost. Amounts are whole micro-dollars (1 USD = 1,000,000), so that sums are exact."""

from typing import Annotated, Self

from pydantic import Field

from sessions.model import Value

MICRODOLLARS_PER_DOLLAR = 1_000_000
MOST_TOKENS = 10**9
"""What a provider counts for one call beyond this is no count; it would not even fit into the records."""

Dollars = Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False, strict=True)]
"""An amount as people give it: US dollars."""


def dollars(microdollars: int) -> float:
    """Return an amount as the API shows it: US dollars."""
    return round(microdollars / MICRODOLLARS_PER_DOLLAR, 6)


def microdollars(amount: float) -> int:
    """Return an amount of US dollars in whole micro-dollars."""
    return round(amount * MICRODOLLARS_PER_DOLLAR)


class Usage(Value):
    """Tokens that the provider counted. Image and text tokens are priced apart, so they are kept apart."""

    input_tokens: int = Field(default=0, ge=0)
    output_tokens: int = Field(default=0, ge=0)
    input_image_tokens: int = Field(default=0, ge=0)
    """The part of ``input_tokens`` that came from pictures."""

    def __add__(self, other: Self) -> "Usage":
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            input_image_tokens=self.input_image_tokens + other.input_image_tokens,
        )


class Spending(Value):
    """What attempts have used and cost so far. ``uncertain``: may have been billed, at its worst-case price."""

    usage: Usage = Usage()
    spent_microdollars: int = 0
    uncertain_microdollars: int = 0

    @property
    def at_worst_microdollars(self) -> int:
        """What attempts have cost if everything uncertain was billed."""
        return self.spent_microdollars + self.uncertain_microdollars

    def __add__(self, other: Self) -> "Spending":
        return Spending(
            usage=self.usage + other.usage,
            spent_microdollars=self.spent_microdollars + other.spent_microdollars,
            uncertain_microdollars=self.uncertain_microdollars + other.uncertain_microdollars,
        )
