"""Drawing from a collection so that nothing comes twice before everything came once."""

import hashlib
from collections.abc import Sequence
from typing import Generic, TypeVar

Card = TypeVar("Card")
_BYTES_PER_CARD = 4


class Deck(Generic[Card]):
    """Cards in an order that depends on a seed text alone, shuffled anew when all are drawn."""

    def __init__(self, cards: Sequence[Card], *, seed: str) -> None:
        self._cards = cards
        self._seed = seed
        self._shuffles = 0
        self._left: list[Card] = []

    def draw(self) -> Card:
        """Return the next card."""
        if not self._left:
            self._left = self._shuffled()
        return self._left.pop()

    def draw_other_than(self, *taken: Card) -> Card:
        """Return the next card that is none of these; any, where there is no other."""
        for _ in self._cards:
            card = self.draw()
            if card not in taken:
                return card
        return self.draw()

    def _shuffled(self) -> list[Card]:
        # One hash for all cards: one for each, as `Dice` would take, is felt in stories of a thousand sets.
        self._shuffles += 1
        digest = hashlib.shake_128(f"{self._seed}\n{self._shuffles}".encode()).digest(
            _BYTES_PER_CARD * len(self._cards)
        )
        keys = [digest[start : start + _BYTES_PER_CARD] for start in range(0, len(digest), _BYTES_PER_CARD)]
        return [self._cards[number] for number in sorted(range(len(self._cards)), key=keys.__getitem__)]
