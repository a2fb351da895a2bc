"""A picture under construction: antialiased shapes, gradients, soft shadows and glows.

Only masks are drawn larger and scaled down; colour is laid on at the final size. That keeps a whole picture at
a few dozen milliseconds where supersampling all of it would take half a second.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from providers.offline.pictures.colours import BLACK, WHITE, Colour, mix
from providers.offline.pictures.stencils import Box, Pen, Point, Stencil

# Small shapes get finer edges: they are cheap, and their edges are most of what is seen of them.
_FINE_AREA = 300 * 300
_SHADOW_SCALE = 0.25
_GRADIENT_STEPS = 256


@dataclass(frozen=True)
class Gradient:
    """Colours at places from 0 to 1, from left to right (``across``) or from top to bottom."""

    stops: tuple[tuple[float, Colour], ...]
    across: bool = False

    def strip(self) -> Image.Image:
        """Return the gradient as a picture one pixel thick."""
        colours = [self.at(step / (_GRADIENT_STEPS - 1)) for step in range(_GRADIENT_STEPS)]
        strip = Image.new("RGB", (_GRADIENT_STEPS, 1) if self.across else (1, _GRADIENT_STEPS))
        strip.putdata(colours)
        return strip

    def at(self, place: float) -> Colour:
        """Return the colour at a place from 0 to 1."""
        for (start, first), (end, second) in zip(self.stops, self.stops[1:], strict=False):
            if place <= end:
                return mix(first, second, max(0.0, place - start) / (end - start))
        return self.stops[-1][1]


Fill = Colour | Gradient


def down(*colours: Colour) -> Gradient:
    """Return a gradient from top to bottom with the colours at equal distances."""
    return Gradient(_spread(colours))


def across(*colours: Colour) -> Gradient:
    """Return a gradient from left to right with the colours at equal distances."""
    return Gradient(_spread(colours), across=True)


def _spread(colours: Sequence[Colour]) -> tuple[tuple[float, Colour], ...]:
    return tuple((index / (len(colours) - 1), colour) for index, colour in enumerate(colours))


class Canvas:
    """An RGB picture to paint on. Places and lengths are in its pixels."""

    def __init__(self, width: int, height: int, *, ground: Colour = WHITE) -> None:
        self.width = width
        self.height = height
        self.image = Image.new("RGB", (width, height), ground)

    @property
    def unit(self) -> float:
        """A hundredth of the shorter side: what sizes are given in, so that every format looks alike."""
        return min(self.width, self.height) / 100

    @property
    def box(self) -> Box:
        """The whole picture."""
        return (0, 0, self.width, self.height)

    def fill(self, stencil: Stencil, fill: Fill, *, opacity: float = 1.0, within: Stencil | None = None) -> None:
        """Fill a stencil, or only the part of it that lies within another."""
        area = self._clipped(stencil.box)
        if area is None:
            return
        mask = _mask(stencil, area)
        if within is not None:
            mask = ImageChops.multiply(mask, _mask(within, area))
        self._lay(area, _paint(fill, stencil.box, area), _faded(mask, opacity))

    def shade(
        self,
        stencil: Stencil,
        *,
        blur: float,
        offset: Point = (0.0, 0.0),
        opacity: float = 0.35,
        colour: Colour = BLACK,
        within: Stencil | None = None,
    ) -> None:
        """Lay the blurred shape of a stencil, as a shadow or as a soft light, moved by an offset."""
        left, top, right, bottom = stencil.box
        x, y = offset
        reach = blur * 2.5
        area = self._clipped((left + x - reach, top + y - reach, right + x + reach, bottom + y + reach))
        if area is None:
            return
        size = (area[2] - area[0], area[3] - area[1])
        small = Image.new("L", (max(1, round(size[0] * _SHADOW_SCALE)), max(1, round(size[1] * _SHADOW_SCALE))))
        stencil.paint(Pen(ImageDraw.Draw(small), _SHADOW_SCALE, area[0] - x, area[1] - y))
        mask = small.filter(ImageFilter.GaussianBlur(blur * _SHADOW_SCALE)).resize(size, Image.Resampling.BICUBIC)
        if within is not None:
            mask = ImageChops.multiply(mask, _mask(within, area))
        self._lay(area, Image.new("RGB", size, colour), _faded(mask, opacity))

    def glow(self, centre: Point, radius: float, colour: Colour, *, opacity: float = 0.6) -> None:
        """Lay a light that fades to nothing at the radius."""
        x, y = centre
        area = self._clipped((x - radius, y - radius, x + radius, y + radius))
        if area is None:
            return
        size = (area[2] - area[0], area[3] - area[1])
        # Pillow's radial gradient is a square of 256 pixels, 0 in the middle and 255 at its corners.
        per_pixel = 256 / (2 * radius)
        part = tuple((edge - start) * per_pixel for edge, start in zip(area, (x - radius, y - radius) * 2, strict=True))
        shares = (min(1.0, value / 255 * math.sqrt(2)) for value in range(256))
        fading = Image.radial_gradient("L").point([round(255 * (1 - share) ** 2) for share in shares])
        mask = fading.resize(size, Image.Resampling.BICUBIC, box=_inside(part))
        self._lay(area, Image.new("RGB", size, colour), _faded(mask, opacity))

    def paste(self, picture: Image.Image, corner: Point) -> None:
        """Lay a picture with an alpha channel, its top left corner at a place."""
        place = (round(corner[0]), round(corner[1]))
        self.image.paste(picture, place, picture)

    def _lay(self, area: tuple[int, int, int, int], paint: Image.Image | Colour, mask: Image.Image) -> None:
        self.image.paste(paint, area, mask)

    def _clipped(self, box: Box) -> tuple[int, int, int, int] | None:
        left, top = max(0, math.floor(box[0])), max(0, math.floor(box[1]))
        right, bottom = min(self.width, math.ceil(box[2])), min(self.height, math.ceil(box[3]))
        return (left, top, right, bottom) if left < right and top < bottom else None


def _mask(stencil: Stencil, area: tuple[int, int, int, int]) -> Image.Image:
    width, height = area[2] - area[0], area[3] - area[1]
    scale = 4 if width * height < _FINE_AREA else 2
    mask = Image.new("L", (width * scale, height * scale))
    stencil.paint(Pen(ImageDraw.Draw(mask), scale, area[0], area[1]))
    return mask.reduce(scale)


def _faded(mask: Image.Image, opacity: float) -> Image.Image:
    return mask if opacity >= 1 else mask.point([round(value * opacity) for value in range(256)])


def _paint(fill: Fill, box: Box, area: tuple[int, int, int, int]) -> Image.Image | Colour:
    if not isinstance(fill, Gradient):
        return fill
    size = (area[2] - area[0], area[3] - area[1])
    strip = fill.strip()
    start, end = (box[0], box[2]) if fill.across else (box[1], box[3])
    first, last = (area[0], area[2]) if fill.across else (area[1], area[3])
    per_pixel = _GRADIENT_STEPS / max(end - start, 1e-6)
    low, high = _within(0, (first - start) * per_pixel), _within(0, (last - start) * per_pixel)
    span = (min(low, _GRADIENT_STEPS - 1), max(high, min(low, _GRADIENT_STEPS - 1) + 1e-3))
    part = (span[0], 0, span[1], 1) if fill.across else (0, span[0], 1, span[1])
    return strip.resize(size, Image.Resampling.BILINEAR, box=part)


def _within(low: float, value: float) -> float:
    return min(max(low, value), float(_GRADIENT_STEPS))


def _inside(part: Sequence[float]) -> Box:
    left, top, right, bottom = (_within(0, value) for value in part)
    return left, top, max(right, left + 1e-3), max(bottom, top + 1e-3)
