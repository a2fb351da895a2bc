"""What an idea speaks of."""

import pytest

from providers.offline.texts.phrases import as_one, is_somebody, phrases


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A lighthouse keeper finds a letter from the future.", ("lighthouse keeper", "letter", "future")),
        ("an old robot learns to paint in a city where colours are forbidden", ("old robot", "city")),
        ("Two siblings must save their grandmother's bakery", ("siblings", "grandmother's bakery")),
        ("The letter. The other letter! the letter", ("letter", "other letter")),
        ("space pirates", ("space pirates",)),
        ("ein Müllfahrer entdeckt, dass seine Katze sprechen kann", ("Müllfahrer", "Katze")),
        ("一个灯塔看守人收到来自未来的信", ()),
        ("??? 42", ()),
        ("", ()),
    ],
)
def test_things_are_found(text: str, expected: tuple[str, ...]) -> None:
    """Words after articles in English; elsewhere what is likely to be a thing, or nothing."""
    assert expected == tuple(phrases(text))


def test_somebody_is_told_from_something() -> None:
    """Trades end like many things do."""
    somebody = [
        word for word in ("lighthouse keeper", "letter", "pirates", "tower", "botanist", "mist") if is_somebody(word)
    ]

    assert somebody == ["lighthouse keeper", "pirates", "botanist"]


def test_plural_is_made_one() -> None:
    """So that sentences in the singular stay sentences."""
    assert [as_one(word) for word in ("clocks", "glass", "future")] == ["secret of the clocks", "glass", "future"]
