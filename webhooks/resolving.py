"""From a host to the addresses that a callback may go to."""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Sequence

from sessions.addresses import Address, why_private

Resolve = Callable[[str, int], Awaitable[Sequence[Address]]]
"""Returns the addresses of a host and port, the best one first. Raises OSError where there is none."""


class AddressRefusedError(Exception):
    """The host is, or is also, at an address that no callback may go to. The message says which and why."""


async def resolved(host: str, port: int) -> Sequence[Address]:
    """Return the addresses of a host as the system knows them, without repetitions.

    Raises:
        OSError: it has none, or the name servers do not answer.
    """
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:  # a label that is too long for the system's own encoding of names
        raise OSError(f"{host} is no name") from error
    # A link-local address comes with its interface, which says nothing about where it belongs.
    texts = dict.fromkeys(str(address[4][0]).partition("%")[0] for address in found)
    return [ipaddress.ip_address(text) for text in texts]


def checked(host: str, addresses: Sequence[Address]) -> None:
    """Find out whether a callback may go to a host that is at these addresses.

    All of them count: one that is private among public ones is no slip, but somebody who tries his luck.

    Raises:
        AddressRefusedError: it may not.
    """
    for address in addresses:
        if reason := why_private(address):
            raise AddressRefusedError(
                f"{host} leads to {address}, which {reason}. "
                "Callbacks go there only with RETAKES_WEBHOOK_ALLOW_PRIVATE=true."
            )
