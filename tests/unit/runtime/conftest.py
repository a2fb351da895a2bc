import os

import pytest


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith(("RETAKES_", "OPENAI_", "TEMPORAL_")):
            monkeypatch.delenv(name)
