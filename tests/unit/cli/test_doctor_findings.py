"""How the doctor looks at everything at once, and what it makes of what it finds."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from cli.doctor.examine import examined
from cli.doctor.findings import Check, Report, Seen, Verdict


def check(name: str, look: Callable[[], Awaitable[Seen]]) -> Check:
    return Check(name=name, title=name.title(), look=look)


async def well() -> Seen:
    return Seen.ok("as it should be")


async def worrying() -> Seen:
    return Seen.warning("not for long", advice="Look after it.")


async def left_out() -> Seen:
    return Seen.skipped("nothing to see")


async def broken() -> Seen:
    raise RuntimeError("password=hunter2")


async def endless() -> Seen:
    await asyncio.Event().wait()
    raise AssertionError


async def cut_short() -> Seen:
    raise asyncio.CancelledError


async def statuses(*looks: Callable[[], Awaitable[Seen]]) -> Report:
    checks = [check(f"look_{number}", look) for number, look in enumerate(looks)]
    return await examined(checks, patience=timedelta(milliseconds=100))


async def test_a_look_that_breaks_or_never_ends_hides_no_other() -> None:
    """Each is a finding of its own, in the order of the checks, and what broke is not quoted."""
    report = await statuses(broken, well, endless, cut_short, worrying)
    assert [Verdict.WRONG, Verdict.OK, Verdict.WRONG, Verdict.WRONG, Verdict.WARNING] == [
        finding.status for finding in report.checks
    ]
    assert "the look itself failed (RuntimeError)" == report.checks[0].seen
    assert "no answer within 0.1 s" == report.checks[2].seen
    assert "hunter2" not in report.model_dump_json()


async def test_everything_is_looked_at_side_by_side() -> None:
    """A look can wait for another that comes after it."""
    met = asyncio.Event()

    async def waits() -> Seen:
        await met.wait()
        return Seen.ok("met")

    async def comes() -> Seen:
        met.set()
        return Seen.ok("came")

    assert Verdict.OK is (await statuses(waits, comes)).status


async def test_the_report_is_as_bad_as_its_worst_finding() -> None:
    """Wrong before warning before ok; what was skipped makes nothing worse."""
    assert Verdict.OK is (await statuses(well, left_out)).status
    assert Verdict.WARNING is (await statuses(well, worrying, left_out)).status
    assert Verdict.WRONG is (await statuses(broken, worrying, well)).status
