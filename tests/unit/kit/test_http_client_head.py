"""What a caller may put into a request, and what never leaves."""

import pytest

from kit.http_client_head import request_head, upgrade_head


def head(method: str = "GET", target: str = "/", *headers: tuple[str, str], length: int | None = 0) -> bytes:
    return request_head(method, target, host="h", headers=headers, length=length)


def test_length_is_said_where_a_body_is_expected() -> None:
    assert head() == b"GET / HTTP/1.1\r\nhost: h\r\n\r\n"
    assert head("POST").endswith(b"\r\ncontent-length: 0\r\n\r\n")
    assert head("DELETE", length=3).endswith(b"\r\ncontent-length: 3\r\n\r\n")
    assert head("POST", length=None).endswith(b"\r\ntransfer-encoding: chunked\r\n\r\n")


def test_upgrade_names_its_protocol() -> None:
    made = upgrade_head("POST", "/a", host="h", headers=[("x", "y")], length=0)
    assert b"connection: Upgrade\r\nupgrade: tcp\r\ncontent-length: 0\r\n\r\n" in made


@pytest.mark.parametrize(
    ("refused", "taken"),
    [
        pytest.param(("GE T", "/"), ("GET", "/"), id="method"),
        pytest.param(("GET", "/a b"), ("GET", "/a%20b"), id="space"),
        pytest.param(("GET", "/\r\nx: y"), ("GET", "/%0d%0ax:y"), id="line-break"),
        pytest.param(("GET", "/é"), ("GET", "/%c3%a9"), id="not-ascii"),
        pytest.param(("GET", "http://h/"), ("GET", "/http://h/"), id="absolute"),
        pytest.param(("GET", ""), ("OPTIONS", "*"), id="empty"),
        pytest.param(("GET", "/", ("x y", "1")), ("GET", "/", ("x-y", "1")), id="field-name"),
        pytest.param(
            ("GET", "/", ("x", "a\r\nb: c")), ("GET", "/", ("x", "a b: c")), id="line-break-in-a-value"
        ),
        pytest.param(("GET", "/", ("x", "a\0")), ("GET", "/", ("x", "a\t")), id="nul"),
        pytest.param(("GET", "/", ("x", "€")), ("GET", "/", ("x", "é")), id="beyond-latin-1"),
        *[
            pytest.param(("GET", "/", (name, "1")), ("GET", "/", (f"x-{name}", "1")), id=name)
            for name in ("Host", "content-length", "Transfer-Encoding", "connection", "upgrade", "expect")
        ],
    ],
)
def test_words_that_would_not_stay_in_their_place_are_refused(refused: tuple, taken: tuple) -> None:  # type: ignore[type-arg]
    with pytest.raises(ValueError, match=r"is no|characters"):
        head(*refused)
    assert head(*taken).count(b"\r\n\r\n") == 1
