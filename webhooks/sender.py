"""One signed call. The connection goes to an address that was looked at, and to no other."""

import asyncio
import ssl
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx2
from standardwebhooks.webhooks import Webhook

from sessions.addresses import Address
from sessions.callbacks import CallbackMessage
from sessions.deliveries import CallbackAnswer
from webhooks.resolving import AddressRefusedError, Resolve, checked, resolved

_CONNECT_SECONDS = 5.0
_ADDRESSES_TRIED = 3
_LONGEST_REASON = 300
_PORTS = {"http": 80, "https": 443}


class WebhookSender:
    """Signs callbacks and sends them. Implements `CallbackSender`.

    Args:
        secret: what callbacks are signed with, in the form ``whsec_…``. Without one nothing is sent.
        allow_private: whether receivers may be in private networks.
        resolve: finds the addresses of a host.
        certificates: which authorities receivers may be vouched for by; the system's when left out.
    """

    def __init__(
        self,
        *,
        secret: str | None,
        allow_private: bool,
        resolve: Resolve = resolved,
        certificates: ssl.SSLContext | None = None,
    ) -> None:
        self._webhook = Webhook(secret) if secret else None
        self._allow_private = allow_private
        self._resolve = resolve
        self._certificates = certificates or httpx2.create_ssl_context()

    async def send(self, message: CallbackMessage, *, patience: timedelta) -> CallbackAnswer:
        """Send a message once and return what came of it. Raises nothing."""
        began = time.monotonic()

        def answer(
            *,
            status: int | None = None,
            error: str | None = None,
            is_refused: bool = False,
            retry_after: timedelta | None = None,
        ) -> CallbackAnswer:
            duration = timedelta(seconds=time.monotonic() - began)
            return CallbackAnswer(
                status=status, error=error, is_refused=is_refused, retry_after=retry_after, duration=duration
            )

        if self._webhook is None:
            return answer(error="Callbacks cannot be signed here: set RETAKES_WEBHOOK_SECRET for this process.")
        try:
            async with asyncio.timeout(patience.total_seconds()):
                response = await self._call(message, webhook=self._webhook)
        except TimeoutError:
            return answer(error=f"The receiver did not answer within {patience.total_seconds():g} seconds.")
        except (AddressRefusedError, httpx2.InvalidURL) as error:
            return answer(error=str(error), is_refused=True)
        except (httpx2.HTTPError, OSError) as error:
            reason = (getattr(error, "strerror", None) or str(error) or type(error).__name__)[:_LONGEST_REASON]
            return answer(error=f"The receiver was not reached: {reason}")
        return answer(status=response.status_code, retry_after=_retry_after(response.headers))

    async def _call(self, message: CallbackMessage, *, webhook: Webhook) -> httpx2.Response:
        url = httpx2.URL(message.url)
        host = url.raw_host.decode("ascii")
        addresses = await self._resolve(host, url.port or _PORTS[url.scheme])
        if not addresses:
            raise OSError(f"{host} has no address")
        if not self._allow_private:
            checked(host, addresses)
        # A client for every call: a connection that was kept would have been looked at once and used ever after.
        async with httpx2.AsyncClient(
            verify=self._certificates,
            trust_env=False,  # a proxy would look the name up again, and could reach what is refused here
            follow_redirects=False,
            timeout=httpx2.Timeout(None, connect=_CONNECT_SECONDS),  # the rest is the patience's
        ) as client:
            return await _first_reached(client, self._signed(message, webhook=webhook), addresses=addresses)

    def _signed(self, message: CallbackMessage, *, webhook: Webhook) -> httpx2.Request:
        now = datetime.now(UTC)
        return httpx2.Request(
            "POST",
            message.url,
            content=message.body.encode(),
            headers={
                "Content-Type": "application/json",
                "User-Agent": "Retakes",
                "Accept-Encoding": "identity",
                "Connection": "close",
                "webhook-id": message.id,
                "webhook-timestamp": str(int(now.timestamp())),
                "webhook-signature": webhook.sign(message.id, now, message.body),
            },
        )


async def _first_reached(
    client: httpx2.AsyncClient, request: httpx2.Request, *, addresses: Sequence[Address]
) -> httpx2.Response:
    """Send a request to the first address that takes it, and return the answer without its body.

    Nobody reads the body: it would show whoever may set an address what a server in there has to say.
    """
    host = request.url.raw_host.decode("ascii")
    request.extensions = {**request.extensions, "sni_hostname": host, "timeout": client.timeout.as_dict()}
    for address in addresses[:_ADDRESSES_TRIED]:
        # Host and certificate stay the name's; only the connection goes to the address, with no second look-up.
        request.url = request.url.copy_with(host=str(address))
        try:
            response = await client.send(request, stream=True)
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            failure = error
        else:
            await response.aclose()
            return response
    raise failure


def _retry_after(headers: httpx2.Headers) -> timedelta | None:
    """Return how long a receiver asks to be left alone, in either form that HTTP has; None for anything else."""
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return timedelta(seconds=min(int(value[:9]), 10**6))
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - datetime.now(UTC)
