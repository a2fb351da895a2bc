"""The text that a later attempt adds to its prompt, in the words of the product's first specification."""

VARIATIONS = (
    "Emphasize clarity and simplicity",
    "Focus on product detail and precision",
    "Prioritize clean composition",
)


def variation_for(attempt: int) -> str | None:
    """Return the variation of an attempt, numbered from 1 over the item's whole life; the first has none.

    Raises:
        ValueError: the attempt is not a positive number.
    """
    if attempt < 1:
        raise ValueError(f"attempts are numbered from 1, not {attempt}")
    return None if attempt == 1 else VARIATIONS[(attempt - 2) % len(VARIATIONS)]


def varied(prompt: str, *, variation: str | None) -> str:
    """Return the prompt with its variation appended, or unchanged where there is none."""
    return prompt if variation is None else f"{prompt}\n[VARIATION: {variation}]"
