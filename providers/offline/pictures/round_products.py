"""Products with a round body: bottle, mug, jar, lamp, tube."""

from providers.offline.pictures.canvas import Canvas, Gradient, across, down
from providers.offline.pictures.colours import BLACK, WHITE, Colour, Palette, darker, lighter, mix
from providers.offline.pictures.lathe import Turned, metal, seam, sheen, streak
from providers.offline.pictures.lettering import Style, letter
from providers.offline.pictures.stencils import Box, Stencil, circle, rounded, smooth, stroke


def paint_bottle(canvas: Canvas, box: Box, palette: Palette, words: str) -> None:
    """Paint an insulated bottle with a screw cap and a printed band."""
    turned = Turned(box)
    steel = metal(palette.trim)
    canvas.fill(turned.body([(0.44, 0.005), (0.46, 0.02), (0.46, 0.15)], steps=1), sheen(darker(steel, 0.1)))
    canvas.fill(turned.lid(0.44, 0.01), across(lighter(steel, 0.35), steel))
    for ridge in (0.05, 0.075, 0.1, 0.125):
        canvas.fill(turned.band(ridge, ridge + 0.007, reach=0.46), BLACK, opacity=0.22)
    canvas.fill(turned.body([(0.4, 0.13), (0.4, 0.17)], steps=1), sheen(lighter(steel, 0.2)))
    body = turned.body(
        [(0.42, 0.165), (0.44, 0.185), (0.66, 0.225), (0.92, 0.275), (1, 0.34), (1, 0.6), (1, 0.95), (0.97, 1)]
    )
    canvas.fill(body, sheen(palette.body))
    _printed_band(canvas, turned, (0.47, 0.74), palette, words, within=body)
    canvas.fill(turned.band(0.955, 1.02), sheen(steel), within=body)
    seam(canvas, turned, 0.95, within=body)
    streak(canvas, turned, top=0.3, bottom=0.92, within=body)


def paint_mug(canvas: Canvas, box: Box, palette: Palette, words: str) -> None:
    """Paint a mug with its handle to the right."""
    left, top, right, bottom = box
    width, height = right - left, bottom - top
    turned = Turned((left, top, left + width * 0.74, bottom))
    handle = [
        (left + width * 0.68, top + height * 0.25),
        (left + width * 0.82, top + height * 0.215),
        (left + width * 0.925, top + height * 0.29),
        (left + width * 0.945, top + height * 0.42),
        (left + width * 0.9, top + height * 0.58),
        (left + width * 0.8, top + height * 0.7),
        (left + width * 0.68, top + height * 0.77),
    ]
    canvas.fill(
        stroke(smooth(handle), width * 0.09),
        across(darker(palette.body, 0.45), palette.body, lighter(palette.body, 0.3)),
    )
    body = turned.body([(1, 0.07), (1, 0.3), (0.98, 0.7), (0.93, 0.94), (0.84, 1)])
    canvas.fill(body, sheen(palette.body))
    canvas.fill(turned.lid(1, 0.07, tilt=0.13), across(lighter(palette.body, 0.3), darker(palette.body, 0.1)))
    canvas.fill(turned.lid(0.94, 0.072, tilt=0.11), across(darker(palette.body, 0.5), darker(palette.body, 0.2)))
    canvas.fill(turned.lid(0.86, 0.09, tilt=0.08), across((58, 34, 22), (104, 66, 42)))
    _printed_band(canvas, turned, (0.36, 0.74), palette, words, within=body)
    streak(canvas, turned, top=0.2, bottom=0.9, within=body)


def paint_jar(canvas: Canvas, box: Box, palette: Palette, words: str) -> None:
    """Paint a jar with a metal lid and a paper label."""
    turned = Turned(box)
    body = turned.body([(0.86, 0.16), (0.9, 0.2), (0.99, 0.27), (1, 0.4), (1, 0.9), (0.95, 0.98), (0.88, 1)])
    canvas.fill(body, sheen(palette.body, gloss=0.6))
    steel = metal(palette.trim)
    canvas.fill(turned.body([(0.9, 0.035), (0.92, 0.06), (0.92, 0.19)], steps=1), sheen(steel))
    canvas.fill(turned.lid(0.9, 0.045), across(lighter(steel, 0.45), steel))
    for ridge in (0.09, 0.12, 0.15):
        canvas.fill(turned.band(ridge, ridge + 0.008, reach=0.92), BLACK, opacity=0.18)
    _printed_band(canvas, turned, (0.37, 0.86), palette, words, within=body)
    streak(canvas, turned, top=0.26, bottom=0.94, within=body)


def paint_lamp(canvas: Canvas, box: Box, palette: Palette, words: str) -> None:
    """Paint a table lamp with a fabric shade, switched on."""
    turned = Turned(box)
    steel = metal(palette.trim)
    canvas.fill(turned.body([(0.05, 0.45), (0.05, 0.93)], steps=1), sheen(steel))
    foot = turned.body([(0.1, 0.6), (0.22, 0.68), (0.46, 0.8), (0.5, 0.9), (0.42, 0.97), (0.4, 0.985)])
    canvas.fill(foot, sheen(palette.body))
    canvas.fill(circle(turned.point(-0.2, 0.78), turned.radius * 0.05), WHITE, opacity=0.35, within=foot)
    glass: Colour = (255, 226, 168)
    shade = turned.body([(0.58, 0.02), (1, 0.5)], steps=1, tilt=0.08)
    canvas.fill(shade, Gradient(((0, mix(palette.trim, glass, 0.35)), (0.7, glass), (1, lighter(glass, 0.5)))))
    edge = darker(palette.trim, 0.4)
    canvas.fill(shade, across(edge, WHITE, edge), opacity=0.28)
    canvas.fill(turned.lid(0.58, 0.02, tilt=0.09), lighter(glass, 0.4))
    canvas.fill(turned.band(0.485, 0.505, tilt=0.08), darker(palette.trim, 0.2), opacity=0.55, within=shade)
    x, y = turned.point(-0.55, 0.24)
    place = (x, y, turned.point(0.55, 0)[0], turned.point(0, 0.44)[1])
    letter(
        canvas, words, place, Style(turned.radius * 0.2, darker(palette.deep, 0.1), lines=2, centred=True, middle=True)
    )


def paint_tube(canvas: Canvas, box: Box, palette: Palette, words: str) -> None:
    """Paint a squeezable tube that stands on its cap."""
    turned = Turned(box)
    canvas.fill(turned.body([(0.62, 0.84), (0.64, 0.86), (0.64, 0.995)], steps=1), sheen(metal(palette.trim)))
    body = turned.body([(0.98, 0.045), (0.97, 0.2), (0.9, 0.6), (0.76, 0.83), (0.7, 0.87)], tilt=0.05)
    canvas.fill(body, sheen(palette.body, gloss=0.65))
    left, top, right, _ = box
    crimp = rounded((left, top, right, turned.point(0, 0.06)[1]), turned.radius * 0.05)
    canvas.fill(crimp, down(lighter(palette.body, 0.35), darker(palette.body, 0.2)))
    for tooth in range(1, 24):
        x = left + (right - left) * tooth / 24
        canvas.fill(stroke([(x, top), (x, turned.point(0, 0.055)[1])], turned.radius * 0.012), BLACK, opacity=0.16)
    canvas.fill(turned.band(0.3, 0.33), palette.accent, within=body)
    ink = palette.ink_on(palette.body)
    x, y = turned.point(-0.72, 0.38)
    place = (x, y, turned.point(0.72, 0)[0], turned.point(0, 0.68)[1])
    letter(canvas, words, place, Style(turned.radius * 0.34, ink, lines=4, bold=True, centred=True, middle=True))
    canvas.fill(circle(turned.point(0, 0.75), turned.radius * 0.12), palette.accent)
    streak(canvas, turned, top=0.1, bottom=0.7, within=body)


def _printed_band(
    canvas: Canvas, turned: Turned, heights: tuple[float, float], palette: Palette, words: str, *, within: Stencil
) -> None:
    """Paint a paper label around a body: a stripe of the accent, the words, a small mark."""
    top, bottom = heights
    canvas.fill(turned.band(top, bottom), sheen(palette.paper, gloss=0.8), within=within)
    canvas.fill(turned.band(top, top + (bottom - top) * 0.1), sheen(palette.accent, gloss=0.3), within=within)
    canvas.fill(turned.band(bottom - (bottom - top) * 0.04, bottom), sheen(palette.accent), within=within)
    left, upper = turned.point(-0.74, top + (bottom - top) * 0.2)
    right, lower = turned.point(0.74, bottom - (bottom - top) * 0.14)
    style = Style(turned.radius * 0.34, palette.deep, lines=4, bold=True, centred=True, middle=True)
    letter(canvas, words, (left, upper, right, lower), style)
