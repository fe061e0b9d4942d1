"""Which Host and Origin values may reach a listener of local clients."""

import pytest

from kit.host_guard import HostGuard

LOCAL = HostGuard(["admin.example"])
ANY_ADDRESS = HostGuard(["Lambda.Example", "[fd00::1]"], any_address=True)


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:8083", "127.0.0.1", "127.0.0.1:8083", "[::1]", "[::1]:8083", "admin.example:1"],
)
def test_loopback_and_configured_names_pass(host: str) -> None:
    assert LOCAL.refusal([(b"host", host.encode())]) is None


@pytest.mark.parametrize(
    "host", ["10.0.0.5", "10.0.0.5:8082", "[fd00::1]:8082", "lambda.example", "[2001:db8::2]"]
)
def test_address_literals_pass_where_every_address_is_accepted(host: str) -> None:
    assert ANY_ADDRESS.refusal([(b"host", host.encode())]) is None


@pytest.mark.parametrize(
    "host",
    [
        "", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "localhost.", "localhost:",
        "localhost:x", "localhost:80:80", "127.1", "0x7f.0.0.1", "2130706433", "::1", "[::1", "[::1]x",
        "[localhost", "user@localhost", "localhost:\u0662", "\xe9",
    ],
)  # fmt: skip
@pytest.mark.parametrize("guard", [LOCAL, ANY_ADDRESS], ids=["names", "addresses"])
def test_other_and_malformed_hosts_are_refused(guard: HostGuard, host: str) -> None:
    assert "Host" in (guard.refusal([(b"host", host.encode())]) or "")


def test_address_is_refused_where_only_names_are_accepted() -> None:
    assert LOCAL.refusal([(b"host", b"10.0.0.5")]) is not None


def test_missing_and_repeated_host_are_refused() -> None:
    assert LOCAL.refusal([]) is not None
    assert LOCAL.refusal([(b"host", b"localhost"), (b"host", b"localhost")]) is not None


@pytest.mark.parametrize("origin", [b"http://localhost:8083", b"null", b"https://evil.example", b""])
def test_any_origin_is_refused(origin: bytes) -> None:
    assert "Origin" in (LOCAL.refusal([(b"host", b"localhost"), (b"origin", origin)]) or "")
