"""Looks at everything side by side, within a time that nobody can stretch."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from cli.doctor.api import ApiLook
from cli.doctor.clock import ClockLook
from cli.doctor.findings import Check, Finding, Report, Seen
from cli.doctor.provider import ProviderLooks
from cli.doctor.stores import ArtifactLook, DiskLook, RecordsLook
from cli.doctor.temporal import TemporalLooks
from cli.doctor.webhooks import look_at_webhooks
from runtime.settings import Settings

PATIENCE: Final = timedelta(seconds=5)
"""With all that is asked silent, the command still ends within ten seconds."""


def checks_of(settings: Settings, *, api: str | None) -> tuple[Check, ...]:
    """Return what there is to look at.

    Args:
        settings: of the processes that are looked at.
        api: where the API is, when that is not what the settings say.
    """
    temporal = TemporalLooks(settings)
    provider = ProviderLooks(settings)
    return (
        Check(name="temporal", title="Temporal", look=temporal.server),
        Check(name="search_attributes", title="Search attributes", look=temporal.search_attributes),
        Check(name="worker", title="Worker", look=temporal.worker),
        Check(name="api", title="API", look=ApiLook(settings, address=api).look),
        Check(name="records", title="Records", look=RecordsLook(settings).look),
        Check(name="artifacts", title="Artifacts", look=ArtifactLook(settings).look),
        Check(name="provider", title="Provider", look=provider.key),
        Check(name="models", title="Models", look=provider.models),
        Check(name="webhooks", title="Webhooks", look=lambda: look_at_webhooks(settings)),
        Check(name="disk", title="Disk", look=DiskLook(settings).look),
        Check(name="clock", title="Clock", look=ClockLook(settings, provider=provider).look),
    )


async def examined(checks: Sequence[Check], *, patience: timedelta = PATIENCE) -> Report:
    """Look at everything; a look that fails or takes too long is a finding like any other.

    What is late is left behind, not waited for: a driver may take its time to notice that it was cancelled.
    """
    looks = [asyncio.ensure_future(check.look()) for check in checks]
    await asyncio.wait(looks, timeout=patience.total_seconds())
    found = []
    for check, look in zip(checks, looks, strict=True):
        seen = _outcome(look, patience=patience)
        found.append(Finding(name=check.name, title=check.title, **seen.model_dump()))
    return Report.of(found)


def _outcome(look: "asyncio.Future[Seen]", *, patience: timedelta) -> Seen:
    if not look.done():
        look.cancel()
        return Seen.wrong(
            f"no answer within {patience.total_seconds():g} s",
            advice="Find out what keeps it busy, or why the network swallows what is sent there.",
        )
    if look.cancelled():
        return Seen.wrong("the look was cut short", advice="Run the doctor again.")
    if (error := look.exception()) is not None:
        # Without its words, which nobody has checked for keys and passwords.
        return Seen.wrong(
            f"the look itself failed ({type(error).__name__})", advice="This is a fault of the doctor: report it."
        )
    return look.result()
