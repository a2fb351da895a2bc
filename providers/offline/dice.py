"""Choices that look random and never change: each is a pure function of a seed text and a name.

``random.Random`` would do, but every draw would depend on all draws before it: adding one detail
would change everything made after it.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

Choice = TypeVar("Choice")


@dataclass(frozen=True)
class Dice:
    """Named choices of one seed text."""

    seed: str

    def fraction(self, name: str) -> float:
        """Return a number in [0, 1) for this name."""
        digest = hashlib.sha256(f"{self.seed}\n{name}".encode()).digest()
        return int.from_bytes(digest[:6]) / 2**48

    def between(self, name: str, low: float, high: float) -> float:
        """Return a number in [low, high) for this name."""
        return low + (high - low) * self.fraction(name)

    def pick(self, name: str, choices: Sequence[Choice]) -> Choice:
        """Return one of the choices for this name."""
        return choices[int(self.fraction(name) * len(choices))]

    def flip(self, name: str) -> bool:
        """Return true or false, each as likely, for this name."""
        return self.fraction(name) < 0.5
