"""A lifestyle picture: a landscape at some hour of the day, a person in it, the product in front."""

import math
from dataclasses import dataclass

from providers.offline.pictures.canvas import down
from providers.offline.pictures.colours import WHITE, Colour, darker, lighter, mix
from providers.offline.pictures.frame import Frame
from providers.offline.pictures.lettering import Style, letter
from providers.offline.pictures.people import paint_person
from providers.offline.pictures.stencils import Point, circle, ellipse, polygon, rectangle, rounded, smooth, stroke
from providers.offline.pictures.subjects import fitted, stand


@dataclass(frozen=True)
class Hour:
    """The light of an hour of the day: the sky from top to horizon, the sun, and what distance fades to."""

    sky: tuple[Colour, Colour, Colour]
    sun: Colour
    haze: Colour
    shade: float


_HOURS = (
    Hour(((255, 190, 140), (255, 214, 165), (255, 240, 214)), (255, 250, 232), (255, 226, 190), 0.12),
    Hour(((92, 165, 222), (158, 208, 240), (226, 243, 250)), (255, 252, 236), (206, 230, 244), 0.0),
    Hour(((84, 74, 138), (222, 122, 128), (255, 196, 138)), (255, 232, 178), (228, 154, 142), 0.3),
    Hour(((126, 190, 204), (190, 224, 216), (248, 242, 218)), (255, 246, 210), (222, 234, 222), 0.05),
)
_RIDGES = 4
_CAPTION = 30


def paint_lifestyle(frame: Frame) -> None:
    """Paint sky, sun, ridges, trees, the person and, on a rock in front, the product."""
    hour = frame.dice.pick("hour", _HOURS)
    on_right = frame.dice.flip("side")
    horizon = frame.dice.between("horizon", 0.46, 0.54)
    _sky(frame, hour, horizon, on_right=on_right)
    land = mix(frame.palette.body, (70, 110, 84), 0.55)
    for number in range(_RIDGES):
        _ridge(frame, hour, land, number, horizon)
    meadow = _meadow(frame, hour, land)
    person = frame.point(0.3 if on_right else 0.7, 0.885)
    paint_person(frame, person, height=frame.unit * 46, faces_right=on_right)
    _rock(frame, hour, on_right=on_right)
    _grass(frame, meadow)
    if frame.brief.label:
        _caption(frame)


def _sky(frame: Frame, hour: Hour, horizon: float, *, on_right: bool) -> None:
    canvas, unit = frame.canvas, frame.unit
    canvas.fill(rectangle(frame.box(0, 0, 1, horizon + 0.16)), down(*hour.sky))
    sun = frame.point(
        frame.dice.between("sun", 0.55, 0.85) if not on_right else frame.dice.between("sun", 0.15, 0.45),
        frame.dice.between("height", 0.14, 0.34),
    )
    canvas.glow(sun, unit * 52, hour.sun, opacity=0.75)
    canvas.fill(circle(sun, unit * 6.5), hour.sun)
    for number in range(3):
        x = frame.dice.between(f"cloud {number}", 0.02, 0.86) * canvas.width
        y = frame.dice.between(f"cloud height {number}", 0.07, 0.3) * canvas.height
        size = unit * frame.dice.between(f"cloud size {number}", 5, 9)
        for part, (shift, rise, radius) in enumerate(
            ((0, 0, 0.5), (0.6, -0.25, 0.62), (1.25, -0.05, 0.5), (1.8, 0.05, 0.36))
        ):
            place = (x + shift * size, y + rise * size)
            canvas.shade(circle(place, radius * size), blur=size * 0.14, opacity=0.5 - 0.04 * part, colour=WHITE)
    for number in range(frame.dice.pick("birds", (3, 4, 5))):
        x = frame.dice.between(f"bird {number}", 0.2, 0.8) * canvas.width
        y = frame.dice.between(f"bird height {number}", 0.1, 0.32) * canvas.height
        wing = unit * frame.dice.between(f"bird size {number}", 0.9, 1.6)
        wings = smooth(
            [
                (x - wing, y - wing * 0.4),
                (x - wing * 0.4, y - wing * 0.5),
                (x, y),
                (x + wing * 0.4, y - wing * 0.5),
                (x + wing, y - wing * 0.4),
            ]
        )
        canvas.fill(stroke(wings, unit * 0.28), darker(hour.sky[0], 0.45), opacity=0.8)


def _wave(frame: Frame, name: str, base: float, height: float, *, peaks: float) -> list[Point]:
    """Return a line of hills from left to right; heights are shares of the picture's."""
    shift = frame.dice.between(f"{name} shift", 0, math.tau)
    other = frame.dice.between(f"{name} other", 0, math.tau)
    line = []
    for step in range(65):
        x = step / 64
        rise = math.sin(x * math.tau * peaks + shift) * 0.6 + math.sin(x * math.tau * peaks * 2.3 + other) * 0.4
        line.append(frame.point(x, base - height * rise))
    return line


def _ridge(frame: Frame, hour: Hour, land: Colour, number: int, horizon: float) -> None:
    near = number / (_RIDGES - 1)
    line = _wave(frame, f"ridge {number}", horizon + 0.085 * number, 0.075 - 0.012 * number, peaks=1.6 - 0.25 * number)
    colour = darker(mix(hour.haze, land, 0.25 + 0.55 * near), hour.shade)
    outline = polygon([*line, frame.point(1, 1), frame.point(0, 1)])
    frame.canvas.fill(outline, down(lighter(colour, 0.12), mix(colour, hour.haze, 0.3), mix(colour, hour.haze, 0.4)))
    if number in (1, 2):
        for tree in range(7):
            place = line[int(frame.dice.between(f"tree {number} {tree}", 0, 64))]
            _pine(
                frame,
                place,
                frame.unit * (2.6 + 2.2 * number) * frame.dice.between(f"size {number} {tree}", 0.7, 1.2),
                darker(colour, 0.22),
            )


def _pine(frame: Frame, foot: Point, height: float, colour: Colour) -> None:
    x, y = foot
    points: list[Point] = [(x, y - height)]
    for layer in range(3):
        low = y - height * (0.62 - 0.3 * layer)
        wide = height * (0.16 + 0.07 * layer)
        points += [(x + wide, low), (x + wide * 0.5, low)]
    mirrored = [(2 * x - px, py) for px, py in reversed(points[1:])]
    frame.canvas.fill(polygon([*points, (x, y + height * 0.08), *mirrored]), colour)


def _meadow(frame: Frame, hour: Hour, land: Colour) -> Colour:
    line = _wave(frame, "meadow", 0.8, 0.02, peaks=0.7)
    colour = darker(mix(land, (116, 142, 78), 0.3), hour.shade)
    outline = polygon([*line, frame.point(1, 1), frame.point(0, 1)])
    frame.canvas.fill(outline, down(lighter(colour, 0.16), darker(colour, 0.28)))
    return colour


def _rock(frame: Frame, hour: Hour, *, on_right: bool) -> None:
    canvas, unit = frame.canvas, frame.unit
    middle = frame.point(0.7 if on_right else 0.3, 0.9)
    stone = darker(mix((168, 160, 150), hour.haze, 0.25), hour.shade * 0.6)
    shares = (
        (-23, 3),
        (-20, -3.5),
        (-13, -6.2),
        (-3, -7),
        (8, -6.8),
        (17, -5),
        (22, -1),
        (24, 4),
        (16, 8),
        (0, 9.5),
        (-16, 8),
        (-23, 3),
    )
    outline = polygon(smooth([(middle[0] + x * unit, middle[1] + y * unit) for x, y in shares], steps=4))
    canvas.shade(outline, blur=unit * 2, offset=(unit, unit * 2), opacity=0.35)
    canvas.fill(outline, down(lighter(stone, 0.28), stone, darker(stone, 0.42)))
    top = ellipse((middle[0] - 19 * unit, middle[1] - 7.4 * unit, middle[0] + 19 * unit, middle[1] - 1.5 * unit))
    canvas.fill(top, lighter(stone, 0.42), opacity=0.6, within=outline)
    reach = 24 * unit
    floor = middle[1] - 4 * unit
    room = (middle[0] - reach, max(canvas.height * 0.2, floor - 58 * unit), middle[0] + reach, floor)
    box = fitted(frame.subject, room)
    stand(canvas, frame.subject, box, shadow=0.55)


def _grass(frame: Frame, meadow: Colour) -> None:
    canvas, unit = frame.canvas, frame.unit
    for number in range(46):
        x = frame.dice.between(f"blade {number}", 0, 1) * canvas.width
        y = canvas.height + unit
        bend = frame.dice.between(f"bend {number}", -2.5, 2.5) * unit
        height = frame.dice.between(f"blade height {number}", 4, 10) * unit
        blade = [
            (x - unit * 0.35, y),
            (x + bend * 0.4, y - height * 0.6),
            (x + bend, y - height),
            (x + bend * 0.5, y - height * 0.55),
            (x + unit * 0.45, y),
        ]
        canvas.fill(
            polygon(blade), mix(darker(meadow, 0.42), lighter(meadow, 0.15), frame.dice.fraction(f"tone {number}"))
        )


def _caption(frame: Frame) -> None:
    canvas, unit = frame.canvas, frame.unit
    tag = (unit * 5, unit * 5, unit * 45, unit * 12)
    shadow = rounded(tag, unit * 3.5)
    canvas.shade(shadow, blur=unit * 1.2, offset=(0, unit * 0.6), opacity=0.22)
    canvas.fill(shadow, lighter(frame.palette.paper, 0.5), opacity=0.92)
    canvas.fill(circle((unit * 8.5, unit * 8.5), unit * 1.1), frame.palette.accent)
    words = frame.brief.title if len(frame.brief.title) < _CAPTION else frame.brief.label
    letter(
        canvas,
        words,
        (unit * 11, unit * 5.4, unit * 43, unit * 11.4),
        Style(unit * 2.6, frame.palette.deep, middle=True),
    )
