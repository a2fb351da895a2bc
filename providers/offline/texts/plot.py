"""A plot, leg by leg: each begins where the one before ended, from the first morning to the last evening."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from providers.offline.dice import Dice
from providers.offline.texts.deck import Deck
from providers.offline.texts.events import CALL, ENDINGS, OPENING, STAGES, TRIALS, TURNS
from providers.offline.texts.people import called
from providers.offline.texts.world import (
    BEGINS,
    CLOSING_STATES,
    ENDS,
    LEARNED,
    OPENING_STATES,
    PLACES,
    THEMES,
    THINGS,
)

_EARLY, _MIDDLE = 0.35, 0.7
_LEGS_WITH_A_THING = 3
_MANY_LEGS = 12
_SHARE_WITH_FOUR_BEATS = 0.3


@dataclass(frozen=True)
class Leg:
    """A stretch of the plot: what happens, and the states in which it begins and ends."""

    beats: tuple[str, ...]
    begins: str
    ends: str


@dataclass(frozen=True)
class Stretch:
    """Which stretch of a whole story a plot covers: ``of`` equal parts, this being the ``number``-th, from 1."""

    legs: int
    number: int = 1
    of: int = 1

    def share_before(self, leg: int) -> float:
        """Return how much of the story is told before a leg of it (from 0), as a fraction."""
        within = leg / max(self.legs - 1, 1) if self.of == 1 else leg / self.legs
        return (self.number - 1 + within) / self.of

    def is_first(self, leg: int) -> bool:
        """Tell whether the story begins with this leg."""
        return self.number == 1 and leg == 0

    def is_last(self, leg: int) -> bool:
        """Tell whether the story ends with this leg."""
        return self.number == self.of and leg == self.legs - 1


@dataclass(frozen=True)
class _Scene:
    """What the templates of a leg are filled with."""

    a: str
    b: str
    c: str
    place: str
    thing: str
    topic: str
    learned: str = ""

    def tell(self, template: str) -> str:
        text = template.format_map(vars(self))
        return text[:1].upper() + text[1:]


class Plot:
    """Makes up legs. The same seed, names and topics always give the same."""

    def __init__(self, *, names: Sequence[str], topics: Sequence[str], seed: str) -> None:
        self._dice = Dice(seed)
        self._names = (*map(called, names), *("somebody", "an old friend", "a stranger")[len(names) :])
        self._topics = Deck(topics or THEMES, seed=f"{seed} topics")
        self._places = Deck(PLACES, seed=f"{seed} places")
        self._things = Deck(THINGS, seed=f"{seed} things")
        self._states: dict[Sequence[str], Deck[str]] = {
            cards: Deck(cards, seed=f"{seed} {cards[0]}")
            for cards in (OPENING_STATES, CLOSING_STATES, ENDS, BEGINS, *LEARNED)
        }
        self._beats: dict[Sequence[str], Deck[str]] = {
            cards: Deck(cards, seed=f"{seed} {cards[0]}")
            for cards in (OPENING, CALL, TURNS, ENDINGS, *(stage for _, stage in STAGES))
        }

    def legs(self, stretch: Stretch, *, most_beats: int) -> Iterator[Leg]:
        """Return the legs of a stretch, in order.

        Args:
            stretch: what they cover.
            most_beats: how many beats a leg may have, at least two.
        """
        here = self._scene(0, share=stretch.share_before(0), before=None)
        begins = here.tell(self._states[OPENING_STATES if stretch.is_first(0) else BEGINS].draw())
        for number in range(stretch.legs):
            there = self._scene(number, share=stretch.share_before(number), before=here)
            happens = self._events(stretch, number, most=most_beats)
            beats = (here.tell(happens[0]), *(there.tell(beat) for beat in happens[1:]))
            ends = there.tell(self._states[CLOSING_STATES if stretch.is_last(number) else ENDS].draw())
            yield Leg(beats, begins, ends)
            begins = there.tell(self._states[BEGINS].draw())
            here = there

    def _scene(self, leg: int, *, share: float, before: _Scene | None) -> _Scene:
        a, partner, c, *others = self._names
        partners = (partner, *others)
        scene = _Scene(
            a=a,
            b=partners[leg % len(partners)],
            c=c,
            place=self._places.draw_other_than(before.place if before else ""),
            thing=self._things.draw() if before is None or leg % _LEGS_WITH_A_THING == 0 else before.thing,
            topic=self._topics.draw(),
        )
        found_out = LEARNED[0] if share < _EARLY else LEARNED[1] if share < _MIDDLE else LEARNED[2]
        return replace(scene, learned=self._states[found_out].draw().format_map(vars(scene)))

    def _events(self, stretch: Stretch, leg: int, *, most: int) -> Sequence[str]:
        share = stretch.share_before(leg)
        stage = [cards for start, cards in STAGES if start <= share][-1]
        count = min(most, 4 if self._dice.fraction(f"beats {leg}") < _SHARE_WITH_FOUR_BEATS else 3)
        first, last = stretch.is_first(leg), stretch.is_last(leg)
        if first and last:
            stages: Sequence[Sequence[str]] = (*(OPENING, CALL, TURNS)[: count - 1], ENDINGS)
        elif first:
            stages = (OPENING, *(CALL,) * (count - 1))
        elif last:
            stages = (*(stage,) * (count - 2), ENDINGS, ENDINGS)
        elif stretch.legs * stretch.of > _MANY_LEGS:
            # A stage of a long story lasts for dozens of legs, and what is special would happen in each of them.
            stages = (TRIALS, stage, TRIALS, TRIALS)[:count]
        else:
            stages = (stage,) * count
        return [self._beats[cards].draw() for cards in stages]
