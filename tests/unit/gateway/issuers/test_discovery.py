import json

import pytest

from gateway.issuers.discovery import DiscoveryError, discovery_url, jwks_uri
from tests.support.issuer import discovery

ISSUER = "https://id.example.com/pool"


@pytest.mark.parametrize(
    ("issuer", "url"),
    [
        ("https://id.example.com", "https://id.example.com/.well-known/openid-configuration"),
        ("https://id.example.com/", "https://id.example.com/.well-known/openid-configuration"),
        ("https://id.example.com/pool", "https://id.example.com/pool/.well-known/openid-configuration"),
        ("https://id.example.com/pool/", "https://id.example.com/pool/.well-known/openid-configuration"),
    ],
)
def test_the_document_is_below_the_issuer(issuer: str, url: str) -> None:
    assert discovery_url(issuer) == url


@pytest.mark.parametrize("issuer", [ISSUER, "https://id.example.com/", "http://127.0.0.1:9000"])
def test_the_documents_keys_are_read(issuer: str) -> None:
    assert jwks_uri(discovery(issuer, "https://keys.example.com/k"), issuer) == "https://keys.example.com/k"


@pytest.mark.parametrize(
    "said",
    [
        "https://id.example.com/pool/",
        "https://id.example.com/Pool",
        "https://ID.example.com/pool",
        "https://id.example.com:443/pool",
        "http://id.example.com/pool",
        "https://evil.example.com/pool",
        "https://id.example.com/pool2",
        ["https://id.example.com/pool"],
        None,
        "",
    ],
)
def test_the_document_of_another_issuer_is_refused(said: object) -> None:
    """J16: equal as text. The twin is the test above."""
    document = json.dumps({"issuer": said, "jwks_uri": "https://id.example.com/k"}).encode()
    with pytest.raises(DiscoveryError, match="the discovery document is of the issuer"):
        jwks_uri(document, ISSUER)


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (b"", "cannot be read"),
        (b"<!doctype html><title>Sign in</title>", "cannot be read"),
        (b"[]", "cannot be read"),
        (b'{"issuer": "https://id.example.com/pool"', "cannot be read"),
        (b'{"issuer": "https://evil.example.com", "issuer": "https://id.example.com/pool"}', "two members"),
        (b'{"jwks_uri": "https://id.example.com/k"}', "that it does not name"),
        (b'{"issuer": "https://id.example.com/pool"}', "no jwks_uri"),
        (
            b'{"issuer": "https://id.example.com/pool", "jwks_uri": ["https://id.example.com/k"]}',
            "no jwks_uri",
        ),
    ],
)
def test_what_is_no_discovery_document_is_refused(document: bytes, reason: str) -> None:
    with pytest.raises(DiscoveryError, match=reason):
        jwks_uri(document, ISSUER)


def test_a_long_wrong_issuer_is_cut() -> None:
    with pytest.raises(DiscoveryError) as caught:
        jwks_uri(json.dumps({"issuer": "x" * 10_000}).encode(), ISSUER)
    assert len(str(caught.value)) < 500
