"""Prices, and what they make of usage. The table is data: it is edited without touching code."""

import math
from collections.abc import Mapping
from datetime import date

from pydantic import Field

from sessions.model import Value
from sessions.money import Usage

_FACTORS = {"low": 16, "medium": 48, "high": 96, "auto": 96, "xhigh": 96, "max": 96}


class ModelPrice(Value):
    """US dollars per million tokens. Micro-dollars per token are the same figure."""

    text_input: float = Field(ge=0, allow_inf_nan=False)
    image_input: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    output: float = Field(ge=0, allow_inf_nan=False)


class PriceTable(Value):
    """What models cost, and on which day that was looked up.

    A name that is not listed is priced as the longest listed name it begins with, so that dated snapshots
    of a model need no entry of their own; failing that, as ``fallback``, which is meant to be too high
    rather than too low.
    """

    as_of: date
    models: Mapping[str, ModelPrice]
    fallback: ModelPrice

    def entry_of(self, model: str) -> str | None:
        """Return the name by which a model is priced, None where it is not listed."""
        return max((name for name in self.models if model.startswith(name)), key=len, default=None)

    def price_of(self, model: str) -> ModelPrice:
        """Return the price of a model."""
        entry = self.entry_of(model)
        return self.fallback if entry is None else self.models[entry]

    def cost_microdollars(self, usage: Usage, *, model: str) -> int:
        """Return what usage costs, rounded up to whole micro-dollars."""
        price = self.price_of(model)
        text_tokens = max(0, usage.input_tokens - usage.input_image_tokens)
        return math.ceil(
            text_tokens * price.text_input
            + usage.input_image_tokens * price.image_input
            + usage.output_tokens * price.output
        )


def image_output_tokens(*, size: str, quality: str) -> int:
    """Return how many tokens a picture is expected to take, by the formula published for gpt-image-2.

    Later models count differently and publish no formula: an expectation, never a bill.
    """
    width, height = (int(edge) for edge in size.split("x"))
    factor = _FACTORS[quality]
    short = round(factor * min(width, height) / max(width, height))
    return math.ceil(factor * short * (2_000_000 + width * height) / 4_000_000)


def expected_text_usage(*, input_characters: int, output_tokens: int) -> Usage:
    """Return the usage to expect of one text call: about four characters a token."""
    return Usage(input_tokens=math.ceil(input_characters / 4), output_tokens=output_tokens)


def expected_image_usage(*, size: str, quality: str, prompt_characters: int, references: int) -> Usage:
    """Return the usage to expect of one image call: about four characters a token, about 1,500 a reference."""
    image_tokens = references * 1500
    return Usage(
        input_tokens=math.ceil(prompt_characters / 4) + image_tokens,
        input_image_tokens=image_tokens,
        output_tokens=image_output_tokens(size=size, quality=quality),
    )
