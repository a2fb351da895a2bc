"""A comparison: two columns, this product against an unnamed alternative."""

from providers.offline.pictures.canvas import down
from providers.offline.pictures.colours import WHITE, Colour, Palette, darker, lighter, mix
from providers.offline.pictures.frame import Frame
from providers.offline.pictures.lettering import Style, letter
from providers.offline.pictures.products import DrawnProduct, drawn_product
from providers.offline.pictures.stencils import Box, Point, circle, rectangle, rounded, stroke
from providers.offline.pictures.subjects import Subject, fitted, stand

_ROWS = 3
_GREYS = Palette((150, 152, 156), (190, 192, 196), (120, 122, 128), (228, 229, 231), (84, 86, 92))
_GOOD: Colour = (46, 158, 104)
_BAD: Colour = (196, 78, 72)


def paint_comparison(frame: Frame) -> None:
    """Paint the product's column in its colours, the other in grey, and what sets them apart below both."""
    ours_first = frame.dice.flip("order")
    split = 0.5
    ours = (0.0, split) if ours_first else (split, 1.0)
    theirs = (split, 1.0) if ours_first else (0.0, split)
    ground = mix(frame.palette.body, frame.palette.paper, 0.2)
    _column(frame, ours, frame.subject, (lighter(ground, 0.25), darker(ground, 0.22)), frame.brief.title, is_ours=True)
    _column(frame, theirs, _alternative(frame), ((238, 239, 241), (205, 207, 211)), "Others", is_ours=False)
    _middle(frame, split)


def _alternative(frame: Frame) -> Subject:
    """Return what the product is compared with: the same kind of thing, grey and without a word on it."""
    subject = frame.subject
    drawn = subject if isinstance(subject, DrawnProduct) else drawn_product(frame.brief, _GREYS)
    return DrawnProduct(drawn.shape, _GREYS, "")


def _column(
    frame: Frame,
    sides: tuple[float, float],
    subject: Subject,
    ground: tuple[Colour, Colour],
    heading: str,
    *,
    is_ours: bool,
) -> None:
    canvas, unit = frame.canvas, frame.unit
    left, right = sides[0] * canvas.width, sides[1] * canvas.width
    height = canvas.height
    canvas.fill(rectangle((left, 0, right, height)), down(*ground))
    middle = (left + right) / 2
    if is_ours:
        canvas.glow((middle, height * 0.36), unit * 34, WHITE, opacity=0.5)
    ink = lighter(frame.palette.paper, 0.6) if is_ours else _GREYS.deep
    if is_ours:
        ink = frame.palette.ink_on(ground[0])
    letter(
        canvas,
        heading,
        (left + unit * 4, height * 0.05, right - unit * 4, height * 0.15),
        Style(unit * 4.6, ink, lines=2, bold=True, centred=True, middle=True),
    )
    room = (left + unit * 7, height * 0.175, right - unit * 7, height * 0.6)
    box = fitted(subject, room)
    stand(canvas, subject, box, shadow=0.5 if is_ours else 0.35)
    for number in range(_ROWS):
        _row(frame, number, (left + unit * 4, right - unit * 4), is_ours=is_ours)


def _row(frame: Frame, number: int, sides: tuple[float, float], *, is_ours: bool) -> None:
    canvas, unit = frame.canvas, frame.unit
    top = canvas.height * (0.65 + 0.105 * number)
    card: Box = (sides[0], top, sides[1], top + canvas.height * 0.085)
    canvas.shade(rounded(card, unit * 1.8), blur=unit, offset=(0, unit * 0.5), opacity=0.14)
    canvas.fill(rounded(card, unit * 1.8), WHITE, opacity=0.94 if is_ours else 0.7)
    middle = (card[1] + card[3]) / 2
    mark: Point = (card[0] + unit * 4.2, middle)
    canvas.fill(circle(mark, unit * 2.1), _GOOD if is_ours else mix(_BAD, _GREYS.paper, 0.25))
    _tick(frame, mark) if is_ours else _cross(frame, mark)
    place = (card[0] + unit * 8.2, card[1], card[2] - unit * 2, card[3])
    if number < len(frame.brief.points) and is_ours:
        letter(canvas, frame.brief.points[number], place, Style(unit * 2.6, frame.palette.deep, lines=2, middle=True))
        return
    share = 1 - frame.dice.fraction(f"bar {number} {is_ours}") * 0.4
    bar = (place[0], middle - unit * 0.7, place[0] + (place[2] - place[0]) * share, middle + unit * 0.7)
    canvas.fill(rounded(bar, unit * 0.7), _GREYS.accent, opacity=0.35)


def _tick(frame: Frame, centre: Point) -> None:
    (x, y), unit = centre, frame.unit
    points = [(x - unit * 0.9, y + unit * 0.05), (x - unit * 0.2, y + unit * 0.75), (x + unit * 1.0, y - unit * 0.7)]
    frame.canvas.fill(stroke(points, unit * 0.42), WHITE)


def _cross(frame: Frame, centre: Point) -> None:
    (x, y), reach = centre, frame.unit * 0.75
    for slope in (1, -1):
        line = [(x - reach, y - slope * reach), (x + reach, y + slope * reach)]
        frame.canvas.fill(stroke(line, frame.unit * 0.42), WHITE)


def _middle(frame: Frame, split: float) -> None:
    canvas, unit = frame.canvas, frame.unit
    x = split * canvas.width
    canvas.fill(rectangle((x - unit * 0.35, 0, x + unit * 0.35, canvas.height)), WHITE)
    centre = (x, canvas.height * 0.39)
    canvas.shade(circle(centre, unit * 5.6), blur=unit * 1.4, offset=(0, unit * 0.8), opacity=0.3)
    canvas.fill(circle(centre, unit * 5.6), WHITE)
    canvas.fill(
        circle(centre, unit * 4.9), down(lighter(frame.palette.accent, 0.15), darker(frame.palette.accent, 0.12))
    )
    place = (x - unit * 4.5, centre[1] - unit * 4.2, x + unit * 4.5, centre[1] + unit * 4)
    letter(canvas, "VS", place, Style(unit * 4.4, WHITE, bold=True, centred=True, middle=True))
