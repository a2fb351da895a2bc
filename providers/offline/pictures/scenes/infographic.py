"""An infographic: one headline, the product before a plain backing, callouts that point at it."""

import math

from providers.offline.pictures.canvas import down
from providers.offline.pictures.colours import WHITE, Colour, darker, lighter, mix
from providers.offline.pictures.frame import Frame
from providers.offline.pictures.lettering import Style, letter
from providers.offline.pictures.stencils import Box, Point, circle, rounded, stroke
from providers.offline.pictures.subjects import fitted, stand

_CALLOUTS = 3


def paint_infographic(frame: Frame) -> None:
    """Paint the headline on top, the product to one side and the callouts to the other."""
    is_dark = frame.house.flip("dark")
    ground = frame.palette.deep if is_dark else frame.palette.paper
    _backdrop(frame, ground)
    # Two infographics of one product share their style and differ in their layout.
    on_left = frame.house.flip("side") != frame.brief.label.endswith("2")
    _headline(frame, ground)
    centre = frame.point(0.31 if on_left else 0.69, 0.64)
    tone = frame.palette.body if is_dark else mix(frame.palette.body, frame.palette.paper, 0.45)
    _backing(frame, centre, tone)
    reach = frame.unit * 29
    room = (centre[0] - reach * 0.92, centre[1] - reach, centre[0] + reach * 0.92, centre[1] + reach * 0.95)
    box = fitted(frame.subject, room)
    stand(frame.canvas, frame.subject, box)
    points = frame.brief.points[1 : _CALLOUTS + 1] or ("",) * _CALLOUTS
    for number, words in enumerate(points):
        share = (number + 1) / (len(points) + 1)
        _callout(frame, words, share, box, on_left=on_left, ground=ground)


def _backing(frame: Frame, centre: Point, tone: Colour) -> None:
    """Paint what the product stands out from: a disc, a soft square or an arch."""
    canvas, unit = frame.canvas, frame.unit
    half_height = 27 * unit
    half_width, roundness = frame.dice.pick("backing", ((27, 27), (25, 7), (21, 21)))
    for scale in (1.0, 0.82):
        x, y, radius = half_width * unit * scale, half_height * scale, roundness * unit * scale
        backing = rounded((centre[0] - x, centre[1] - y, centre[0] + x, centre[1] + y), radius)
        if scale == 1.0:
            canvas.shade(backing, blur=unit * 3, offset=(0, unit * 1.5), opacity=0.18)
            canvas.fill(backing, down(lighter(tone, 0.22), darker(tone, 0.06)))
        else:
            canvas.fill(backing, WHITE, opacity=0.12)


def _backdrop(frame: Frame, ground: Colour) -> None:
    canvas, unit = frame.canvas, frame.unit
    canvas.fill(rounded(canvas.box, 0), down(lighter(ground, 0.1), darker(ground, 0.06)))
    corner = frame.point(frame.dice.between("x", 0.75, 1.0), frame.dice.between("y", -0.05, 0.1))
    for number, radius in enumerate((46, 34, 22)):
        canvas.fill(circle(corner, radius * unit), frame.palette.body, opacity=0.06 + 0.02 * number)
    dots = frame.point(0.055, 0.93)
    for column in range(6):
        for row in range(3):
            place = (dots[0] + column * unit * 2.2, dots[1] + row * unit * 2.2)
            canvas.fill(circle(place, unit * 0.32), frame.palette.accent, opacity=0.7)


def _headline(frame: Frame, ground: Colour) -> None:
    ink = frame.palette.ink_on(ground)
    unit = frame.unit
    left, top = frame.point(0.07, 0.065)
    eyebrow = (left, top, frame.canvas.width * 0.9, top + unit * 4)
    letter(frame.canvas, frame.brief.title.upper(), eyebrow, Style(unit * 2.4, mix(ink, frame.palette.accent, 0.55)))
    headline = frame.brief.points[0] if frame.brief.points else frame.brief.label or frame.brief.title
    place = (left, top + unit * 4.6, frame.canvas.width * 0.93, frame.canvas.height * 0.31)
    end = letter(frame.canvas, headline, place, Style(unit * 8.4, ink, lines=2, bold=True))
    rule = (left, end + unit * 1.4, left + unit * 9, end + unit * 2.3)
    frame.canvas.fill(rounded(rule, unit * 0.45), frame.palette.accent)


def _callout(frame: Frame, words: str, share: float, box: Box, *, on_left: bool, ground: Colour) -> None:
    """Paint one callout; its share says how far down it is between the headline and the foot."""
    canvas, unit = frame.canvas, frame.unit
    ink = frame.palette.ink_on(ground)
    y = frame.canvas.height * (0.34 + 0.6 * share)
    left, right = (0.6, 0.95) if on_left else (0.05, 0.4)
    left, right = left * canvas.width, right * canvas.width
    badge = (left + unit * 4, y)
    width = box[2] - box[0]
    target = (box[0] + width * (0.92 if on_left else 0.08), box[1] + (box[3] - box[1]) * (0.1 + 0.8 * share))
    start = (badge[0] - unit * 4.6, y) if on_left else (right + unit * 0.4, y)
    knee = ((start[0] + target[0]) / 2, y)
    canvas.fill(stroke([start, knee, target], unit * 0.32), ink, opacity=0.75)
    canvas.fill(circle(target, unit * 1.3), WHITE)
    canvas.fill(circle(target, unit * 0.75), frame.palette.accent)
    canvas.shade(circle(badge, unit * 4), blur=unit, offset=(0, unit * 0.5), opacity=0.2)
    canvas.fill(circle(badge, unit * 4), down(lighter(frame.palette.accent, 0.15), darker(frame.palette.accent, 0.1)))
    _icon(frame, badge, frame.dice.pick(f"icon {share}", tuple(range(4))))
    place = (left + unit * 9.6, y - unit * 4.4, right, y + unit * 4.4)
    if words:
        letter(canvas, words, place, Style(unit * 3, ink, lines=3, middle=True))
        return
    for row, length in enumerate((0.95, 0.62)):
        top = y - unit * 1.7 + row * unit * 2.6
        bar = (place[0], top, place[0] + (right - place[0]) * length, top + unit * 1.1)
        canvas.fill(rounded(bar, unit * 0.55), ink, opacity=0.3 if row else 0.55)


def _icon(frame: Frame, centre: Point, kind: int) -> None:
    canvas, unit = frame.canvas, frame.unit
    x, y = centre
    match kind:
        case 0:
            tick = [
                (x - unit * 1.6, y + unit * 0.1),
                (x - unit * 0.4, y + unit * 1.3),
                (x + unit * 1.8, y - unit * 1.2),
            ]
            canvas.fill(stroke(tick, unit * 0.62), WHITE)
        case 1:
            rays = [math.radians(angle) for angle in range(0, 360, 60)]
            for ray in rays:
                end = (x + math.cos(ray) * unit * 2, y + math.sin(ray) * unit * 2)
                canvas.fill(stroke([(x, y), end], unit * 0.5), WHITE)
        case 2:
            canvas.fill(circle(centre, unit * 1.9), WHITE)
            canvas.fill(circle(centre, unit * 1.25), frame.palette.accent)
            canvas.fill(circle(centre, unit * 0.55), WHITE)
        case _:
            for step in range(3):
                low = x - unit * 1.7 + step * unit * 1.35
                height = unit * (1.4 + step)
                bar = (low, y + unit * 1.7 - height, low + unit * 0.85, y + unit * 1.7)
                canvas.fill(rounded(bar, unit * 0.25), WHITE)
