"""What a scene is given: the canvas, the words, the product and the choices."""

from dataclasses import dataclass

from providers.offline.dice import Dice
from providers.offline.pictures.brief import Brief
from providers.offline.pictures.canvas import Canvas
from providers.offline.pictures.colours import Colour, Palette, mix
from providers.offline.pictures.stencils import Box, Point
from providers.offline.pictures.subjects import Subject


@dataclass(frozen=True)
class Frame:
    """One picture to be composed. Places are given as shares of its width and height.

    ``dice`` are this picture's own choices, ``house`` those that all pictures of the product share.
    """

    canvas: Canvas
    brief: Brief
    subject: Subject
    palette: Palette
    dice: Dice
    house: Dice

    @property
    def unit(self) -> float:
        """A hundredth of the shorter side, in pixels."""
        return self.canvas.unit

    def point(self, x: float, y: float) -> Point:
        """Return a place in pixels."""
        return x * self.canvas.width, y * self.canvas.height

    def box(self, left: float, top: float, right: float, bottom: float) -> Box:
        """Return a box in pixels."""
        return (*self.point(left, top), *self.point(right, bottom))

    def tint(self, share: float) -> Colour:
        """Return the paper of the palette with a share of the product's colour."""
        return mix(self.palette.paper, self.palette.body, share)
