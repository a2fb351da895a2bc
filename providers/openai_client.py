"""The one place where the SDK's client is made, so that no call escapes its settings."""

from datetime import timedelta

import httpx2
from openai import AsyncOpenAI, DefaultAsyncHttpxClient

OPENAI_ADDRESS = "https://api.openai.com/v1"

_NO_KEY = "no-key-needed"
_CONNECT_SECONDS = 5.0
# A whole reference photo is one write, and 20 MB take over a minute through a slow uplink.
_WRITE_SECONDS = 120.0
_POOL_SECONDS = 5.0
_THIS_MACHINE = ("all://127.0.0.1", "all://[::1]", "all://localhost")


def openai_client(*, api_key: str | None, base_url: str | None, longest_silence: timedelta) -> AsyncOpenAI:
    """Return a client for OpenAI or a compatible server. Whoever asks for it closes it.

    Proxies and certificates of the environment are honoured, as people behind a company's proxy expect.

    Args:
        api_key: None for a server that asks for none.
        base_url: None for OpenAI itself.
        longest_silence: how long the server may send nothing before the call counts as lost. An answer comes in
            one piece when it is finished, so this must not be shorter than the attempt's deadline, which is the
            real limit: this one begins anew with every byte.

    Raises:
        ValueError: the key holds characters that cannot be sent.
    """
    if api_key is not None and not (api_key.isascii() and api_key.isprintable()):
        # Left to the SDK this becomes a UnicodeEncodeError in every call, with the key in its text.
        raise ValueError("OPENAI_API_KEY holds characters that no key has; copy it again")
    return AsyncOpenAI(
        # Servers on one's own machine ask for no key, and the SDK refuses to start without one.
        api_key=api_key or _NO_KEY,
        # Not left to the SDK's own reading of the environment: it takes an empty OPENAI_BASE_URL for an address.
        base_url=base_url or OPENAI_ADDRESS,
        # The SDK would send three requests per call, even on an exhausted quota: each one that breaks after it
        # was sent may be billed, and neither the ledger nor the attempt's number would know of it.
        max_retries=0,
        timeout=httpx2.Timeout(
            connect=_CONNECT_SECONDS,
            read=longest_silence.total_seconds(),
            write=_WRITE_SECONDS,
            pool=_POOL_SECONDS,
        ),
        # No proxy leads to this machine's own servers, whatever the environment says of proxies.
        http_client=DefaultAsyncHttpxClient(limits=_limits(), mounts=dict.fromkeys(_THIS_MACHINE)),
    )


def _limits() -> httpx2.Limits:
    """Return limits under which a connection is never waited for and never used twice.

    How many calls run at once is the worker's business; a second limit here would only make calls wait while
    their deadline runs. A connection kept for reuse can be closed by the server in the moment it is used, which
    looks exactly like a paid call that was lost; against calls of many seconds a fresh handshake costs nothing.
    """
    return httpx2.Limits(max_connections=None, max_keepalive_connections=0)
