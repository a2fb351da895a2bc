"""People as flat figures, on the move."""

from providers.offline.pictures.colours import Colour, darker, lighter
from providers.offline.pictures.frame import Frame
from providers.offline.pictures.stencils import Point, circle, ellipse, polygon, smooth, stroke

_SKINS: tuple[Colour, ...] = ((242, 204, 176), (222, 172, 134), (176, 122, 86), (122, 80, 56), (88, 58, 44))
_HAIRS: tuple[Colour, ...] = ((44, 34, 32), (92, 58, 38), (158, 104, 56), (60, 60, 66))
_TROUSERS: tuple[Colour, ...] = ((58, 66, 84), (86, 78, 68), (44, 58, 66))


def paint_person(frame: Frame, feet: Point, *, height: float, faces_right: bool) -> None:
    """Paint a walking person with a small rucksack, standing at a place, of a height in pixels."""
    canvas = frame.canvas
    skin = frame.dice.pick("skin", _SKINS)
    hair = frame.dice.pick("hair", _HAIRS)
    coat = frame.palette.accent
    trousers = frame.dice.pick("trousers", _TROUSERS)
    turn = 1 if faces_right else -1

    def at(x: float, y: float) -> Point:
        """Places are shares of the height: x ahead of the person, y up from the ground."""
        return feet[0] + turn * x * height, feet[1] - y * height

    shadow = ellipse(
        (feet[0] - height * 0.2, feet[1] - height * 0.02, feet[0] + height * 0.24, feet[1] + height * 0.025)
    )
    canvas.shade(shadow, blur=height * 0.02, opacity=0.4)
    canvas.fill(
        stroke(smooth([at(-0.005, 0.48), at(-0.05, 0.27), at(-0.13, 0.06)]), height * 0.075), darker(trousers, 0.22)
    )
    canvas.fill(stroke([at(-0.135, 0.035), at(-0.08, 0.018)], height * 0.05), darker(trousers, 0.6))
    canvas.fill(stroke(smooth([at(0.01, 0.48), at(0.075, 0.27), at(0.065, 0.06)]), height * 0.08), trousers)
    canvas.fill(stroke([at(0.06, 0.024), at(0.135, 0.02)], height * 0.05), darker(trousers, 0.6))
    canvas.fill(stroke(smooth([at(0.0, 0.76), at(0.07, 0.64), at(0.13, 0.55)]), height * 0.052), darker(coat, 0.3))
    pack = polygon(
        smooth([at(-0.07, 0.79), at(-0.17, 0.77), at(-0.19, 0.6), at(-0.16, 0.5), at(-0.07, 0.5), at(-0.07, 0.79)])
    )
    canvas.fill(pack, frame.palette.trim)
    canvas.fill(stroke([at(-0.18, 0.63), at(-0.08, 0.63)], height * 0.012), darker(frame.palette.trim, 0.35))
    torso = polygon(
        smooth(
            [
                at(-0.06, 0.8),
                at(0.03, 0.815),
                at(0.085, 0.74),
                at(0.085, 0.58),
                at(0.075, 0.44),
                at(-0.075, 0.44),
                at(-0.085, 0.6),
                at(-0.085, 0.74),
                at(-0.06, 0.8),
            ]
        )
    )
    canvas.fill(torso, coat)
    canvas.fill(
        stroke(smooth([at(-0.045, 0.8), at(0.03, 0.72), at(-0.04, 0.58)]), height * 0.018),
        darker(frame.palette.trim, 0.3),
    )
    canvas.fill(stroke([at(0.0, 0.8), at(0.012, 0.85)], height * 0.05), darker(skin, 0.12))
    canvas.fill(circle(at(0.022, 0.905), height * 0.066), skin)
    canvas.fill(circle(at(0.002, 0.925), height * 0.066), hair)
    canvas.fill(
        polygon(
            smooth([at(0.085, 0.9), at(0.07, 0.85), at(0.015, 0.845), at(0.005, 0.9), at(0.04, 0.935), at(0.085, 0.9)])
        ),
        skin,
    )
    canvas.fill(
        polygon(
            smooth(
                [
                    at(-0.072, 0.925),
                    at(-0.02, 0.985),
                    at(0.06, 0.978),
                    at(0.088, 0.935),
                    at(0.0, 0.938),
                    at(-0.072, 0.925),
                ]
            )
        ),
        frame.palette.body,
    )
    canvas.fill(stroke([at(0.07, 0.937), at(0.125, 0.93)], height * 0.016), darker(frame.palette.body, 0.2))
    arm = smooth([at(-0.02, 0.765), at(-0.055, 0.65), at(0.03, 0.555)])
    canvas.fill(stroke(arm, height * 0.056), lighter(coat, 0.12))
    canvas.fill(circle(at(0.04, 0.548), height * 0.026), skin)
