"""Keys on disk: what was saved comes back, and nothing else is believed."""

import json
import os
import stat
from pathlib import Path

import pytest

from gateway.authorizers.jwt.spec import IssuerSpec
from gateway.issuers.key_cache import KeyCache, KeyCacheError
from gateway.issuers.source import MAX_DOCUMENT_BYTES, Published
from kit.jwt.algorithms import ES_FAMILY
from kit.jwt.keys import KeySet
from tests.support.issuer import jwk, jwks
from tests.support.issuer_world import ISSUER, SPEC

URI = "https://keys.example.com/k"


def published(document: bytes | None = None, uri: str = URI) -> Published:
    document = jwks("a") if document is None else document
    return Published(jwks_uri=uri, document=document, keys=KeySet.load(document, SPEC.algorithms))


@pytest.fixture
def cache(tmp_path: Path) -> KeyCache:
    return KeyCache(tmp_path / "issuers")


def test_what_was_saved_comes_back(cache: KeyCache) -> None:
    cache.save(ISSUER, published(), 1234.5)
    cached = cache.load(SPEC)
    assert cached is not None
    assert cached.published == published()
    assert cached.fetched_at == 1234.5


def test_nothing_saved_is_nothing(cache: KeyCache) -> None:
    assert cache.load(SPEC) is None


def test_the_newest_save_wins_and_leaves_nothing_beside_it(cache: KeyCache) -> None:
    cache.save(ISSUER, published(), 1.0)
    cache.save(ISSUER, published(jwks("b")), 2.0)
    cached = cache.load(SPEC)
    assert cached is not None
    assert cached.published.keys.kids == ("b",)
    assert list(cache.path(ISSUER).parent.iterdir()) == [cache.path(ISSUER)]


def test_nobody_else_may_read_it(cache: KeyCache) -> None:
    cache.save(ISSUER, published(), 1.0)
    assert stat.S_IMODE(cache.path(ISSUER).stat().st_mode) == 0o600
    assert stat.S_IMODE(cache.path(ISSUER).parent.stat().st_mode) == 0o700


def test_issuers_have_files_of_their_own_whatever_they_are_called(cache: KeyCache) -> None:
    for issuer in (ISSUER, ISSUER + "/", "https://x/../../../etc/passwd"):
        cache.save(issuer, published(), 1.0)
    folder = cache.path(ISSUER).parent
    assert len(list(folder.iterdir())) == 3
    assert all(path.parent == folder for path in map(cache.path, (ISSUER, "../../x")))


def test_a_document_of_the_largest_size_comes_back(cache: KeyCache) -> None:
    largest = b'{"keys": [' + json.dumps(jwk("a")).encode() + b'], "x": ""}'
    largest += b"\n" * (MAX_DOCUMENT_BYTES - len(largest))
    cache.save(ISSUER, published(largest), 1.0)
    assert cache.load(SPEC) is not None


def test_a_save_that_fails_leaves_the_old_keys_and_no_litter(
    cache: KeyCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R7: a full disk."""
    cache.save(ISSUER, published(), 1.0)

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        cache.save(ISSUER, published(jwks("b")), 2.0)
    cached = cache.load(SPEC)
    assert cached is not None
    assert cached.published.keys.kids == ("a",)
    assert len(list(cache.path(ISSUER).parent.iterdir())) == 1


def _record(**changes: object) -> bytes:
    good = {"issuer": ISSUER, "jwks_uri": URI, "fetched_at": 1.0, "document": jwks("a").decode()}
    return json.dumps({**good, **changes}).encode()


def _write(cache: KeyCache, data: bytes) -> None:
    path = cache.path(ISSUER)
    path.parent.mkdir()
    path.write_bytes(data)


def test_the_record_of_the_tests_below_is_good(cache: KeyCache) -> None:
    _write(cache, _record())
    assert cache.load(SPEC) is not None


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        pytest.param(b"", "not JSON", id="empty"),
        pytest.param(_record()[:-40], "not JSON", id="cut"),
        pytest.param(b"\xff" * 100, "not UTF-8", id="noise"),
        pytest.param(b" " * 3_000_000, "too large", id="large"),
        pytest.param(
            _record(issuer="https://other.example.com"), "no keys of this issuer", id="other-issuer"
        ),
        pytest.param(_record(document=None), "no keys of this issuer", id="no-document"),
        pytest.param(_record(jwks_uri=7), "no keys of this issuer", id="no-uri"),
        pytest.param(_record(fetched_at="now"), "when the keys were fetched", id="no-time"),
        pytest.param(_record(fetched_at=True), "when the keys were fetched", id="bool-time"),
        pytest.param(_record(document="{}"), "no list called keys", id="no-keys"),
        pytest.param(_record(document='{"keys": []}'), "no key that can be used", id="empty-keys"),
        pytest.param(_record(jwks_uri="http://keys.example.com/k"), "plain http", id="http"),
    ],
)
def test_a_file_that_is_not_as_it_was_saved_is_refused(data: bytes, reason: str, cache: KeyCache) -> None:
    _write(cache, data)
    with pytest.raises(KeyCacheError, match=reason):
        cache.load(SPEC)


def test_keys_that_came_over_http_need_allow_http_today(cache: KeyCache) -> None:
    """J16: taking allow_http out of the file also takes out what was fetched under it."""
    _write(cache, _record(jwks_uri="http://keys.example.com/k"))
    assert cache.load(IssuerSpec(issuer=ISSUER, allow_http=True)) is not None


def test_keys_are_judged_under_todays_algorithms(cache: KeyCache) -> None:
    """J1: a file of RSA keys is nothing to an issuer that now has ES256."""
    _write(cache, _record())
    with pytest.raises(KeyCacheError, match="no key that can be used"):
        cache.load(IssuerSpec(issuer=ISSUER, algorithms=ES_FAMILY))


def test_a_file_that_cannot_be_read_is_refused(cache: KeyCache) -> None:
    cache.path(ISSUER).mkdir(parents=True)
    with pytest.raises(KeyCacheError, match="cannot be read"):
        cache.load(SPEC)
