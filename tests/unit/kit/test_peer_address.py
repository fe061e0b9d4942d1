"""S2: which addresses may be connected to, whatever their spelling."""

import socket

import pytest

from kit.peer_address import is_loopback, is_own, refusal

PUBLIC = ["8.8.8.8", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8", "2002:808:808::1"]
INNER = [
    "127.0.0.1",
    "127.9.9.9",
    "::1",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",  # carriers' own
    "100.100.100.200",  # a metadata service among them
    "0.1.2.3",
    "198.18.0.1",
    "fd00::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::a00:1",  # 10.0.0.1 through NAT64
    "64:ff9b:1::808:808",  # a network's own translator
    "2002:7f00:1::1",  # 127.0.0.1 through 6to4
]
NEVER = [
    "169.254.169.254",
    "169.254.1.1",
    "fe80::1",
    "fe80::1%eth0",
    "fd00:ec2::254",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
    "0.0.0.0",
    "::",
    "224.0.0.1",
    "ff02::1",
    "::ffff:224.0.0.1",
    "255.255.255.255",
    "240.0.0.1",
    "fec0::1",
    "::127.0.0.1",
    "4000::1",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_may_be_called_by_anybody(address: str) -> None:
    assert refusal(address, is_configured=False) is None


@pytest.mark.parametrize("address", INNER)
def test_an_inner_address_may_be_called_only_where_its_host_is_configured(address: str) -> None:
    """S2: loopback and private addresses only for the host that the operator wrote."""
    assert refusal(address, is_configured=False) == "a loopback or private address"
    assert refusal(address, is_configured=True) is None


@pytest.mark.parametrize("address", NEVER)
def test_link_local_and_unreal_addresses_are_never_called(address: str) -> None:
    """S2: no configuration opens the metadata service of a cloud machine."""
    assert refusal(address, is_configured=False)
    assert refusal(address, is_configured=True)


def test_what_is_no_address_is_an_error() -> None:
    with pytest.raises(ValueError, match="does not appear"):
        refusal("0x7f.1", is_configured=True)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.2", "::1", "::ffff:127.0.0.1"])
def test_loopback_is_known_in_any_form(address: str) -> None:
    assert is_loopback(address)
    assert is_own(address)


def test_an_address_of_this_machine_is_its_own() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("this machine has no address but loopback")
        address = probe.getsockname()[0]
    assert is_own(address)
    assert not is_loopback(address)


def test_the_address_of_another_machine_is_not_its_own() -> None:
    assert not is_own("192.0.2.1")
    assert not is_own("2001:db8::1")
