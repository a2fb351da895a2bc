"""Products with flat sides: carton, speaker, backpack; and headphones."""

from providers.offline.pictures.canvas import Canvas, across, down
from providers.offline.pictures.colours import BLACK, WHITE, Palette, darker, lighter, mix
from providers.offline.pictures.lathe import metal, sheen
from providers.offline.pictures.lettering import Style, letter
from providers.offline.pictures.stencils import Box, Point, arc, circle, ellipse, polygon, rounded, smooth, stroke


class _Frame:
    """Places inside a box, given as shares of its width and height."""

    def __init__(self, box: Box) -> None:
        self._box = box
        self.width = box[2] - box[0]
        self.height = box[3] - box[1]

    def point(self, x: float, y: float) -> Point:
        return self._box[0] + x * self.width, self._box[1] + y * self.height

    def points(self, *shares: Point) -> list[Point]:
        return [self.point(x, y) for x, y in shares]

    def part(self, left: float, top: float, right: float, bottom: float) -> Box:
        return (*self.point(left, top), *self.point(right, bottom))


def paint_carton(canvas: Canvas, box: Box, palette: Palette, words: str) -> None:
    """Paint a printed box seen from the front right."""
    frame = _Frame(box)
    side = polygon(frame.points((0.74, 0.1), (1, 0.02), (1, 0.9), (0.74, 1)))
    canvas.fill(side, across(darker(palette.body, 0.42), darker(palette.body, 0.28)))
    lid = polygon(frame.points((0, 0.1), (0.3, 0), (1, 0.02), (0.74, 0.1)))
    canvas.fill(lid, across(lighter(palette.body, 0.5), lighter(palette.body, 0.28)))
    front = rounded(frame.part(0, 0.1, 0.742, 1), frame.width * 0.008)
    canvas.fill(front, down(lighter(palette.body, 0.14), darker(palette.body, 0.12)))
    canvas.fill(circle(frame.point(0.74, 1), frame.width * 0.5), palette.accent, within=front)
    canvas.fill(circle(frame.point(0.74, 1), frame.width * 0.34), palette.trim, within=front)
    canvas.fill(circle(frame.point(0.74, 1), frame.width * 0.18), palette.paper, within=front)
    ink = palette.ink_on(palette.body)
    end = letter(canvas, words, frame.part(0.07, 0.19, 0.68, 0.5), Style(frame.width * 0.13, ink, lines=3, bold=True))
    rule = (frame.point(0.07, 0)[0], end + frame.height * 0.02, frame.point(0.24, 0)[0], end + frame.height * 0.03)
    canvas.fill(rounded(rule, frame.height * 0.005), palette.trim)
    canvas.fill(stroke(frame.points((0.742, 0.1), (0.742, 1)), frame.width * 0.006), WHITE, opacity=0.3)
    canvas.fill(polygon(frame.points((0.74, 0.45), (1, 0.37), (1, 0.47), (0.74, 0.56))), palette.trim, opacity=0.85)


def paint_speaker(canvas: Canvas, box: Box, palette: Palette, words: str) -> None:
    """Paint a loudspeaker with two cones in a soft case."""
    frame = _Frame(box)
    case = rounded(box, frame.width * 0.13)
    canvas.fill(case, sheen(palette.body, gloss=0.25))
    front = rounded(frame.part(0.055, 0.035, 0.945, 0.965), frame.width * 0.1)
    canvas.fill(front, down(lighter(palette.deep, 0.16), palette.deep))
    for y, radius in ((0.2, 0.17), (0.615, 0.34)):
        centre = frame.point(0.5, y)
        size = radius * frame.width
        canvas.fill(circle(centre, size * 1.07), down(metal(palette.trim), darker(metal(palette.trim), 0.45)))
        canvas.fill(circle(centre, size), down((18, 20, 24), (52, 55, 62)))
        canvas.fill(circle(centre, size * 0.8), down((66, 70, 78), (22, 24, 28)))
        canvas.fill(circle(centre, size * 0.36), down(lighter(palette.accent, 0.25), darker(palette.accent, 0.25)))
        glint = (centre[0] - size * 0.12, centre[1] - size * 0.14)
        canvas.shade(circle(glint, size * 0.1), blur=size * 0.05, opacity=0.55, colour=WHITE)
    ink = lighter(palette.paper, 0.4)
    place = frame.part(0.12, 0.9, 0.88, 0.95)
    letter(canvas, words, place, Style(frame.width * 0.06, ink, centred=True, middle=True))


def paint_backpack(canvas: Canvas, box: Box, palette: Palette, words: str) -> None:
    """Paint a backpack with a flap, a front pocket and leather straps."""
    frame = _Frame(box)
    cloth, leather = palette.body, metal(palette.trim)
    loop = smooth(frame.points((0.4, 0.09), (0.42, 0.02), (0.5, 0.012), (0.58, 0.02), (0.6, 0.09)))
    canvas.fill(stroke(loop, frame.width * 0.035), darker(leather, 0.25))
    for pocket in ((0, 0.52, 0.2, 0.95), (0.8, 0.52, 1, 0.95)):
        canvas.fill(rounded(frame.part(*pocket), frame.width * 0.06), across(darker(cloth, 0.5), darker(cloth, 0.3)))
    outline = smooth(
        frame.points(
            (0.1, 0.96), (0.075, 0.6), (0.1, 0.28), (0.22, 0.1), (0.5, 0.055), (0.78, 0.1), (0.9, 0.28),
            (0.925, 0.6), (0.9, 0.96), (0.8, 1), (0.5, 1), (0.2, 1), (0.1, 0.96),
        )
    )  # fmt: skip
    body = polygon(outline)
    canvas.fill(body, sheen(cloth, gloss=0.22))
    pocket_box = frame.part(0.19, 0.57, 0.81, 0.945)
    front = rounded(pocket_box, frame.width * 0.07)
    canvas.shade(front, blur=frame.width * 0.02, offset=(0, frame.height * 0.012), opacity=0.4, within=body)
    canvas.fill(front, sheen(lighter(cloth, 0.06), gloss=0.25))
    flap = polygon(
        smooth(frame.points((0.105, 0.3), (0.2, 0.12), (0.5, 0.065), (0.8, 0.12), (0.895, 0.3), (0.9, 0.43)))
        + smooth(frame.points((0.9, 0.43), (0.82, 0.5), (0.5, 0.52), (0.18, 0.5), (0.1, 0.43), (0.105, 0.3)))
    )
    canvas.shade(flap, blur=frame.width * 0.025, offset=(0, frame.height * 0.02), opacity=0.45, within=body)
    canvas.fill(flap, sheen(darker(cloth, 0.12), gloss=0.28))
    for x in (0.3, 0.7):
        strap = rounded(frame.part(x - 0.03, 0.36, x + 0.03, 0.66), frame.width * 0.02)
        canvas.shade(strap, blur=frame.width * 0.012, opacity=0.4)
        canvas.fill(strap, across(darker(leather, 0.2), lighter(leather, 0.15), darker(leather, 0.25)))
        canvas.fill(
            rounded(frame.part(x - 0.042, 0.55, x + 0.042, 0.6), frame.width * 0.012), down(WHITE, (120, 120, 120))
        )
    patch = frame.part(0.33, 0.72, 0.67, 0.86)
    canvas.fill(rounded(patch, frame.width * 0.02), down(palette.paper, darker(palette.paper, 0.1)))
    inside = frame.part(0.355, 0.735, 0.645, 0.855)
    letter(canvas, words, inside, Style(frame.width * 0.065, palette.deep, lines=2, centred=True, middle=True))


def paint_headphones(canvas: Canvas, box: Box, palette: Palette, words: str) -> None:
    """Paint headphones that stand upright, seen from the front, with the initial on both cups."""
    frame = _Frame(box)
    initial = Style(frame.width * 0.07, lighter(palette.paper, 0.4), centred=True, middle=True)
    centre = frame.point(0.5, 0.5)
    outer = arc(centre, (frame.width * 0.42, frame.height * 0.46), start=176, end=364, steps=60)
    band = stroke(outer, frame.width * 0.075)
    canvas.fill(band, down(lighter(palette.body, 0.3), palette.body, darker(palette.body, 0.35)))
    padding = arc(centre, (frame.width * 0.385, frame.height * 0.42), start=205, end=335, steps=40)
    canvas.fill(stroke(padding, frame.width * 0.045), down(lighter(palette.deep, 0.22), palette.deep))
    for left, right, inner in ((0.0, 0.25, 0.19), (0.75, 1.0, 0.72)):
        arm = frame.part(left + 0.085, 0.42, right - 0.085, 0.66)
        canvas.fill(rounded(arm, frame.width * 0.03), across(metal(palette.trim), darker(metal(palette.trim), 0.35)))
        cushion = frame.part(inner - 0.02, 0.545, inner + 0.11, 0.965)
        canvas.fill(rounded(cushion, frame.width * 0.06), across((66, 68, 74), (24, 25, 29)))
        cup = frame.part(left + 0.02, 0.52, right - 0.02, 0.99)
        canvas.fill(rounded(cup, frame.width * 0.1), sheen(palette.body, gloss=0.55))
        ring = frame.part(left + 0.06, 0.62, right - 0.06, 0.89)
        canvas.fill(ellipse(ring), down(palette.accent, darker(palette.accent, 0.3)))
        middle = frame.part(left + 0.085, 0.66, right - 0.085, 0.85)
        canvas.fill(ellipse(middle), down(mix(palette.body, BLACK, 0.25), lighter(palette.body, 0.2)))
        letter(canvas, words[:1].upper(), middle, initial)
