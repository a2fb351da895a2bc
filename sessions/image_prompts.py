"""Prompts for images: pure functions from what a person asked for to what the provider is told.

Titles, features, notes and custom prompts appear verbatim. Colours given as hex codes are named in words,
because image models paint codes as garbled lettering.
"""

import colorsys
import re
from collections.abc import Iterator, Sequence

from sessions.images import Brand, ImageRequest, ImageSessionRequest, ImageType, KeywordIntent, Vibe
from sessions.variations import varied

CLOSING = "Enhance and stage, do not alter the product."

_VIBES = {
    Vibe.PREMIUM_LUXURY: "premium and luxurious: deep tones, refined materials, controlled studio light",
    Vibe.CLEAN_MODERN: "clean and modern: generous empty space, crisp edges, neutral light",
    Vibe.BOLD_ENERGETIC: "bold and energetic: strong contrast, saturated colour, dynamic angles",
    Vibe.NATURAL_ORGANIC: "natural and organic: daylight, wood, stone and plants, soft earthy tones",
    Vibe.PLAYFUL_FUN: "playful and fun: bright colour, rounded shapes, lively arrangement",
    Vibe.CLINICAL_TRUST: "clinical and trustworthy: white and cool tones, even light, precise order",
}

_INTENTS = {
    KeywordIntent.DURABILITY: "shown to last",
    KeywordIntent.USE_CASE: "shown in use",
    KeywordIntent.STYLE: "shown as a matter of taste",
    KeywordIntent.PROBLEM_SOLUTION: "shown to solve a problem",
    KeywordIntent.COMPARISON: "shown to be the better choice",
}

_UNNAMED_FEATURES = (
    "what the product does best",
    "another thing that the product does well",
    "what its buyers care about most",
)

_HEX = re.compile(r"#(?P<long>[0-9a-fA-F]{6})(?:[0-9a-fA-F]{2})?\b|#(?P<short>[0-9a-fA-F]{3})[0-9a-fA-F]?\b")
_BARE_HEX = re.compile(r"(?=.*[0-9])[0-9a-fA-F]{6}")
_RGB = re.compile(r"rgba?\(\s*(\d{1,3})\s*,\s*(\d{1,3})\s*,\s*(\d{1,3})[^)]*\)")
_HUES = (
    (15, "red"),
    (40, "orange"),
    (65, "yellow"),
    (160, "green"),
    (195, "turquoise"),
    (255, "blue"),
    (290, "violet"),
    (335, "magenta"),
    (361, "red"),
)


def image_prompt(
    request: ImageSessionRequest,
    *,
    image: ImageRequest,
    variation: str | None = None,
    retry_note: str | None = None,
    is_refined: bool = False,
) -> str:
    """Return the whole prompt of one attempt at one image.

    Args:
        request: what the session was started with.
        image: the image of it that is to be made.
        variation: the variation of this attempt, None for the first.
        retry_note: what a person asked for when retrying this item, or making it again.
        is_refined: whether the picture made before goes along as the first reference, to be kept but for the note.
    """
    lines = [*_lines(request, image=image, retry_note=retry_note, is_refined=is_refined), CLOSING]
    return varied("\n".join(lines), variation=variation)


def _lines(
    request: ImageSessionRequest, *, image: ImageRequest, retry_note: str | None, is_refined: bool
) -> Iterator[str]:
    product = request.product
    yield f"Image: {image.item_label}"
    yield f"Product: {product.title}"
    if product.audience:
        yield f"Made for: {product.audience}"
    yield f"Task: {_task(request, image=image)}"
    if product.features:
        yield "What it does well:"
        yield from (f"- {feature}" for feature in product.features)
    if request.brand:
        yield from _brand_lines(request.brand)
    if request.keywords:
        yield "What buyers look for:"
        for keyword in request.keywords:
            meanings = ", ".join(_INTENTS[intent] for intent in keyword.intents)
            yield f"- {keyword.text}" + (f" ({meanings})" if meanings else "")
    if is_refined:
        yield "Image 1 is this picture as it was made before. Keep it, and change only what the last note asks for."
    yield from _reference_lines(request, first=2 if is_refined else 1)
    yield from (f"Note: {note}" for note in (request.note, image.note, retry_note) if note)


def _task(request: ImageSessionRequest, *, image: ImageRequest) -> str:
    features = request.product.features
    audience = request.product.audience or "the people it is made for"
    match image.type:
        case ImageType.MAIN:
            return (
                "The product alone on a pure white background, filling at least 85 % of the frame, "
                "sharp and evenly lit. No text, no props, no people."
            )
        case ImageType.INFOGRAPHIC_1:
            return (
                f"An infographic that turns {_feature(features, 0)} into one short benefit headline. "
                "The product is clearly visible beside it."
            )
        case ImageType.INFOGRAPHIC_2:
            return (
                f"An infographic that turns {_feature(features, 1)} into one short benefit headline. "
                "Same style as the first infographic of this set, in another layout; the product is clearly visible."
            )
        case ImageType.LIFESTYLE:
            return (
                f"A person of the target audience ({audience}) uses the product in a real setting, "
                "in natural light. The product is in focus."
            )
        case ImageType.COMPARISON:
            return (
                "Two columns: this product on one side, an unnamed alternative without a brand on the other. "
                f"They are compared on {_feature(features, 1)} and {_feature(features, 2)}."
            )
        case ImageType.CUSTOM:
            return image.prompt or ""


def _feature(features: Sequence[str], index: int) -> str:
    return f"“{features[index]}”" if index < len(features) else _UNNAMED_FEATURES[index]


def _brand_lines(brand: Brand) -> Iterator[str]:
    if brand.name:
        yield f"Brand: {brand.name}"
    if brand.colors:
        yield f"Brand colours: {', '.join(colour_in_words(colour) for colour in brand.colors)}"
    if brand.vibe:
        yield f"Mood: {_VIBES[brand.vibe]}"


def _reference_lines(request: ImageSessionRequest, *, first: int) -> Iterator[str]:
    for position, _ in enumerate(request.references, start=first):
        yield f"The exact product is shown in image {position}."
    if request.style_reference:
        yield f"Image {len(request.references) + first} shows the style to follow, not the product."


def colour_in_words(colour: str) -> str:
    """Return a colour without codes: words stay as they are, a code alone becomes the nearest plain name."""
    code = f"#{colour.strip()}" if _BARE_HEX.fullmatch(colour.strip()) else colour
    words = " ".join(_RGB.sub(" ", _HEX.sub(" ", code)).split()).strip(" ()-,/")
    if words:
        return words
    return _name_of(*_channels(code))


def _channels(code: str) -> tuple[float, float, float]:
    """Return red, green and blue between 0 and 1."""
    if match := _RGB.search(code):
        red, green, blue = (min(int(part), 255) / 255 for part in match.groups())
        return red, green, blue
    match = _HEX.search(code)
    if match is None:
        return 0.5, 0.5, 0.5
    digits = match["long"] or "".join(digit * 2 for digit in match["short"])
    red, green, blue = (int(digits[index : index + 2], 16) / 255 for index in (0, 2, 4))
    return red, green, blue


def _name_of(red: float, green: float, blue: float) -> str:
    hue, lightness, saturation = colorsys.rgb_to_hls(red, green, blue)
    if lightness > 0.95:
        return "white"
    if lightness < 0.06:
        return "black"
    shade = "dark " if lightness < 0.35 else "light " if lightness > 0.75 else ""
    if saturation < 0.12:
        return f"{shade}grey"
    return shade + next(name for limit, name in _HUES if hue * 360 < limit)
