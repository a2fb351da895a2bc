from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sessions.addresses import address_written_as, is_host, why_private, why_private_host

PRIVATE_IPV4 = [
    *("0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.8.8.8", "169.254.169.254"),
    *("172.16.0.1", "172.31.255.255", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.0.1", "198.18.0.1"),
    *("198.51.100.1", "203.0.113.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255", "168.63.129.16"),
]
PRIVATE_IPV6 = [
    *("::", "::1", "::ffff:127.0.0.1", "::ffff:a9fe:a9fe", "::127.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1"),
    *("2002:7f00:1::", "2002:a00:1::", "2001::1", "2001:db8::1", "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254"),
    *("fe80::1", "fec0::1", "ff02::1", "100::1"),
]
PUBLIC = ["1.1.1.1", "8.8.8.8", "172.32.0.1", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"]

PRIVATE_NETWORKS = [
    IPv4Network(text)
    for text in ("0.0.0.0/8", "10.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16")
]
private_ipv4 = st.sampled_from(PRIVATE_NETWORKS).flatmap(
    lambda network: st.integers(int(network[0]), int(network[-1])).map(IPv4Address)
)


@pytest.mark.parametrize("text", [*PRIVATE_IPV4, *PRIVATE_IPV6])
def test_what_is_not_of_the_internet_is_told(text: str) -> None:
    """Loopback, private, link-local, metadata, multicast, reserved, documentation: each in every form it has."""
    assert why_private(ip_address(text)) is not None


@pytest.mark.parametrize("text", PUBLIC)
def test_the_internet_is_let_through(text: str) -> None:
    """Public addresses pass, also as a network that translates between the two families writes them."""
    assert why_private(ip_address(text)) is None


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", "localhost is this machine itself"),
        ("LOCALHOST.", "localhost is this machine itself"),
        ("retakes.localhost", "retakes.localhost is a name of a private network"),
        ("database", "database is a name of the local network"),
        ("metadata.google.internal", "metadata.google.internal is a name of a private network"),
        ("printer.local.", "printer.local is a name of a private network"),
        ("127.0.0.1", "127.0.0.1 is this machine itself"),
        ("127.1", "127.0.0.1 is this machine itself"),
        ("2130706433", "127.0.0.1 is this machine itself"),
        ("0x7F000001", "127.0.0.1 is this machine itself"),
        ("0177.0.0.0x1", "127.0.0.1 is this machine itself"),
        ("0", "0.0.0.0 is this machine itself"),
        ("169.254.169.254.", "169.254.169.254 is link-local, where clouds keep the metadata of a machine"),
        ("0xa9fea9fe", "169.254.169.254 is link-local, where clouds keep the metadata of a machine"),
        ("10.1", "10.0.0.1 belongs to a private network"),
        ("::1", "::1 is this machine itself"),
        ("::ffff:10.0.0.1", "::ffff:a00:1 belongs to a private network"),
        ("fe80::1", "fe80::1 is link-local, where clouds keep the metadata of a machine"),
    ],
)
def test_a_host_says_why_it_is_private(host: str, expected: str) -> None:
    """Every spelling that connects is seen through, and the reason names the address that it stands for."""
    assert expected == why_private_host(host)


@pytest.mark.parametrize(
    "host", ["hooks.example.com", "xn--mller-kva.example", "local.example.com", "8.8.8.8", "134744072"]
)
def test_other_names_are_let_through(host: str) -> None:
    """A name that looks public passes: what it resolves to is another question."""
    assert why_private_host(host) is None


@given(private_ipv4, st.sampled_from(["decimal", "hex", "octal", "dotted hex", "dotted octal", "short"]), st.booleans())
def test_no_spelling_hides_a_private_address(address: IPv4Address, spelling: str, with_stop: bool) -> None:
    """Whatever base and number of parts an address is written in, it is known for what it is."""
    parts = address.packed
    written = {
        "decimal": str(int(address)),
        "hex": hex(int(address)),
        "octal": f"0{int(address):o}",
        "dotted hex": ".".join(f"0X{part:X}" for part in parts),
        "dotted octal": ".".join(f"0{part:o}" for part in parts),
        "short": f"{parts[0]}.{int(address) & 0xFFFFFF}",
    }[spelling]
    host = written + "." * with_stop
    assert is_host(host)
    assert address == address_written_as(written)
    assert why_private_host(host) is not None


@given(private_ipv4, st.sampled_from(["::ffff:{0}", "64:ff9b::{0}", "::{0}", "2002:{1:04x}:{2:04x}::1"]))
def test_no_address_of_the_new_family_hides_one_of_the_old(address: IPv4Address, form: str) -> None:
    """Mapped, translated, compatible and tunnelled forms are judged by the address that they lead to."""
    text = form.format(address, int(address) >> 16, int(address) & 0xFFFF)
    assert why_private(IPv6Address(text)) is not None


@given(st.integers(0, 2**128 - 1).map(IPv6Address))
@example(IPv6Address("64:ff9b::808:808"))
def test_outside_global_unicast_nothing_passes(address: IPv6Address) -> None:
    """Of the new family only global unicast passes, and public addresses of the old one within."""
    if why_private(address) is None:
        within = [IPv6Network("2000::/3"), IPv6Network("64:ff9b::/96"), IPv6Network("::ffff:0:0/96")]
        assert any(address in network for network in within)


@given(st.text(max_size=80))
@example("1.2.3.256")
@example("a" * 64)
@example("-a.example")
def test_any_text_is_judged(text: str) -> None:
    """No text breaks the check, and a host that passes it is ASCII, without a port, a path or a user."""
    why_private_host(text)
    if is_host(text):
        assert text.isascii()
        assert not set(text) & set(" /@#?%[]\\")


@pytest.mark.parametrize(
    "host", ["", ".", "a..b", "1.2.3.4.5", "256.1.1.1", "hooks.1", "hooks.0x1", "fe80::1%eth0", "v1.fe80::1"]
)
def test_what_is_no_host_is_refused(host: str) -> None:
    """Empty labels, numbers that are no address, and scopes are no host."""
    assert not is_host(host)
