"""What is drawn."""

import io
import itertools

import pytest
from PIL import Image, ImageChops
from PIL.ImageStat import Stat

from providers.offline.pictures.colours import named
from providers.offline.pictures.render import Format, Size, draw, encode

LABELS = ("Main image", "Infographic 1", "Lifestyle", "Comparison", "Packaging")
SMALL = Size(256, 256)


def prompt(label: str = "Lifestyle", *, title: str = "Steel bottle", rest: str = "") -> str:
    return f"Image: {label}\nProduct: {title}\n{rest}"


def difference(first: Image.Image, second: Image.Image) -> float:
    return sum(Stat(ImageChops.difference(first, second)).mean)


@pytest.mark.parametrize("file_format", list(Format))
def test_same_prompt_gives_the_same_bytes(file_format: Format) -> None:
    """Nothing but the prompt and the parameters is in a file: no time, no chance."""
    first, second = (encode(draw(prompt(), size=SMALL), file_format=file_format, compression=80) for _ in range(2))

    assert first == second


@pytest.mark.parametrize(
    "size", [Size(256, 256), Size(384, 256), Size(256, 768), Size(768, 256), Size(16, 16)], ids=str
)
@pytest.mark.parametrize("label", LABELS)
def test_every_kind_is_drawn_at_every_size(label: str, size: Size) -> None:
    """Square, wide, tall and tiny pictures have the size that was asked for."""
    assert (size.width, size.height) == draw(prompt(label), size=size).size


@pytest.mark.parametrize("file_format", list(Format))
def test_file_is_of_the_format_asked_for(file_format: Format) -> None:
    """The bytes are what they are called."""
    data = encode(draw(prompt(), size=SMALL), file_format=file_format)

    with Image.open(io.BytesIO(data)) as picture:
        assert file_format.value.upper() == picture.format


def test_each_kind_looks_different() -> None:
    """One product in five compositions gives five pictures nobody would mix up."""
    pictures = [draw(prompt(label), size=SMALL) for label in LABELS]

    for first, second in itertools.combinations(pictures, 2):
        assert difference(first, second) > 15


@pytest.mark.parametrize("label", LABELS)
def test_variation_changes_the_picture(label: str) -> None:
    """Another prompt for the same item gives another picture."""
    first = draw(prompt(label), size=SMALL)
    second = draw(prompt(label, rest="[VARIATION: Prioritize clean composition]"), size=SMALL)

    assert difference(first, second) > 1


def test_pictures_of_one_request_differ() -> None:
    """Several pictures of one prompt are several pictures."""
    assert difference(draw(prompt(), size=SMALL, number=0), draw(prompt(), size=SMALL, number=1)) > 1


@pytest.mark.parametrize("title", ["Steel bottle", "Enamel mug", "Desk lamp", "City backpack", "Headphones", "Thing"])
def test_main_image_is_pure_white_and_filled(title: str) -> None:
    """The border is pure white, and the product reaches over 85 % of the frame in its longer direction."""
    picture = draw(prompt("Main image", title=title), size=Size(512, 512))
    white = Image.new("RGB", picture.size, "white")
    away = ImageChops.difference(picture, white).convert("L").point(lambda value: 255 if value > 40 else 0)
    left, top, right, bottom = away.getbbox() or (0, 0, 0, 0)

    assert max(right - left, bottom - top) / 512 > 0.85
    frame = [picture.getpixel(place) for place in itertools.product((0, 255, 511), (0, 511))]
    assert {(255, 255, 255)} == set(frame)


def test_brand_colour_is_the_colour_of_the_product() -> None:
    """A colour known by name is painted."""
    red = draw(prompt("Main image", title="Carton box", rest="Brand colours: red"), size=SMALL)
    blue = draw(prompt("Main image", title="Carton box", rest="Brand colours: blue, #12"), size=SMALL)
    red_middle, blue_middle = (Stat(picture.crop((80, 100, 140, 160))).mean for picture in (red, blue))

    assert red_middle[0] > 2 * red_middle[2]
    assert blue_middle[2] > 2 * blue_middle[0]


@pytest.mark.parametrize(
    "title",
    ["", "水筒 日本語", "حقيبة ظهر", "🏔️🔥" * 40, "a\x00b\u202ec", "W" * 200, "word " * 40, "–", "é" * 100],
    ids=ascii,
)
@pytest.mark.parametrize("label", LABELS)
def test_title_in_any_script_is_drawn(title: str, label: str) -> None:
    """Letters the font lacks become boxes; nothing is an error."""
    draw(prompt(label, title=title, rest=f"What it does well:\n- {title}\n- {title}"), size=SMALL)


def test_photo_with_a_plain_background_is_cut_out() -> None:
    """The product of a photo stands in the scene without the photo's background."""
    photo = Image.new("RGBA", (400, 300), (240, 240, 238, 255))
    photo.paste((200, 30, 30, 255), (120, 60, 280, 290))

    picture = draw(prompt("Packaging"), size=Size(512, 512), photo=photo)
    middle = picture.getpixel((256, 300))

    assert isinstance(middle, tuple)
    assert middle[0] > 150
    assert max(middle[1:]) < 80
    assert not any(colour == (240, 240, 238) for _, colour in picture.getcolors(1 << 18) or [])


def test_photo_of_one_colour_is_shown_as_it_is() -> None:
    """Where cutting out would leave nothing, nothing is cut out."""
    picture = draw(prompt("Main image"), size=SMALL, photo=Image.new("RGBA", (300, 300), "teal"))

    assert picture.getpixel((128, 128)) == (0, 128, 128)


def test_photo_of_a_place_stands_in_the_picture_whole() -> None:
    """A photo whose background is not plain is shown as it is."""
    photo = draw(prompt("Lifestyle"), size=Size(512, 256)).convert("RGBA")
    picture = draw(prompt("Main image"), size=SMALL, photo=photo)

    assert picture.getpixel((128, 20)) == (255, 255, 255)
    assert picture.getpixel((20, 128)) != (255, 255, 255)


@pytest.mark.parametrize(
    ("name", "is_known"),
    [("forest green", True), ("dark teal", True), ("light violet", True), ("dark nothing", False), ("", False)],
)
def test_colours_are_known_by_name(name: str, is_known: bool) -> None:
    """A shade of a known colour is known too."""
    assert (named(name) is not None) == is_known
