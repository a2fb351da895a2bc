"""Which network addresses lie outside the public internet, and in which names that can be read.

A callback goes where somebody else says. From inside a network it could reach what is open to neighbours only: the
metadata of a cloud machine, a database, this product itself.
"""

import re
import socket
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Address = IPv4Address | IPv6Address

_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
_THIS_HOST = IPv4Network("0.0.0.0/8")
# What some versions of Python call global: protocol assignments (one cloud's metadata among them), the relays of 6to4,
# documentation; and the address under which another cloud serves its machines their configuration.
_SPECIAL_IPV4 = (IPv4Network("192.0.0.0/24"), IPv4Network("192.88.99.0/24"), IPv4Network("168.63.129.16/32"))
_SPECIAL_IPV6 = IPv6Network("3fff::/20")
_NAME = re.compile(
    r"(?=.{1,253}\.?$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*\.?"
)
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_INSIDE = ("localhost", "local", "localdomain", "internal", "intranet", "private", "lan", "corp", "home", "home.arpa")


def why_private(address: Address) -> str | None:
    """Return why an address is none of the public internet, to be read after it, or None when it is one."""
    if isinstance(address, IPv6Address):
        inner = _ipv4_within(address)
        return why_private(inner) if inner is not None else _why_private_ipv6(address)
    if address.is_loopback or address in _THIS_HOST:
        return "is this machine itself"
    if address.is_link_local:
        return "is link-local, where clouds keep the metadata of a machine"
    if address.is_private:
        return "belongs to a private network"
    is_public = address.is_global and not address.is_multicast and not address.is_reserved
    return None if is_public and not any(address in network for network in _SPECIAL_IPV4) else _NOT_PUBLIC


def why_private_host(host: str) -> str | None:
    """Return why a host is none of the public internet, as far as its name tells; a sentence without its end.

    None says little of a name: whatever it resolves to is to be looked at with `why_private`.
    """
    name = host.lower().removesuffix(".")
    address = address_written_as(name)
    if address is not None:
        reason = why_private(address)
        return f"{address} {reason}" if reason else None
    if "." not in name:
        return f"{name} is a name of the local network" if name != "localhost" else "localhost is this machine itself"
    if any(name.endswith(f".{suffix}") for suffix in _INSIDE):
        return f"{name} is a name of a private network"
    return None


def is_host(host: str) -> bool:
    """Whether a text is an address or can be a name. International names only in their ASCII form."""
    if ":" in host:
        return "%" not in host and address_written_as(host) is not None
    if _NAME.fullmatch(host.lower()) is None:
        return False
    last_label = host.lower().removesuffix(".").rpartition(".")[2]
    # What ends in a number is an address or nothing: no top-level domain is a number.
    return _NUMBER.fullmatch(last_label) is None or address_written_as(host.removesuffix(".")) is not None


def address_written_as(host: str) -> Address | None:
    """Return the address that a host is written as, None for a name.

    With every spelling that connects: 2130706433, 0x7f.1 and 0177.0.0.1 are 127.0.0.1.
    """
    try:
        # Not ipaddress for the old address family: it knows one spelling, while resolvers take all that this does.
        return IPv6Address(host) if ":" in host else IPv4Address(socket.inet_aton(host))
    except (OSError, ValueError):
        return None


_NOT_PUBLIC = "is no address of the public internet"


def _why_private_ipv6(address: IPv6Address) -> str | None:
    if address.is_loopback or address.is_unspecified:
        return "is this machine itself"
    if address.is_link_local:
        return "is link-local, where clouds keep the metadata of a machine"
    if address.is_private or address.is_site_local:
        return "belongs to a private network"
    is_public = address in _GLOBAL_UNICAST and address.is_global and address not in _SPECIAL_IPV6
    return None if is_public else _NOT_PUBLIC


def _ipv4_within(address: IPv6Address) -> IPv4Address | None:
    """Return the address of the old family that packets to this one end up at, None where they don't."""
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour
