"""Which addresses may be registered, and which not: RFC 9700 section 2.1, RFC 8252 section 7 (A1)."""

import pytest

from auth.core.redirects import fault_of

GOOD = (
    "https://app.example/",
    "https://app.example:8443/callback?from=login",
    "https://app.example",
    "http://localhost:8080/",
    "http://127.0.0.1/",
    "http://[::1]:9000/cb",
    "http://app.localhost/",
    "com.example.app:/callback",
    "myapp://callback",
)
# What is refused differs in one thing from what is accepted above.
BAD = {
    "http": ("http://app.example/", "write https://app.example/"),
    "wildcard": ("https://*.app.example/", "name them all"),
    "fragment": ("https://app.example/#a", "write https://app.example/"),
    "relative": ("/callback", "begin it with https://"),
    "bare": ("app.example/cb", "write https://app.example/cb"),
    "bare-localhost": ("localhost:8080/", "write https://localhost:8080/"),
    "user": ("https://me@app.example/", "remove what stands before the @"),
    "no-host": ("https:///callback", "write https://HOST/PATH"),
    "port": ("https://app.example:99999/", "write https://HOST/PATH"),
    "dots": ("https://app.example/a/../b", "write the path that is meant"),
    "blank": ("https://app.example/a b", "percent-encode them"),
    "backslash": ("https://app.example\\@evil.example/", "percent-encode them"),
    "script": ("javascript:alert(1)", "write https://…"),
    "data": ("data:text/html,a", "write https://…"),
    "scheme-alone": ("myapp:", "write myapp://callback"),
    "not-loopback": ("http://127.0.0.1.example/", "write https://127.0.0.1.example/"),
}


@pytest.mark.parametrize("uri", GOOD)
def test_good_one_may_be_registered(uri: str) -> None:
    assert fault_of(uri) is None


@pytest.mark.parametrize(("uri", "instead"), BAD.values(), ids=BAD)
def test_bad_one_is_told_what_to_write(uri: str, instead: str) -> None:
    fault = fault_of(uri)
    assert fault is not None
    assert fault[1] == instead


@pytest.mark.parametrize("uri", ["", "https://app.example/" + "a" * 2048], ids=["empty", "long"])
def test_length_is_bounded(uri: str) -> None:
    assert fault_of(uri) is not None
