"""Colours and the palettes that pictures are painted in."""

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import ImageColor

from providers.offline.dice import Dice

Colour = tuple[int, int, int]

WHITE: Colour = (255, 255, 255)
BLACK: Colour = (0, 0, 0)
_SHADES = {"dark": BLACK, "light": WHITE}


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """Return the first colour with a share (0 to 1) of the second mixed in."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def lighter(colour: Colour, share: float) -> Colour:
    """Return the colour with a share (0 to 1) of white."""
    return mix(colour, WHITE, share)


def darker(colour: Colour, share: float) -> Colour:
    """Return the colour with a share (0 to 1) of black."""
    return mix(colour, BLACK, share)


def brightness(colour: Colour) -> float:
    """Return how bright people see a colour, from 0 (black) to 1 (white)."""
    red, green, blue = colour
    return (0.299 * red + 0.587 * green + 0.114 * blue) / 255


@dataclass(frozen=True)
class Palette:
    """The colours of one product and of everything around it."""

    body: Colour
    trim: Colour
    accent: Colour
    paper: Colour
    deep: Colour

    def ink_on(self, ground: Colour) -> Colour:
        """Return the colour in which lettering is read best on this ground."""
        return self.deep if brightness(ground) > 0.55 else lighter(self.paper, 0.5)


def _palette(body: str, trim: str, accent: str, paper: str, deep: str) -> Palette:
    return Palette(*(_parsed(f"#{code}") for code in (body, trim, accent, paper, deep)))


def _parsed(text: str) -> Colour:
    red, green, blue = ImageColor.getrgb(text)[:3]
    return red, green, blue


_PALETTES = (
    _palette("2F6354", "D9B26F", "E07A4B", "F3EFE4", "173A34"),
    _palette("2A6F97", "E9C46A", "F4845F", "EAF3F5", "12355B"),
    _palette("C8553D", "F2D0A4", "588B8B", "FBF3E7", "4A2C2A"),
    _palette("6D597A", "EAAC8B", "E56B6F", "F6F0F5", "2E2140"),
    _palette("E0A526", "2B2D42", "D64933", "FFF8E8", "2B2D42"),
    _palette("74B09C", "F6F4EC", "F08A5D", "EEF6F1", "24504A"),
    _palette("3C4450", "C7CDD4", "FF8552", "EEF0F2", "1D2229"),
    _palette("D98C96", "FBF1E6", "7A5C99", "FCF2F1", "4B2840"),
    _palette("4C93D0", "FFE08A", "F2637E", "F0F6FC", "1B3B6F"),
)


def palette_for(dice: Dice, brand_colours: Sequence[str] = ()) -> Palette:
    """Return a palette: of the brand's colours where they are known by name, otherwise one of ours."""
    chosen = dice.pick("palette", _PALETTES)
    brand = [colour for name in brand_colours if (colour := named(name)) is not None]
    if not brand:
        return chosen
    body, accent, trim = [*brand, *(chosen.accent, chosen.trim)[len(brand) - 1 :]][:3]
    return Palette(body=body, trim=trim, accent=accent, paper=lighter(body, 0.91), deep=darker(body, 0.62))


def named(name: str) -> Colour | None:
    """Return the colour of a name such as ``forest green`` or ``dark teal``, or None where there is no such name.

    The names are those of the web, which are glaring on a product: each gives up a quarter of its saturation.
    """
    words = name.lower().replace("grey", "gray").split()
    try:
        glaring = _parsed("".join(words))
    except ValueError:
        if len(words) < 2 or words[0] not in _SHADES:
            return None
        plain = named(" ".join(words[1:]))
        return None if plain is None else mix(plain, _SHADES[words[0]], 0.4)
    grey = round(brightness(glaring) * 255)
    return mix(glaring, (grey, grey, grey), 0.25)
