"""What a picture is of: a product that can be painted into any box, drawn or photographed."""

from typing import Protocol

from providers.offline.pictures.canvas import Canvas
from providers.offline.pictures.stencils import Box, ellipse

Feet = tuple[tuple[float, float], ...]


class Subject(Protocol):
    """A product that knows its ratio and how to paint itself."""

    @property
    def aspect(self) -> float:
        """Width divided by height."""
        ...

    @property
    def feet(self) -> Feet:
        """Where it touches the ground: stretches of its width, as shares."""
        ...

    def paint(self, canvas: Canvas, box: Box) -> None:
        """Paint the product so that it fills the box, whose ratio is the aspect."""
        ...


def fitted(subject: Subject, room: Box, *, rest: float = 1.0) -> Box:
    """Return the largest box of the subject's ratio in a room, centred across.

    Args:
        subject: what will be painted.
        room: where it may be.
        rest: 1 puts it on the floor of the room, 0.5 in the middle, 0 under the ceiling.
    """
    left, top, right, bottom = room
    height = min(bottom - top, (right - left) / subject.aspect)
    width = height * subject.aspect
    x = left + (right - left - width) / 2
    y = top + (bottom - top - height) * rest
    return (x, y, x + width, y + height)


def stand(canvas: Canvas, subject: Subject, box: Box, *, shadow: float = 0.45) -> None:
    """Paint a subject on a ground: a wide soft shadow, a narrow dark one where it touches, then itself."""
    left, _, right, bottom = box
    width = right - left
    for start, end in subject.feet:
        first, last = left + width * start, left + width * end
        depth = min((last - first) * 0.1, canvas.unit * 4)
        wide = ellipse((first - depth, bottom - depth, last + depth * 2.2, bottom + depth * 0.9))
        canvas.shade(wide, blur=depth * 0.8, opacity=shadow * 0.6)
        touching = ellipse((first, bottom - depth * 0.5, last, bottom + depth * 0.35))
        canvas.shade(touching, blur=depth * 0.25, opacity=shadow)
    subject.paint(canvas, box)
