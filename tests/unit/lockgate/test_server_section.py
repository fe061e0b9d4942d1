"""``server:`` as the rest of the program reads it: networks, not texts; URLs in one form."""

from ipaddress import ip_network
from pathlib import Path

import pytest

from lockgate.config.grammar.server import Server
from lockgate.config.loader import load_bytes


def server_of(text: str) -> Server:
    loaded = load_bytes(f"version: 1\nserver: {{{text}}}\n".encode(), Path("/nowhere/routes.yaml"), {})
    assert loaded.problems == ()
    assert loaded.file is not None
    return loaded.file.server


def codes_of(text: str) -> list[str]:
    loaded = load_bytes(f"version: 1\nserver: {{{text}}}\n".encode(), Path("/nowhere/routes.yaml"), {})
    return [problem.code for problem in loaded.problems]


def test_nobody_is_trusted_unless_the_file_says_so() -> None:
    """H9: without trusted_proxies no peer's X-Forwarded-* is believed."""
    assert server_of("").trusted_networks == ()


def test_trusted_proxies_are_networks() -> None:
    server = server_of('trusted_proxies: [127.0.0.1, 172.16.0.0/12, "::1", "fd00::/8"]')
    assert server.trusted_networks == tuple(
        ip_network(text) for text in ("127.0.0.1/32", "172.16.0.0/12", "::1/128", "fd00::/8")
    )


@pytest.mark.parametrize(
    ("refused", "twin"),
    [
        ("0.0.0.0/0", "10.0.0.0/8"),
        ('"::/0"', '"fd00::/8"'),
        ('"::ffff:0.0.0.0/96"', "127.0.0.0/8"),
        ('0.0.0.0/1, "128.0.0.0/1"', "0.0.0.0/1"),
        ('"::/1", "8000::/1"', '"::/1", "c000::/2"'),
    ],
)
def test_the_whole_internet_cannot_be_trusted(refused: str, twin: str) -> None:
    """H9: never everybody, however it is written."""
    assert codes_of(f"trusted_proxies: [{refused}]") == ["trusts-everybody"]
    assert codes_of(f"trusted_proxies: [{twin}]") == []


def test_the_one_entry_that_is_everybody_is_pointed_at() -> None:
    """H9: said at the entry, not at the whole list."""
    text = b'version: 1\nserver: {trusted_proxies: [10.0.0.1, "::/0"]}\n'
    (problem,) = load_bytes(text, Path("/nowhere/routes.yaml"), {}).problems
    assert (problem.code, problem.key_path) == ("trusts-everybody", ("server", "trusted_proxies", 1))


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("https://API.example.com", "https://api.example.com"),
        ("https://api.example.com:443", "https://api.example.com"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("https://[2001:DB8::1]:8443", "https://[2001:db8::1]:8443"),
    ],
)
def test_the_public_address_has_one_form(written: str, read: str) -> None:
    assert server_of(f'gateway_url: "{written}"').gateway_url == read


def test_the_public_address_is_one_that_is_answered() -> None:
    """H10: a host that is not among the domains gets 403, so a URL with it would never work."""
    assert codes_of("gateway_url: https://api.example.com, domains: [other.example]") == [
        "url-outside-domains"
    ]
    assert codes_of("gateway_url: https://api.example.com:444, domains: [API.example.com]") == []
    assert codes_of("gateway_url: https://api.example.com") == []


def test_no_claim_is_logged_unless_the_file_says_so() -> None:
    assert server_of("").access_log.claims == ()
    assert server_of("access_log: {claims: [sub, custom:tenant]}").access_log.claims == (
        "sub",
        "custom:tenant",
    )
