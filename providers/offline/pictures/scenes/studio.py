"""Anything else: an abstract studio set with an arch, plinths and balls in the product's colours."""

from providers.offline.pictures.canvas import Gradient, across, down
from providers.offline.pictures.colours import WHITE, Colour, darker, lighter, mix
from providers.offline.pictures.frame import Frame
from providers.offline.pictures.lathe import Turned, sheen
from providers.offline.pictures.lettering import Style, letter
from providers.offline.pictures.stencils import Point, circle, rectangle, rounded
from providers.offline.pictures.subjects import fitted, stand


def paint_studio(frame: Frame) -> None:
    """Paint wall, floor, arch, plinths and balls, then the product on the middle plinth, its words on top."""
    canvas, unit = frame.canvas, frame.unit
    wall = frame.dice.pick(
        "wall", (frame.tint(0.28), frame.tint(0.5), mix(frame.palette.accent, frame.palette.paper, 0.55))
    )
    floor = canvas.height * 0.76
    canvas.fill(rectangle((0, 0, canvas.width, floor)), down(lighter(wall, 0.22), wall))
    canvas.fill(rectangle((0, floor, canvas.width, canvas.height)), down(lighter(wall, 0.42), lighter(wall, 0.1)))
    middle = canvas.width * frame.dice.between("middle", 0.44, 0.56)
    canvas.glow((middle, canvas.height * 0.4), unit * 60, WHITE, opacity=0.45)
    _arch(frame, middle, floor, wall)
    _balls(frame, middle, floor)
    _plinths(frame, middle, floor, wall)
    if frame.brief.label or frame.brief.title:
        _words(frame, wall)


def _arch(frame: Frame, middle: float, floor: float, wall: Colour) -> None:
    unit = frame.unit
    for reach, top, colour in ((31, 62, lighter(wall, 0.35)), (24, 54, mix(frame.palette.body, wall, 0.15))):
        box = (middle - reach * unit, floor - top * unit, middle + reach * unit, floor + reach * unit)
        arch = rounded(box, reach * unit)
        above = rectangle((0, 0, frame.canvas.width, floor))
        frame.canvas.shade(arch, blur=unit * 2, offset=(unit * 1.5, unit), opacity=0.2, within=above)
        frame.canvas.fill(arch, across(lighter(colour, 0.12), colour, darker(colour, 0.14)), within=above)


def _plinths(frame: Frame, middle: float, floor: float, wall: Colour) -> None:
    canvas, unit = frame.canvas, frame.unit
    x = middle + _plinth_side(frame) * 29 * unit
    _plinth(frame, (x, floor + 9 * unit), 9 * unit, 17 * unit, mix(frame.palette.accent, wall, 0.25))
    _ball(frame, (x, floor + 9 * unit - 17 * unit - 4.4 * unit), 5 * unit, frame.palette.trim)
    _plinth(frame, (middle, floor + 12 * unit), 21 * unit, 12 * unit, lighter(frame.palette.paper, 0.3))
    top = floor + 0.6 * unit
    room = (middle - 19 * unit, max(canvas.height * 0.17, top - 55 * unit), middle + 19 * unit, top)
    stand(canvas, frame.subject, fitted(frame.subject, room))


def _plinth_side(frame: Frame) -> int:
    """Return 1 where the small plinth is on the right of the picture, else -1; the balls lie on the other side."""
    return 1 if frame.dice.flip("small plinth") else -1


def _plinth(frame: Frame, foot: Point, radius: float, height: float, colour: Colour) -> None:
    x, y = foot
    turned = Turned((x - radius, y - height, x + radius, y))
    body = turned.body([(1, 0), (1, 1)], steps=1)
    frame.canvas.shade(body, blur=frame.unit * 1.8, offset=(frame.unit * 2.2, frame.unit * 1.2), opacity=0.3)
    frame.canvas.fill(body, sheen(colour, gloss=0.3))
    frame.canvas.fill(turned.lid(1, 0), across(lighter(colour, 0.5), lighter(colour, 0.2)))


def _balls(frame: Frame, middle: float, floor: float) -> None:
    unit = frame.unit
    for number in range(3):
        away = (27 + 9 * number + frame.dice.between(f"away {number}", -3, 3)) * -_plinth_side(frame)
        radius = frame.dice.between(f"radius {number}", 2.6, 6) * unit
        colour = frame.dice.pick(f"ball {number}", (frame.palette.accent, frame.palette.trim, frame.palette.body))
        _ball(
            frame,
            (middle + away * unit, floor + frame.dice.between(f"depth {number}", 2, 16) * unit - radius),
            radius,
            colour,
        )


def _ball(frame: Frame, centre: Point, radius: float, colour: Colour) -> None:
    canvas = frame.canvas
    ball = circle(centre, radius)
    canvas.shade(
        circle((centre[0] + radius * 0.3, centre[1] + radius * 0.75), radius * 0.75), blur=radius * 0.3, opacity=0.3
    )
    canvas.fill(ball, Gradient(((0, lighter(colour, 0.4)), (0.5, colour), (1, darker(colour, 0.4)))))
    glint = circle((centre[0] - radius * 0.3, centre[1] - radius * 0.38), radius * 0.26)
    canvas.shade(glint, blur=radius * 0.14, opacity=0.7, colour=WHITE)


def _words(frame: Frame, wall: Colour) -> None:
    canvas, unit = frame.canvas, frame.unit
    ink = frame.palette.ink_on(wall)
    place = (unit * 6, unit * 4.5, canvas.width - unit * 6, unit * 10.5)
    letter(canvas, frame.brief.label or frame.brief.title, place, Style(unit * 4.6, ink, bold=True, centred=True))
    if frame.brief.label:
        below = (unit * 6, unit * 10.6, canvas.width - unit * 6, unit * 14.6)
        letter(canvas, frame.brief.title, below, Style(unit * 2.6, ink, centred=True))
