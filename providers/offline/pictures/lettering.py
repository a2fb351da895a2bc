"""Setting words: fitted to a box, wrapped, cut with an ellipsis; any script, never an error."""

from collections.abc import Iterator
from dataclasses import dataclass

from PIL import ImageDraw, ImageFont

from providers.offline.pictures.canvas import Canvas
from providers.offline.pictures.colours import Colour
from providers.offline.pictures.stencils import Box

_MEASURE = 100
_LEADING = 1.16
_LEGIBLE = 6
_STEPS = 14
_LONGEST = 400
# The built-in font has one weight; a thin outline makes another. Thicker, the dot of an i runs into its stem.
_BOLD = 0.014


@dataclass(frozen=True)
class Style:
    """How words are set. ``size`` is the largest letter height tried, in pixels.

    ``centred`` sets each line in the middle of the box's width, ``middle`` all lines in the middle of its height.
    """

    size: float
    colour: Colour
    lines: int = 1
    bold: bool = False
    centred: bool = False
    middle: bool = False


def letter(canvas: Canvas, text: str, box: Box, style: Style) -> float:
    """Set a text in a box, as large as it fits, and return where it ends (y, in pixels).

    Nothing is set where the text is empty or the box is too small for legible letters.
    """
    left, top, right, bottom = box
    width, height = right - left, bottom - top
    if not text or width < _LEGIBLE or height < _LEGIBLE or style.size < _LEGIBLE:
        return top
    size, lines = _fitted(text[:_LONGEST], width, height, style)
    font = _font(round(size))
    draw = ImageDraw.Draw(canvas.image)
    weight = size * _BOLD if style.bold else 0
    if style.middle:
        top += max(0.0, height - len(lines) * size * _LEADING) / 2
    for number, line in enumerate(lines):
        x = left + (width - font.getlength(line)) / 2 if style.centred else left
        place = (x, top + number * size * _LEADING)
        draw.text(place, line, font=font, fill=style.colour, stroke_width=weight, stroke_fill=style.colour)
    return top + len(lines) * size * _LEADING


def _fitted(text: str, width: float, height: float, style: Style) -> tuple[float, list[str]]:
    """Return the largest size at which the text fits whole, otherwise the smallest with the text cut."""
    ruler = _Ruler()
    smallest = max(_LEGIBLE, style.size * 0.45)
    size = style.size
    lines: list[str] = []
    for step in range(_STEPS):
        size = style.size - (style.size - smallest) * step / (_STEPS - 1)
        lines = list(ruler.wrapped(text, width / size))
        if len(lines) <= style.lines and len(lines) * size * _LEADING <= height:
            return size, lines
    room = max(1, min(style.lines, int(height / (size * _LEADING))))
    if len(lines) > room:
        lines = [*lines[: room - 1], ruler.cut(lines[room - 1], width / size)]
    return size, lines


class _Ruler:
    """Measures texts in multiples of the letter size, each only once."""

    def __init__(self) -> None:
        self._font = _font(_MEASURE)
        self._known: dict[str, float] = {}

    def width(self, text: str) -> float:
        if text not in self._known:
            self._known[text] = self._font.getlength(text) / _MEASURE
        return self._known[text]

    def wrapped(self, text: str, room: float) -> Iterator[str]:
        line = ""
        for word in text.split():
            longer = f"{line} {word}".strip()
            if self.width(longer) <= room:
                line = longer
                continue
            if line:
                yield line
            line = word
            while self.width(line) > room and len(line) > 1:
                head = self._head(line, room)
                yield head
                line = line[len(head) :]
        if line:
            yield line

    def cut(self, line: str, room: float) -> str:
        fits = (count for count in range(len(line), 0, -1) if self.width(f"{line[:count]}…") <= room)
        return f"{line[: next(fits, 0)].rstrip()}…"

    def _head(self, word: str, room: float) -> str:
        fits = (count for count in range(len(word) - 1, 1, -1) if self.width(word[:count]) <= room)
        return word[: next(fits, 1)]


def _font(size: int) -> ImageFont.FreeTypeFont:
    """Return Pillow's own font. Made anew each time: it takes 30 µs, and a shared one is not for threads."""
    font = ImageFont.load_default(size=max(1, size))
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise TypeError("this build of Pillow has no FreeType; install a wheel that has")
    return font
