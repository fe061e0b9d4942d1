"""Whose address it is: exact text, and the one exception for programs on the user's own machine."""

from dataclasses import replace

import pytest

from auth.oauth.redirect_uri import is_logout_registered, is_registered
from tests.support.oauth_clients import PUBLIC

OWN = ("http://app.example/cb", "http://localhost/cb", "http://127.0.0.1/cb", "http://[::1]/cb")
NATIVE = replace(PUBLIC, redirect_uris=OWN, logout_uris=("http://127.0.0.1/bye",))


@pytest.mark.parametrize("host", ["app.example", "localhost"])
def test_a_port_is_free_at_a_loopback_literal_only(host: str) -> None:
    """A1: whoever owns a name, or a port of it, is not always who owns the machine. Twin: the literals."""
    assert not is_registered(NATIVE, f"http://{host}:8080/cb")
    assert is_registered(NATIVE, f"http://{host}/cb")
    assert is_registered(NATIVE, "http://127.0.0.1:8080/cb")
    assert is_registered(NATIVE, "http://[::1]:8080/cb")


def test_a_log_out_has_no_exception() -> None:
    """A25: exact text, at any host. Twin: the address that is registered."""
    assert not is_logout_registered(NATIVE, "http://127.0.0.1:8080/bye")
    assert not is_logout_registered(NATIVE, "http://127.0.0.1/cb")
    assert is_logout_registered(NATIVE, "http://127.0.0.1/bye")
