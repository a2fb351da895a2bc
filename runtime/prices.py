"""The price table, read from its file at the entry point."""

import tomllib
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from sessions.pricing import PriceTable

SHIPPED_PRICES: Final = Path(__file__).with_name("prices.toml")


class PriceFileError(Exception):
    """The price table cannot be used. The message is one line that names the file and what to correct."""


def load_prices(path: Path | None = None) -> PriceTable:
    """Read a price table, the shipped one when no path is given.

    Raises:
        PriceFileError: the file is missing, no TOML, or holds something other than prices.
    """
    path = path or SHIPPED_PRICES
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise PriceFileError(f"{path} cannot be read as a price table: {error}") from error
    try:
        # Unknown names are refused here: a misspelt price would otherwise count as none.
        return PriceTable.model_validate(table, extra="forbid")
    except ValidationError as error:
        raise PriceFileError(f"{path} is no price table: {_in_one_line(error)}") from None


def _in_one_line(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}"
        for problem in error.errors(include_url=False, include_input=False)
    )
