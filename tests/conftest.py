"""What holds for every test."""

import os
from collections.abc import Generator

import pytest

# Modules of a test run import it in their own order; what is imported before it is known as a plugin would not tell why
# an assertion failed.
pytest.register_assert_rewrite("tests.support.databases")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
    call: pytest.CallInfo[None],
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip into a failure in CI: there everything is installed that a test may lack elsewhere."""
    report = yield
    if report.skipped and os.environ.get("CI") == "true" and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI must not do: {report.longreprtext}"
    return report
