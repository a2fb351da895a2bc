"""The price table that is shipped, and what a wrong one of a person's own says."""

import re
from pathlib import Path

import pytest

from runtime.prices import PriceFileError, load_prices
from sessions.pricing import ModelPrice

TABLE = """
as_of = 2026-11-20
[fallback]
text_input = 5.0
output = 30
[models."my-model"]
text_input = 1.5
image_input = 2.5
output = 3.5
"""


def test_the_shipped_table_prices_the_current_models() -> None:
    """The default models and those the documentation names are listed, snapshots included."""
    table = load_prices()
    assert ModelPrice(text_input=5, image_input=8, output=30) == table.price_of("gpt-image-2.5-flare-2026-09-08")
    assert ModelPrice(text_input=2, image_input=2.5, output=8) == table.price_of("gpt-image-1-mini")
    assert ModelPrice(text_input=0.1, output=0.5) == table.price_of("gpt-6-luna")


def test_a_model_that_is_not_listed_costs_as_much_as_the_dearest() -> None:
    """A surprise on the invoice should be a pleasant one."""
    table = load_prices()
    for column in ("text_input", "image_input", "output"):
        dearest = max(getattr(price, column) for price in table.models.values())
        assert dearest == getattr(table.fallback, column)


def test_a_table_of_one_s_own_replaces_the_shipped_one(tmp_path: Path) -> None:
    """Edited prices need no new release."""
    file = tmp_path / "prices.toml"
    file.write_text(TABLE)
    table = load_prices(file)
    assert table.as_of.isoformat() == "2026-11-20"
    assert {"my-model": ModelPrice(text_input=1.5, image_input=2.5, output=3.5)} == table.models


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("as_of = ", "Invalid value"),
        ("", "as_of: Field required"),
        (TABLE.replace("image_input", "image_inptu"), "models.my-model.image_inptu"),
        (TABLE.replace("output = 30", "output = -30"), "fallback.output"),
        (TABLE.replace("output = 30", "output = inf"), "fallback.output"),
        (TABLE.replace("output = 30", "output = 'much'"), "fallback.output"),
        (TABLE.replace("2026-11-20", "'soon'"), "as_of"),
    ],
)
def test_a_wrong_table_is_refused_in_one_line(tmp_path: Path, text: str, reason: str) -> None:
    """The line names the file and the place to correct."""
    file = tmp_path / "prices.toml"
    file.write_text(text)
    with pytest.raises(PriceFileError, match=re.escape(reason)) as caught:
        load_prices(file)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["missing.toml", "."])
def test_a_file_that_cannot_be_read_is_refused_in_one_line(tmp_path: Path, name: str) -> None:
    """Missing, or a folder."""
    with pytest.raises(PriceFileError, match="cannot be read"):
        load_prices(tmp_path / name)


def test_a_file_that_is_no_text_is_refused_in_one_line(tmp_path: Path) -> None:
    """Bytes that are no UTF-8."""
    file = tmp_path / "prices.toml"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(PriceFileError, match="cannot be read"):
        load_prices(file)
