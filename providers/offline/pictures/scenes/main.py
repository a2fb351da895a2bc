"""The main image: the product alone on pure white, as large as the frame allows."""

from providers.offline.pictures.frame import Frame
from providers.offline.pictures.stencils import ellipse
from providers.offline.pictures.subjects import fitted

_MARGINS = (0.035, 0.06)


def paint_main(frame: Frame) -> None:
    """Paint the product over nearly nine tenths of the frame or more, and nothing else but its faint shadow."""
    margin = frame.dice.between("margin", *_MARGINS)
    box = fitted(frame.subject, frame.box(margin, margin, 1 - margin, 1 - margin), rest=0.5)
    left, _, right, bottom = box
    width = right - left
    lean = frame.dice.between("light", -1.5, 1.5) * frame.unit
    for start, end in frame.subject.feet:
        first, last = left + width * start, left + width * end
        touching = ellipse((first, bottom - frame.unit, last, bottom + frame.unit * 0.7))
        frame.canvas.shade(touching, blur=frame.unit * 0.7, offset=(lean, 0), opacity=0.3)
    frame.subject.paint(frame.canvas, box)
