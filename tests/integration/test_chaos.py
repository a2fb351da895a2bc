"""The attack of every commit: the whole product is struck for a while, and keeps every promise."""

from pathlib import Path
from typing import Final

import pytest

from tests.chaos.attack import Run
from tests.chaos.checks.every import checked
from tests.chaos.report import summary, write_report
from tests.chaos.scale import Records, short_scale

SEEDS: Final = {Records.SQLITE: 11, Records.POSTGRESQL: 12}
"""Fixed, so that a failure is one of the change at hand. New plans are drawn by `make chaos`."""


@pytest.mark.timeout(300)
@pytest.mark.parametrize("records", list(Records))
def test_everything_is_kept_while_everything_breaks(records: Records, tmp_path: Path) -> None:
    """Killed, cut off, filled up: nothing is lost, and nothing is paid for twice without a crash that took it.

    `python -m tests.chaos --short --seed N --records KIND` runs the same plan by hand, and writes a report of it.
    """
    said: list[str] = []
    scale = short_scale(seed=SEEDS[records], records=records)
    evidence = Run(scale=scale, folder=tmp_path / "data", command="", say=said.append).evidence()
    results = checked(evidence)
    write_report(tmp_path, evidence=evidence, results=results, plan=None)

    assert all(result.has_passed for result in results), f"seed {scale.seed}\n{summary(evidence, results)}"
