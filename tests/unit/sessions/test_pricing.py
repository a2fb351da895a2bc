"""What usage costs, and what a picture is expected to take."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.money import Spending, Usage, dollars
from sessions.pricing import ModelPrice, PriceTable, expected_image_usage, image_output_tokens

TABLE = PriceTable(
    as_of=date(2026, 11, 1),
    models={
        "gpt-image-2": ModelPrice(text_input=5, image_input=8, output=30),
        "gpt-image-2.5-flare": ModelPrice(text_input=1, image_input=2, output=3),
        "cheap": ModelPrice(text_input=0.1, output=0.5),
    },
    fallback=ModelPrice(text_input=50, image_input=80, output=300),
)


@pytest.mark.parametrize(
    ("size", "low", "medium", "high"),
    [("1024x1024", 196, 1756, 7024), ("1536x1024", 158, 1372, 5488), ("2000x2000", 384, 3456, 13824)],
)
def test_the_published_formula(size: str, low: int, medium: int, high: int) -> None:
    """The figures that the provider publishes for its common sizes, the same upright and lying."""
    upright = "x".join(reversed(size.split("x")))
    for asked in (size, upright):
        tokens = [image_output_tokens(size=asked, quality=quality) for quality in ("low", "medium", "high")]
        assert [low, medium, high] == tokens


@pytest.mark.parametrize("quality", ["auto", "xhigh", "max"])
def test_a_quality_without_a_figure_counts_as_the_highest(quality: str) -> None:
    """What the model may choose is expected at its dearest known."""
    assert image_output_tokens(size="1024x1024", quality=quality) == 7024


@pytest.mark.parametrize(
    ("model", "output"),
    [
        ("gpt-image-2", 30),
        ("gpt-image-2-2026-04-21", 30),
        ("gpt-image-2.5-flare", 3),
        ("gpt-image-2.5-flare-2026-09-08", 3),
        ("unheard-of", 300),
        ("", 300),
    ],
)
def test_a_model_is_priced_by_the_longest_name_it_begins_with(model: str, output: int) -> None:
    """Dated snapshots cost what their model costs; the unknown is rather too dear than too cheap."""
    assert output == TABLE.price_of(model).output


def test_text_pictures_and_output_are_priced_apart() -> None:
    """Input tokens include those of pictures, which have their own price."""
    usage = Usage(input_tokens=1000, input_image_tokens=600, output_tokens=1756)
    assert TABLE.cost_microdollars(usage, model="gpt-image-2") == 400 * 5 + 600 * 8 + 1756 * 30


def test_a_fraction_of_a_microdollar_counts_as_a_whole_one() -> None:
    """Rounded up: what is shown as spent is never less than what was."""
    assert TABLE.cost_microdollars(Usage(input_tokens=1), model="cheap") == 1


def test_more_picture_tokens_than_tokens_do_not_make_money() -> None:
    """A server that counts oddly never lowers the sum."""
    assert TABLE.cost_microdollars(Usage(input_tokens=4, input_image_tokens=10), model="gpt-image-2") == 80


def test_what_a_call_is_expected_to_use() -> None:
    """Characters and references count as input, the picture as output."""
    usage = expected_image_usage(size="1024x1024", quality="medium", prompt_characters=401, references=2)
    assert Usage(input_tokens=101 + 3000, input_image_tokens=3000, output_tokens=1756) == usage


def test_dollars_are_shown_to_the_microdollar() -> None:
    """Whole micro-dollars inside, dollars outside."""
    assert dollars(52681) == 0.052681
    assert dollars(0) == 0.0


SPENDINGS = st.builds(
    Spending,
    usage=st.builds(
        Usage,
        input_tokens=st.integers(0, 10**6),
        output_tokens=st.integers(0, 10**6),
        input_image_tokens=st.integers(0, 10**6),
    ),
    spent_microdollars=st.integers(0, 10**9),
    uncertain_microdollars=st.integers(0, 10**9),
)


@given(SPENDINGS, SPENDINGS, SPENDINGS)
def test_spending_adds_up_in_any_order(first: Spending, second: Spending, third: Spending) -> None:
    """Attempts end in any order, and the sum is the same to the micro-dollar."""
    assert (first + second) + third == third + (second + first)
    assert first == first + Spending()
