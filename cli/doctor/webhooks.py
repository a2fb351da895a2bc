"""Looks at what callbacks are signed with."""

from typing import Final

from cli.doctor.findings import Seen
from runtime.refusal import Refused
from runtime.settings import Settings
from runtime.webhook_secret import FILE, webhook_secret

_SET_ONE: Final = (
    "Set RETAKES_WEBHOOK_SECRET, or RETAKES_WEBHOOK_SECRET_FILE, to the same for the API and every worker."
)


async def look_at_webhooks(settings: Settings) -> Seen:
    """Look whether callbacks can be signed. No secret is made by looking."""
    if settings.webhook_secret is not None:
        return Seen.ok("callbacks are signed with the secret that is set")
    if not settings.embedded_temporal:
        return Seen.warning("no secret is set: sessions with a callback are refused", advice=_SET_ONE)
    path = settings.data_dir / FILE
    if not path.exists():
        return Seen.skipped("`retakes up` makes the secret at its first start")
    try:
        webhook_secret(settings)
    except Refused as refusal:
        return Seen.wrong(str(refusal), advice="The worker and the API don't start before that is mended.")
    return Seen.ok(f"callbacks are signed with the secret in {path}")
