"""A reference photo as the product of a picture."""

from dataclasses import dataclass

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps

from providers.offline.pictures.canvas import Canvas
from providers.offline.pictures.stencils import Box, rounded
from providers.offline.pictures.subjects import Feet

_TOLERANCE = 26
_CORNER = 0.04
_THUMBNAIL = 128
# A cut-out smaller than this is a speck on a plain photo, not the product.
_LEAST_SHARE = 0.03
_OUTSIDE = 128
_WITHIN_TOLERANCE = [255 if value <= _TOLERANCE else 0 for value in range(256)]


@dataclass(frozen=True)
class PhotoProduct:
    """A product cut out of a photo, or the photo as a card where its background is not plain."""

    photo: Image.Image
    is_cut_out: bool

    @property
    def aspect(self) -> float:
        """Width divided by height, kept within what a composition can hold."""
        return min(max(self.photo.width / self.photo.height, 0.3), 3.0)

    @property
    def feet(self) -> Feet:
        """Where it touches the ground, as shares of its width."""
        return ((0.12, 0.88),) if self.is_cut_out else ((0.02, 0.98),)

    def paint(self, canvas: Canvas, box: Box) -> None:
        """Paint the photo into the box, with round corners unless it is cut out."""
        width, height = max(1, round(box[2] - box[0])), max(1, round(box[3] - box[1]))
        picture = ImageOps.fit(self.photo, (width, height), Image.Resampling.LANCZOS)
        if not self.is_cut_out:
            card = Canvas(width, height, ground=(0, 0, 0))
            card.fill(rounded(card.box, min(width, height) * _CORNER), (255, 255, 255))
            picture.putalpha(ImageChops.multiply(picture.getchannel("A"), card.image.getchannel("R")))
        canvas.paste(picture, (box[0], box[1]))


def photo_product(photo: Image.Image) -> PhotoProduct:
    """Return the product of an upright photo in RGBA: cut out where its background is of one colour."""
    cut = _cut_out(photo)
    if cut is None:
        return PhotoProduct(photo, is_cut_out=False)
    bounds = cut.getchannel("A").point([255 if value > 127 else 0 for value in range(256)]).getbbox()
    if bounds is None or _area(bounds) < _LEAST_SHARE * cut.width * cut.height:
        return PhotoProduct(photo, is_cut_out=False)
    return PhotoProduct(cut.crop(bounds), is_cut_out=True)


def _area(bounds: tuple[int, int, int, int]) -> int:
    return (bounds[2] - bounds[0]) * (bounds[3] - bounds[1])


def _cut_out(photo: Image.Image) -> Image.Image | None:
    """Return the photo without its background, or None where the four corners are not of one colour.

    What is of the background's colour and joined to the border goes. Joined is decided on a thumbnail, because
    flood filling is slow; the edge is then cut at full size.
    """
    if photo.getchannel("A").getextrema()[0] == 0:
        return photo
    plain = photo.convert("RGB")
    corner = plain.resize((1, 1), Image.Resampling.BOX, box=(0, 0, plain.width / 50, plain.height / 50))
    away = _distance(plain, corner)
    if max(away.crop((x, y, x + 1, y + 1)).tobytes()[0] for x, y in _corners(away)) > _TOLERANCE:
        return None
    small = away.resize((_THUMBNAIL, _THUMBNAIL)).point(_WITHIN_TOLERANCE)
    for place in _corners(small):
        ImageDraw.floodfill(small, place, _OUTSIDE)
    outside = small.point([255 if value == _OUTSIDE else 0 for value in range(256)])
    outside = outside.filter(ImageFilter.MaxFilter(3)).resize(photo.size)
    background = ImageChops.multiply(outside, away.point(_WITHIN_TOLERANCE))
    cut = photo.copy()
    cut.putalpha(ImageChops.invert(background).filter(ImageFilter.GaussianBlur(0.7)))
    return cut


def _distance(photo: Image.Image, corner: Image.Image) -> Image.Image:
    """Return how far each pixel is from a colour, in its most different channel."""
    red, green, blue = ImageChops.difference(photo, corner.resize(photo.size)).split()
    return ImageChops.lighter(ImageChops.lighter(red, green), blue)


def _corners(picture: Image.Image) -> tuple[tuple[int, int], ...]:
    right, bottom = picture.width - 1, picture.height - 1
    return ((0, 0), (right, 0), (0, bottom), (right, bottom))
