"""J16: from an issuer's name to its keys, against issuers that misbehave."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from gateway.authorizers.jwt.spec import IssuerSpec
from gateway.issuers import source
from gateway.issuers.source import IssuerFault, KeySource
from kit.fetch import Fetcher
from tests.support import issuer as behaviour
from tests.support.certificates import self_signed
from tests.support.issuer import DISCOVERY, KEYS, IssuerServer, answer, discovery, issuer_server, jwk, jwks
from tests.support.issuer_world import ISSUER, SPEC, FakeIssuer

SHORT_S = 0.3
FETCHER = Fetcher()  # reading the system's certificates takes a while


@pytest.fixture
async def server() -> AsyncIterator[IssuerServer]:
    async with issuer_server() as running:
        running.publish("a")
        await source_of(running).fetch()  # what is loaded on first use is no part of a deadline
        running.requests.clear()
        yield running


def source_of(server: IssuerServer, *, fetcher: Fetcher | None = None) -> KeySource:
    return KeySource(IssuerSpec(issuer=server.url), fetcher or FETCHER)


async def faulty(stage: str, reason: str, keys: KeySource) -> None:
    with pytest.raises(IssuerFault, match=reason) as caught:
        await keys.fetch()
    assert caught.value.stage == stage


async def test_a_good_issuer_gives_its_keys(server: IssuerServer) -> None:
    """The twin of all that follows."""
    published = await source_of(server).fetch()
    assert published.keys.kids == ("a",)
    assert published.jwks_uri == server.url + KEYS
    assert published.document == jwks("a")
    assert server.paths == [DISCOVERY, KEYS]


async def test_both_documents_are_asked_for_under_the_same_rules() -> None:
    """J16: 256 KiB each, 5 s together, and only the configured issuer's host may be an inner one."""
    fake = FakeIssuer("a")
    await KeySource(SPEC, fake).fetch()
    (first_url, first), (_, second) = fake.asked
    assert first_url == ISSUER + DISCOVERY
    assert first == second
    assert first["limit_bytes"] == 256 * 1024
    assert source.DOCUMENT_TIMEOUT_S * 2 <= 5
    assert first["configured_hosts"] == {"issuer.example.com"}
    assert first["allow_http"] is False


async def test_allow_http_is_passed_on() -> None:
    fake = FakeIssuer("a")
    await KeySource(IssuerSpec(issuer=ISSUER, allow_http=True), fake).fetch()
    assert [rules["allow_http"] for _, rules in fake.asked] == [True, True]


async def test_an_issuer_that_is_no_url_is_a_fault() -> None:
    await faulty("discovery", "no URL", KeySource(IssuerSpec(issuer="not a url"), Fetcher()))


SILENCE = [behaviour.hang, behaviour.hang_after_head, behaviour.drip]


@pytest.mark.parametrize("path", [DISCOVERY, KEYS])
@pytest.mark.parametrize("silence", SILENCE)
async def test_silence_ends_at_the_deadline(
    silence: behaviour.Answer, path: str, server: IssuerServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "DOCUMENT_TIMEOUT_S", SHORT_S)
    server.answers[path] = silence
    await faulty("discovery" if path == DISCOVERY else "keys", "had not answered whole", source_of(server))


BAD_ANSWERS = [
    pytest.param(answer(b"", status=500), "status 500", id="500"),
    pytest.param(answer(b"", status=404), "status 404", id="404"),
    pytest.param(answer(b"<!doctype html><title>Sign in</title>"), "cannot be read", id="html"),
    pytest.param(answer(b""), "cannot be read", id="empty"),
    pytest.param(behaviour.flood, "more than 262144 bytes", id="300-MB"),
    pytest.param(behaviour.reset, "broke off", id="reset"),
    pytest.param(
        answer(gzip.compress(b" " * 3_000_000), content_encoding="gzip"), "compressed", id="gzip-bomb"
    ),
    pytest.param(answer(b"[" * 100_000), "cannot be read", id="deep"),
    pytest.param(answer(b"\xff{}"), "cannot be read", id="not-utf-8"),
]


@pytest.mark.parametrize("path", [DISCOVERY, KEYS])
@pytest.mark.parametrize(("given", "reason"), BAD_ANSWERS)
async def test_a_bad_answer_is_a_fault(
    given: behaviour.Answer, reason: str, path: str, server: IssuerServer
) -> None:
    server.answers[path] = given
    await faulty("discovery" if path == DISCOVERY else "keys", reason, source_of(server))


@pytest.mark.parametrize("path", [DISCOVERY, KEYS])
async def test_a_redirect_is_not_followed(path: str, server: IssuerServer) -> None:
    """J16: neither to the issuer itself nor to a place with secrets."""
    async with issuer_server() as secret:
        secret.publish("a")
        for location in (f"{server.url}/good", secret.url + path):
            server.answers["/good"] = answer(jwks("a"))
            server.answers[path] = answer(b"", status=302, location=location)
            await faulty("discovery" if path == DISCOVERY else "keys", "redirect", source_of(server))
        assert secret.requests == []
    assert "/good" not in server.paths


async def test_discovery_of_another_issuer_is_refused(server: IssuerServer) -> None:
    """J16: whoever serves the document could name any keys; they are not even asked for."""
    server.answers[DISCOVERY] = answer(discovery("https://other.example.com", server.url + KEYS))
    await faulty("discovery", "is of the issuer", source_of(server))
    assert server.paths == [DISCOVERY]


async def test_discovery_with_another_slash_is_refused(server: IssuerServer) -> None:
    """J16, J10: exactly. The twin: configured with the slash."""
    server.answers[DISCOVERY] = answer(discovery(server.url + "/"))
    await faulty("discovery", "is of the issuer", source_of(server))
    published = await KeySource(IssuerSpec(issuer=server.url + "/"), Fetcher()).fetch()
    assert published.keys.kids == ("a",)


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("http://keys.example.com/k", "is not https"),
        ("file:///etc/passwd", "no URL"),
        ("/keys.json", "no URL"),
        ("https://user:pass@keys.example.com/", "no URL"),
        ("https://169.254.169.254/latest/meta-data", "link-local"),
        ("https://[::ffff:169.254.169.254]/", "link-local"),
        ("https://10.0.0.1/", "private address"),
        ("https://[::1]/", "private address"),
        ("https://2130706433/", "private address"),
    ],
)
async def test_keys_are_not_fetched_from_where_the_issuer_may_not_send_us(
    uri: str, reason: str, server: IssuerServer
) -> None:
    """J16, S2: jwks_uri is somebody else's word."""
    server.answers[DISCOVERY] = answer(discovery(server.url, uri))
    await faulty("keys", reason, source_of(server))


async def test_keys_on_another_host_of_this_machine_are_refused(server: IssuerServer) -> None:
    """S2: only the host that is written in the configuration may be an inner one. The twin: that host."""
    async with issuer_server() as other:
        other.publish("b")
        for host, fails in (("127.0.0.2", True), ("localhost", True), ("127.0.0.1", False)):
            uri = f"http://{host}:{other.port}{KEYS}"
            server.answers[DISCOVERY] = answer(discovery(server.url, uri))
            if fails:
                await faulty("keys", "private address", source_of(server))
                assert other.requests == []
            else:
                assert (await source_of(server).fetch()).keys.kids == ("b",)


async def test_keys_on_our_own_admin_listener_are_refused(server: IssuerServer) -> None:
    """S2: always, though the host is the configured one. The twin is the test above."""
    async with issuer_server() as admin:
        admin.publish("b")
        server.answers[DISCOVERY] = answer(discovery(server.url, admin.url + KEYS))
        keys = source_of(server, fetcher=Fetcher(forbidden_ports={admin.port}))
        await faulty("keys", "our own listeners", keys)
        assert admin.requests == []


async def test_an_issuer_with_an_unknown_certificate_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """J16. The twin: its certificate is in SSL_CERT_FILE."""
    tls, trusted = self_signed(tmp_path, "127.0.0.1")
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    async with issuer_server(tls) as server:
        server.publish("a")
        await faulty("discovery", "could not prove who it is", source_of(server, fetcher=Fetcher()))
        monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
        assert (await source_of(server, fetcher=Fetcher()).fetch()).keys.kids == ("a",)


def _unused(number: int) -> dict[str, object]:
    return {"kty": "EC", "kid": f"unused-{number}"}


@pytest.mark.parametrize(
    ("count", "reason"), [(100, None), (101, "101 keys"), (5000, "5000 keys")], ids=["100", "101", "5000"]
)
async def test_no_more_than_a_hundred_keys_are_taken(
    count: int, reason: str | None, server: IssuerServer
) -> None:
    """J16."""
    document = json.dumps({"keys": [jwk("a"), *map(_unused, range(count - 1))]}).encode()
    server.answers[KEYS] = answer(document)
    if reason is None:
        assert (await source_of(server).fetch()).keys.kids == ("a",)
    else:
        await faulty("keys", reason, source_of(server))


async def test_of_two_keys_with_one_kid_neither_is_taken(server: IssuerServer) -> None:
    twin = {**jwk("b"), "kid": "a"}
    server.answers[KEYS] = answer(json.dumps({"keys": [jwk("a"), twin, jwk("c")]}).encode())
    assert (await source_of(server).fetch()).keys.kids == ("c",)


NO_USABLE_KEYS: list[Callable[[], list[object]]] = [
    list,
    lambda: [_unused(0)],
    lambda: [jwk("a"), {**jwk("b"), "kid": "a"}],
    lambda: ["a", 1, None],
]


@pytest.mark.parametrize("entries", NO_USABLE_KEYS)
async def test_a_set_without_a_usable_key_is_a_fault(
    entries: Callable[[], list[object]], server: IssuerServer
) -> None:
    server.answers[KEYS] = answer(json.dumps({"keys": entries()}).encode())
    await faulty("keys", "no key that can be used", source_of(server))


async def test_cancelling_ends_the_fetch(server: IssuerServer) -> None:
    reached = asyncio.Event()

    async def hold(_writer: asyncio.StreamWriter) -> None:
        reached.set()
        await asyncio.Event().wait()

    server.answers[KEYS] = hold
    task = asyncio.create_task(source_of(server).fetch())
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
