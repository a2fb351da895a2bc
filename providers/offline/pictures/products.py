"""Products drawn from their title: the words choose the shape, and what the words don't say, the dice do."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from providers.offline.dice import Dice
from providers.offline.pictures.brief import Brief
from providers.offline.pictures.canvas import Canvas
from providers.offline.pictures.colours import Palette
from providers.offline.pictures.round_products import paint_bottle, paint_jar, paint_lamp, paint_mug, paint_tube
from providers.offline.pictures.square_products import (
    paint_backpack,
    paint_carton,
    paint_headphones,
    paint_speaker,
)
from providers.offline.pictures.stencils import Box
from providers.offline.pictures.subjects import Feet

Painter = Callable[[Canvas, Box, Palette, str], None]


@dataclass(frozen=True)
class Shape:
    """A kind of product.

    ``aspect`` is width / height, ``words`` are the words that mean it, ``feet`` where it touches the ground, as
    shares of its width.
    """

    aspect: float
    paint: Painter
    words: re.Pattern[str]
    feet: Feet


def _shape(aspect: float, paint: Painter, words: str, feet: Feet = ((0.03, 0.97),)) -> Shape:
    return Shape(aspect, paint, re.compile(rf"\b(?:{words})", re.IGNORECASE), feet)


_SHAPES = (
    _shape(0.36, paint_bottle, "bottle|flask|thermos|shaker|wine|drink|water"),
    _shape(1.16, paint_mug, "mug|cup|coffee|tea\\b|teapot|espresso", ((0.05, 0.69),)),
    _shape(0.8, paint_jar, "jar|candle|honey|jam|cream|powder|spice|vitamin|supplement"),
    _shape(0.74, paint_lamp, "lamp|light|lantern|led\\b|bulb", ((0.29, 0.71),)),
    _shape(0.42, paint_tube, "tube|lotion|gel|toothpaste|sunscreen|serum|balm", ((0.18, 0.82),)),
    _shape(0.82, paint_backpack, "backpack|bag|rucksack|satchel|pouch|tote|luggage|wallet", ((0.1, 0.9),)),
    _shape(0.98, paint_headphones, "headphone|headset|earbud|earphone|audio", ((0.03, 0.25), (0.75, 0.97))),
    _shape(0.72, paint_speaker, "speaker|radio|soundbar|bluetooth|camera|charger|power ?bank"),
    _shape(0.84, paint_carton, "box|carton|pack|set\\b|kit\\b|game|puzzle|cereal|book"),
)


@dataclass(frozen=True)
class DrawnProduct:
    """A product painted from nothing but words."""

    shape: Shape
    palette: Palette
    words: str

    @property
    def aspect(self) -> float:
        """Width divided by height."""
        return self.shape.aspect

    @property
    def feet(self) -> Feet:
        """Where it touches the ground, as shares of its width."""
        return self.shape.feet

    def paint(self, canvas: Canvas, box: Box) -> None:
        """Paint the product into the box."""
        self.shape.paint(canvas, box, self.palette, self.words)


def drawn_product(brief: Brief, palette: Palette) -> DrawnProduct:
    """Return the product of a brief. The same title always gives the same product, whatever the picture."""
    named = next((shape for shape in _SHAPES if shape.words.search(brief.title)), None)
    shape = named or Dice(brief.title).pick("shape", _SHAPES)
    return DrawnProduct(shape, palette, brief.brand or brief.title)
