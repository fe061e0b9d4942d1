"""Who a request comes from: the peer, unless the peer is a proxy of ours, and then what that one hop says."""

from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.integrations.function import FunctionTarget
from kit.forwarded import MAX_HOPS, Origin, ProxyTrust, parse_element, parse_hop, peer_of
from tests.support.gateway_harness import build

PROXY = "10.0.0.9"
TRUST = ProxyTrust([ip_network("10.0.0.0/8"), ip_network("2001:db8:1::/48"), ip_network("127.0.0.1/32")])


def origin(*fields: tuple[str, str], peer: str = PROXY, scheme: str = "http", port: int = 8080) -> Origin:
    raw = [(name.encode(), value.encode("latin-1")) for name, value in fields]
    return TRUST.origin(raw, peer=peer, scheme=scheme, port=port)


def source(*fields: tuple[str, str]) -> str:
    return origin(*fields).source_ip


FORGED = [
    ("x-forwarded-for", "198.51.100.66"),
    ("x-forwarded-proto", "https"),
    ("x-forwarded-port", "443"),
    ("forwarded", "for=198.51.100.66;proto=https"),
    ("x-real-ip", "198.51.100.66"),
    ("x-forwarded-host", "evil.example"),
    ("host", "api.example.com"),
]


async def event_of(peer: str, fields: list[tuple[str, str]]) -> tuple[dict[str, Any], dict[str, Any]]:
    harness = build()
    harness.gateway.trust = TRUST
    await harness.request("GET", "/", headers=fields, peer=peer)
    return harness.invoker.event, dict(harness.records[0])


async def test_stranger_cannot_say_where_it_comes_from() -> None:
    """H9: an untrusted peer's X-Forwarded-*, Forwarded and X-Real-IP are rewritten from the connection."""
    event, record = await event_of("192.0.2.7", FORGED)
    assert event["requestContext"]["http"]["sourceIp"] == record["ip"] == "192.0.2.7"
    assert {name: value for name, value in event["headers"].items() if "forwarded" in name} == {
        "x-forwarded-for": "192.0.2.7",
        "x-forwarded-proto": "https",
        "x-forwarded-port": "443",
    }
    assert "x-real-ip" not in event["headers"]


async def test_trusted_proxy_says_where_a_request_comes_from() -> None:
    """H9, twin: the same fields from a peer in trusted_proxies are believed, and the peer is appended."""
    event, record = await event_of(PROXY, FORGED)
    assert event["requestContext"]["http"]["sourceIp"] == record["ip"] == "198.51.100.66"
    assert event["headers"]["x-forwarded-for"] == f"198.51.100.66, {PROXY}"
    assert "x-real-ip" not in event["headers"]
    assert "forwarded" not in event["headers"]


async def test_forwarded_host_builds_nothing() -> None:
    """H10, A13: even a trusted proxy's X-Forwarded-Host is dropped; the Host that arrived is the host."""
    event, record = await event_of(PROXY, FORGED)
    assert "evil.example" not in repr(event)
    assert event["requestContext"]["domainName"] == record["domainName"] == "api.example.com"


async def test_no_proxy_is_trusted_unless_told() -> None:
    """H9: the default trusts nobody, loopback and unix sockets included."""
    harness = build()
    await harness.request("GET", "/", headers=FORGED, peer="127.0.0.1")
    assert harness.records[0]["ip"] == "127.0.0.1"


def test_unix_peer_counts_as_this_machine() -> None:
    assert TRUST.trusts(peer_of(None))
    assert not ProxyTrust([ip_network("10.0.0.0/8")]).trusts(peer_of(None))


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        pytest.param("198.51.100.1", "198.51.100.1", id="one-hop"),
        pytest.param("203.0.113.5, 198.51.100.1", "198.51.100.1", id="what-the-client-wrote-is-left-of-it"),
        pytest.param("198.51.100.1, 10.1.1.1, 10.2.2.2", "198.51.100.1", id="over-own-proxies"),
        pytest.param("198.51.100.1,10.1.1.1", "198.51.100.1", id="without-blanks"),
        pytest.param("198.51.100.1, 203.0.113.5, 10.1.1.1", "203.0.113.5", id="right-most-stranger"),
        pytest.param("10.3.3.3, 10.1.1.1", "10.3.3.3", id="all-ours-the-first-one"),
        pytest.param("198.51.100.1:4711", "198.51.100.1", id="port"),
        pytest.param("2001:db8:2::1", "2001:db8:2::1", id="ipv6"),
        pytest.param("[2001:db8:2::1]", "2001:db8:2::1", id="ipv6-brackets"),
        pytest.param("[2001:db8:2::1]:4711", "2001:db8:2::1", id="ipv6-brackets-port"),
        pytest.param("2001:DB8:2:0:0::1", "2001:db8:2::1", id="ipv6-in-one-form"),
        pytest.param("198.51.100.1, 2001:db8:1::7", "198.51.100.1", id="over-an-own-ipv6-proxy"),
        pytest.param("198.51.100.1, ::ffff:10.1.1.1", "198.51.100.1", id="over-an-ipv4-mapped-proxy"),
        pytest.param("::ffff:198.51.100.1", "198.51.100.1", id="ipv4-mapped"),
        pytest.param("198.51.100.1, unknown", PROXY, id="unknown-stops"),
        pytest.param("198.51.100.1, 10.1.1.1x, 10.2.2.2", "10.2.2.2", id="malformed-stops-at-the-last-good"),
        pytest.param("198.51.100.1, ", PROXY, id="empty-entry-stops"),
        pytest.param("", PROXY, id="empty-field"),
        pytest.param("198.51.100.1:x", PROXY, id="bad-port"),
        pytest.param("198.51.100.01", PROXY, id="octal"),
        pytest.param("3325256705", PROXY, id="decimal"),
        pytest.param("[198.51.100.1]", PROXY, id="ipv4-in-brackets"),
        pytest.param("fe80::1%eth0", PROXY, id="zone"),
        pytest.param("198.51.100.1 10.1.1.1", PROXY, id="blank-for-comma"),
        pytest.param("1" * 9000, PROXY, id="long"),
    ],
)
def test_source_is_the_right_most_hop_that_is_not_ours(entries: str, expected: str) -> None:
    """H9"""
    assert source(("x-forwarded-for", entries)) == expected


def test_lists_of_several_fields_are_one_list() -> None:
    assert source(("x-forwarded-for", "203.0.113.5"), ("x-forwarded-for", "198.51.100.1")) == "198.51.100.1"


def test_walk_is_bounded() -> None:
    chain = ", ".join(["198.51.100.1"] + ["10.1.1.1"] * MAX_HOPS)
    assert source(("x-forwarded-for", chain)) == "10.1.1.1"
    assert source(("x-forwarded-for", chain.replace("10.1.1.1, ", "", 1))) == "198.51.100.1"


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        pytest.param("for=198.51.100.1", "198.51.100.1", id="plain"),
        pytest.param('For="198.51.100.1:4711";proto=http;by=10.1.1.1', "198.51.100.1", id="quoted-port"),
        pytest.param('for="[2001:db8:2::1]:80"', "2001:db8:2::1", id="ipv6"),
        pytest.param("for=198.51.100.1, for=10.1.1.1;proto=https", "198.51.100.1", id="over-own-proxies"),
        pytest.param("for=203.0.113.5, for=198.51.100.1", "198.51.100.1", id="right-most-stranger"),
        pytest.param('for="203.0.113.5, for=198.51.100.1', "198.51.100.1", id="open-quote-of-a-client"),
        pytest.param("for=_hidden", PROXY, id="obfuscated"),
        pytest.param("for=unknown", PROXY, id="unknown"),
        pytest.param("proto=https", PROXY, id="no-for"),
        pytest.param("for=198.51.100.1;for=203.0.113.5", PROXY, id="two-fors"),
        pytest.param("198.51.100.1", PROXY, id="no-pair"),
        pytest.param("for = 198.51.100.1", PROXY, id="blanks-around-equals"),
    ],
)
def test_forwarded_is_read_where_there_is_no_list(elements: str, expected: str) -> None:
    """H9, RFC 7239 section 4."""
    assert source(("forwarded", elements)) == expected


def test_forwarded_is_not_read_beside_a_list() -> None:
    """H9: a proxy that keeps X-Forwarded-For passes a client's Forwarded on as it is."""
    assert source(("forwarded", "for=203.0.113.5"), ("x-forwarded-for", "198.51.100.1")) == "198.51.100.1"
    assert source(("forwarded", "for=203.0.113.5"), ("x-forwarded-for", "")) == PROXY


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param([], ("http", 8080), id="nothing-said"),
        pytest.param([("x-forwarded-proto", "https")], ("https", 443), id="https"),
        pytest.param([("x-forwarded-proto", "HTTPS")], ("https", 443), id="case"),
        pytest.param([("x-forwarded-proto", "http")], ("http", 80), id="http"),
        pytest.param([("x-forwarded-proto", "https, http")], ("http", 80), id="last-value"),
        pytest.param(
            [("x-forwarded-proto", "http"), ("x-forwarded-proto", "https")], ("https", 443), id="last-field"
        ),
        pytest.param([("x-forwarded-proto", "ftp")], ("http", 8080), id="other-scheme"),
        pytest.param([("x-forwarded-proto", "https,")], ("http", 8080), id="empty-last"),
        pytest.param([("x-forwarded-port", "8443")], ("http", 8443), id="port"),
        pytest.param(
            [("x-forwarded-proto", "https"), ("x-forwarded-port", "8443")], ("https", 8443), id="both"
        ),
        pytest.param([("x-forwarded-port", "80, 8443")], ("http", 8443), id="last-port"),
        pytest.param([("x-forwarded-port", "0")], ("http", 8080), id="port-zero"),
        pytest.param([("x-forwarded-port", "65536")], ("http", 8080), id="port-too-high"),
        pytest.param([("x-forwarded-port", "²")], ("http", 8080), id="port-no-digit"),
        pytest.param([("forwarded", "for=198.51.100.1;proto=https")], ("https", 443), id="forwarded"),
        pytest.param(
            [("forwarded", "proto=https"), ("x-forwarded-for", "198.51.100.1")],
            ("http", 8080),
            id="forwarded-beside-a-list",
        ),
    ],
)
def test_scheme_and_port_are_the_clients(fields: list[tuple[str, str]], expected: tuple[str, int]) -> None:
    found = origin(*fields)
    assert (found.scheme, found.port) == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param([], PROXY, id="nothing-came"),
        pytest.param([("x-forwarded-for", "198.51.100.1")], f"198.51.100.1, {PROXY}", id="one"),
        pytest.param([("x-forwarded-for", "junk, 198.51.100.1")], f"junk, 198.51.100.1, {PROXY}", id="kept"),
        pytest.param([("forwarded", "for=198.51.100.1")], f"198.51.100.1, {PROXY}", id="forwarded"),
    ],
)
def test_list_of_the_event_is_what_came_and_the_peer(fields: list[tuple[str, str]], expected: str) -> None:
    assert origin(*fields).forwarded_for == expected


@given(st.text(max_size=200))
def test_whatever_is_written_the_source_is_an_address(text: str) -> None:
    raw = [
        (b"x-forwarded-for", text.encode("utf-8", "replace")),
        (b"x-forwarded-port", text.encode("utf-8", "replace")),
    ]
    found = TRUST.origin(raw, peer=PROXY, scheme="http", port=80)
    assert parse_hop(found.source_ip) == found.source_ip
    parse_element(text)


async def test_events_of_both_formats_carry_the_list() -> None:
    harness = build({"$default": FunctionTarget(function="echo", payload_version="1.0")})
    harness.gateway.trust = TRUST
    await harness.request(
        "GET", "/", headers=[("host", "a"), ("x-forwarded-for", "198.51.100.1")], peer=PROXY
    )
    event = harness.invoker.event
    assert event["multiValueHeaders"]["x-forwarded-for"] == [f"198.51.100.1, {PROXY}"]
    assert event["requestContext"]["identity"]["sourceIp"] == "198.51.100.1"
