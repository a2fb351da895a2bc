"""Outlines: what to fill on a canvas, in pixels of the finished picture, as floats."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PIL import ImageDraw

Point = tuple[float, float]
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Pen:
    """Draws into a mask that is a scaled and moved cut-out of the picture."""

    draw: ImageDraw.ImageDraw
    scale: float
    left: float
    top: float

    def place(self, points: Sequence[Point]) -> list[Point]:
        """Return the points in the mask's own pixels."""
        return [((x - self.left) * self.scale, (y - self.top) * self.scale) for x, y in points]

    def place_box(self, box: Box) -> list[Point]:
        """Return the two corners of a box in the mask's own pixels, never turned inside out."""
        (left, top), (right, bottom) = self.place([(box[0], box[1]), (box[2], box[3])])
        return [(left, top), (max(left, right - 1), max(top, bottom - 1))]


@dataclass(frozen=True)
class Stencil:
    """An outline: the box it lies in, and how to draw it white on black."""

    box: Box
    paint: Callable[[Pen], None]


def around(points: Sequence[Point]) -> Box:
    """Return the box that holds all the points."""
    return (
        min(x for x, _ in points),
        min(y for _, y in points),
        max(x for x, _ in points),
        max(y for _, y in points),
    )


def polygon(points: Sequence[Point]) -> Stencil:
    """Return the area within the points."""
    return Stencil(around(points), lambda pen: pen.draw.polygon(pen.place(points), fill=255))


def ellipse(box: Box) -> Stencil:
    """Return the ellipse that fills the box."""
    return Stencil(box, lambda pen: pen.draw.ellipse(pen.place_box(box), fill=255))


def circle(centre: Point, radius: float) -> Stencil:
    """Return a circle."""
    x, y = centre
    return ellipse((x - radius, y - radius, x + radius, y + radius))


def rounded(box: Box, radius: float) -> Stencil:
    """Return the box with round corners."""
    return Stencil(
        box,
        lambda pen: pen.draw.rounded_rectangle(pen.place_box(box), radius=radius * pen.scale, fill=255),
    )


def rectangle(box: Box) -> Stencil:
    """Return the box itself."""
    return rounded(box, 0)


def stroke(points: Sequence[Point], width: float) -> Stencil:
    """Return a line along the points, with round ends."""
    left, top, right, bottom = around(points)
    half = width / 2

    def paint(pen: Pen) -> None:
        placed = pen.place(points)
        pen.draw.line(placed, fill=255, width=max(1, round(width * pen.scale)), joint="curve")
        radius = half * pen.scale
        for x, y in (placed[0], placed[-1]):
            pen.draw.ellipse([(x - radius, y - radius), (x + radius, y + radius)], fill=255)

    return Stencil((left - half, top - half, right + half, bottom + half), paint)


def smooth(points: Sequence[Point], *, steps: int = 8) -> list[Point]:
    """Return a curve through all the points (Catmull-Rom), open, with steps between each two."""
    padded = [points[0], *points, points[-1]]
    curve: list[Point] = []
    for before, start, end, after in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        for step in range(steps):
            share = step / steps
            curve.append(
                (
                    _catmull_rom(before[0], start[0], end[0], after[0], share),
                    _catmull_rom(before[1], start[1], end[1], after[1], share),
                )
            )
    return [*curve, points[-1]]


def _catmull_rom(before: float, start: float, end: float, after: float, share: float) -> float:
    return 0.5 * (
        2 * start
        + (end - before) * share
        + (2 * before - 5 * start + 4 * end - after) * share**2
        + (3 * start - before - 3 * end + after) * share**3
    )


def arc(centre: Point, radii: Point, *, start: float, end: float, steps: int = 24) -> list[Point]:
    """Return points on an ellipse from one angle to another, in degrees, clockwise from the right."""
    angles = (math.radians(start + (end - start) * step / steps) for step in range(steps + 1))
    return [(centre[0] + radii[0] * math.cos(angle), centre[1] + radii[1] * math.sin(angle)) for angle in angles]
