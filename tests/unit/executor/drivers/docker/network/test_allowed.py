"""Entries of ``network.allow``."""

from ipaddress import IPv4Address

import pytest

from executor.drivers.docker.network.allowed import Allowed, parse_allowed


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("10.0.0.5:5432", Allowed(address=IPv4Address("10.0.0.5"), port=5432), id="port"),
        pytest.param("192.168.1.9", Allowed(address=IPv4Address("192.168.1.9")), id="every-port"),
        pytest.param("8.8.8.8:53", Allowed(address=IPv4Address("8.8.8.8"), port=53), id="public"),
        pytest.param("10.0.0.5:65535", Allowed(address=IPv4Address("10.0.0.5"), port=65535), id="last-port"),
    ],
)
def test_an_entry_is_an_address_and_perhaps_a_port(text: str, expected: Allowed) -> None:
    assert parse_allowed(text) == expected
    assert str(expected) == text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("db:5432", "names are not looked up: write 10.0.0.5:5432", id="name"),
        pytest.param("10.0.0.0/8", "does not begin with an IPv4 address", id="network"),
        pytest.param("[fd00::1]:80", "does not begin with an IPv4 address", id="ipv6"),
        pytest.param("10.0.0.5:", '"" is no port', id="no-port"),
        pytest.param("10.0.0.5:0", '"0" is no port', id="port-0"),
        pytest.param("10.0.0.5:65536", '"65536" is no port', id="port-too-large"),
        pytest.param("10.0.0.5:\u0665", "is no port", id="digits-of-another-script"),
        pytest.param("10.0.0.5:80 -j ACCEPT", "is no port", id="more-words"),
        pytest.param("127.0.0.1:80", "own loopback", id="loopback"),
        pytest.param("0.0.0.0:80", "is no address of a service", id="unspecified"),
        pytest.param("224.0.0.1", "is no address of a service", id="multicast"),
        pytest.param("255.255.255.255", "is no address of a service", id="broadcast"),
    ],
)
def test_what_is_none_is_refused_with_what_to_write(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=r".+") as refused:
        parse_allowed(text)
    assert said in str(refused.value)


@pytest.mark.parametrize("text", ["169.254.169.254", "169.254.169.254:80", "169.254.0.1:1"])
def test_link_local_addresses_are_never_open(text: str) -> None:
    """C4: not even where the file says so: clouds hand out the machine's credentials there."""
    with pytest.raises(ValueError, match="never open"):
        parse_allowed(text)
    assert parse_allowed(text.replace("169.254", "169.253"))
