"""How hard the fuzz tests try: a moment and always the same as part of the suite, for long with `make fuzz`."""

import os
from collections.abc import Callable
from typing import Any, Final

from hypothesis import HealthCheck, settings

IS_LONG: Final = os.environ.get("RETAKES_FUZZ") == "long"
SEED: Final = int(os.environ.get("RETAKES_FUZZ_SEED", "1"))
LIMIT: Final = 3600 if IS_LONG else 120
"""Seconds after which a test counts as hanging."""
_TIMES_IN_THE_LONG_FORM: Final = 25


def effort(examples: int) -> Callable[[Any], Any]:
    """Return the settings of a property that is tried on so many examples in the short form.

    The short form takes the same examples every time, so that nobody's change fails for what it did not do.
    """
    return settings(
        max_examples=examples * (_TIMES_IN_THE_LONG_FORM if IS_LONG else 1),
        derandomize=not IS_LONG,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large],
    )
