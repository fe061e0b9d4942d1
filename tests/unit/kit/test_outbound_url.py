import pytest

from kit.outbound_url import OutboundUrl


@pytest.mark.parametrize(
    ("text", "authority", "target"),
    [
        ("https://id.example.com", "id.example.com", "/"),
        ("https://ID.Example.com:443/a", "id.example.com", "/a"),
        ("https://id.example.com:8443/a/?b=c%20d", "id.example.com:8443", "/a/?b=c%20d"),
        ("http://localhost:80", "localhost", "/"),
        ("http://[::1]:8081/x", "[::1]:8081", "/x"),
        ("https://keycloak_1:8443/", "keycloak_1:8443", "/"),
        ("https://2130706433/", "2130706433", "/"),  # an address in disguise: judged when it is resolved
    ],
)
def test_a_plain_url_is_read(text: str, authority: str, target: str) -> None:
    url = OutboundUrl.parse(text)
    assert (url.authority, url.target) == (authority, target)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("id.example.com", "must begin with https://"),
        ("//id.example.com", "must begin with https://"),
        ("ftp://id.example.com", "must begin with https://"),
        ("file:///etc/passwd", "must begin with https://"),
        ("https:///keys", "no valid host"),
        ("https://", "no valid host"),
        ("https://user:secret@id.example.com", "user name or password"),
        ("https://@id.example.com", "user name or password"),
        ("https://id.example.com/#a", "fragment"),
        ("https://id.example.com/#", "fragment"),
        ("https://id.example.com:0/", "no valid host"),
        ("https://id.example.com:65536/", "malformed"),
        ("https://id.example.com:x/", "malformed"),
        ("https://[::1/", "malformed"),
        ("https://[fe80::1%25eth0]/", "no valid host"),
        ("https://-a.example.com/", "no valid host"),
        ("https://a.example.com%2f.b/", "no valid host"),
        ("https://id.example.com\\@evil.example.com/", "must be encoded"),
        ("https://id.example.com/a b", "must be encoded"),
        ("https://id.example.com/a\r\nx: y", "must be encoded"),
        ("https://id.example.com/\x00", "must be encoded"),
        ("https://idé.example.com/", "must be encoded"),
        ("https://id.example.com/" + "a" * 2048, "longer than"),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as caught:
        OutboundUrl.parse(text)
    assert "secret" not in str(caught.value)


def test_its_text_has_no_query() -> None:
    assert str(OutboundUrl.parse("https://id.example.com/keys?token=abc")) == "https://id.example.com/keys"


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("127.0.0.2", True),
        ("[::1]", True),
        ("10.0.0.1", False),
        ("localhost.evil.com", False),
    ],
)
def test_loopback_is_how_the_host_is_written(host: str, loopback: bool) -> None:
    assert OutboundUrl.parse(f"http://{host}/").is_loopback is loopback
