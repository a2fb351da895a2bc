"""Round bodies, drawn from the side: a profile turned about its axis, lit from the upper left."""

from collections.abc import Sequence
from dataclasses import dataclass

from providers.offline.pictures.canvas import Canvas, Gradient
from providers.offline.pictures.colours import BLACK, WHITE, Colour, darker, lighter, mix
from providers.offline.pictures.stencils import Box, Point, Stencil, arc, polygon, smooth

# How much a round edge bulges, as a share of its radius: the eye is a little above the product.
_TILT = 0.1


@dataclass(frozen=True)
class Turned:
    """The box a body is turned in. Places are given as shares: x from the axis (0) to the side (1), y down."""

    box: Box

    def point(self, x: float, y: float) -> Point:
        """Return the place in pixels of a share."""
        left, top, right, bottom = self.box
        return (left + right) / 2 + x * (right - left) / 2, top + y * (bottom - top)

    @property
    def radius(self) -> float:
        """Half the width, in pixels."""
        return (self.box[2] - self.box[0]) / 2

    def body(self, profile: Sequence[Point], *, steps: int = 8, tilt: float = _TILT) -> Stencil:
        """Return the outline of a profile: (radius, y) from top to bottom, smoothed, ending in a round foot."""
        placed = [self.point(x, y) for x, y in profile]
        curve = smooth(placed, steps=steps) if steps > 1 else placed
        axis = self.point(0, 0)[0]
        lowest = curve[-1][1] - (curve[-1][0] - axis) * tilt
        curve = _ended(curve, lowest)
        radius = curve[-1][0] - axis
        foot = arc((axis, lowest), (radius, radius * tilt), start=0, end=180)
        mirrored = [(2 * axis - x, y) for x, y in reversed(curve)]
        return polygon([*curve, *foot, *mirrored])

    def band(self, top: float, bottom: float, *, reach: float = 1.0, tilt: float = _TILT) -> Stencil:
        """Return a ring around the body between two heights, bulging as the foot does."""
        axis, y = self.point(0, top)
        radius = self.radius * reach
        sag = radius * tilt
        upper = arc((axis, y - sag), (radius, sag), start=180, end=0)
        lower = arc((axis, self.point(0, bottom)[1] - sag), (radius, sag), start=0, end=180)
        return polygon([*upper, *lower])

    def lid(self, reach: float, y: float, *, tilt: float = _TILT) -> Stencil:
        """Return the ellipse seen where a body is open or flat on top."""
        axis, height = self.point(0, y)
        radius = self.radius * reach
        return polygon(arc((axis, height), (radius, radius * tilt), start=0, end=360, steps=48))


def _ended(curve: Sequence[Point], lowest: float) -> list[Point]:
    """Return the curve as far down as a height, with its end exactly there."""
    kept = [place for place in curve if place[1] < lowest] or [curve[0]]
    beyond = curve[min(len(kept), len(curve) - 1)]
    share = (lowest - kept[-1][1]) / max(beyond[1] - kept[-1][1], 1e-6)
    return [*kept, (kept[-1][0] + (beyond[0] - kept[-1][0]) * min(share, 1.0), lowest)]


def sheen(colour: Colour, *, gloss: float = 0.5) -> Gradient:
    """Return the light on a round body of a colour, from left to right."""
    return Gradient(
        (
            (0.0, darker(colour, 0.42)),
            (0.1, darker(colour, 0.16)),
            (0.27, lighter(colour, gloss)),
            (0.38, lighter(colour, gloss * 0.25)),
            (0.58, colour),
            (0.85, darker(colour, 0.38)),
            (0.95, darker(colour, 0.5)),
            (1.0, darker(colour, 0.3)),
        ),
        across=True,
    )


def streak(canvas: Canvas, turned: Turned, *, top: float, bottom: float, within: Stencil) -> None:
    """Paint the reflection of a tall window on a glossy body."""
    points = [turned.point(x, y) for x, y in ((-0.62, top), (-0.44, top), (-0.44, bottom), (-0.62, bottom))]
    canvas.shade(polygon(points), blur=turned.radius * 0.05, opacity=0.38, colour=WHITE, within=within)


def seam(canvas: Canvas, turned: Turned, y: float, *, within: Stencil, width: float = 0.006) -> None:
    """Paint the fine dark line where two parts meet."""
    canvas.fill(turned.band(y, y + width), BLACK, opacity=0.35, within=within)


def metal(colour: Colour) -> Colour:
    """Return a colour as it looks on brushed metal."""
    return mix(colour, (196, 200, 204), 0.35)
