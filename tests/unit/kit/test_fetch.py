"""J16, S2, S3: one document from a server that is not trusted. Each refusal has a twin that is let through."""

import asyncio
import gzip
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import nullcontext
from pathlib import Path

import pytest

from kit.fetch import MAX_ADDRESSES, Fetcher, FetchError
from tests.support import issuer as behaviour
from tests.support.certificates import self_signed
from tests.support.issuer import IssuerServer, answer, issuer_server

LOOPBACK = frozenset({"127.0.0.1"})
NAME = "issuer.example.com"
SHORT_S = 0.3  # of a fetch that must run into its deadline
LONG_S = 10.0  # of one that must not


@pytest.fixture
async def server() -> AsyncIterator[IssuerServer]:
    async with issuer_server() as running:
        running.answers["/"] = answer(b"{}")
        yield running


async def fetch(
    url: str,
    *,
    fetcher: Fetcher | None = None,
    limit_bytes: int = 1000,
    timeout_s: float = LONG_S,
    configured_hosts: frozenset[str] = LOOPBACK,
    allow_http: bool = False,
) -> bytes:
    return await (fetcher or Fetcher()).fetch(
        url,
        limit_bytes=limit_bytes,
        timeout_s=timeout_s,
        configured_hosts=configured_hosts,
        allow_http=allow_http,
    )


async def refused(code: str, fetching: Awaitable[bytes]) -> str:
    """:returns: the sentence."""
    with pytest.raises(FetchError) as caught:
        await fetching
    assert caught.value.code == code, caught.value
    return str(caught.value)


def names(*addresses: str) -> Callable[[str, int], Awaitable[list[str]]]:
    """A resolver that knows one answer. Fails at a second question: what was judged is what is connected to."""
    asked = []

    async def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        assert len(asked) == 1, "resolved twice"
        return list(addresses)

    return resolve


async def test_a_good_answer_is_its_body(server: IssuerServer) -> None:
    assert await fetch(server.url) == b"{}"
    [(path, headers)] = server.requests
    assert path == "/"
    assert headers["host"] == f"127.0.0.1:{server.port}"
    assert headers["accept-encoding"] == "identity"
    assert "authorization" not in headers


async def test_the_query_is_sent_and_not_shown(server: IssuerServer) -> None:
    assert "abc" not in await refused("status_wrong", fetch(f"{server.url}/keys?token=abc"))
    assert server.paths == ["/keys?token=abc"]


# Transport


@pytest.mark.parametrize("url", ["http://[::1", "keys.json", "https://a:b@127.0.0.1/", "file:///etc/passwd"])
async def test_what_is_no_plain_url_is_not_called(url: str) -> None:
    await refused("url_refused", fetch(url))


async def test_plain_http_beyond_loopback_is_refused(server: IssuerServer) -> None:
    """J16: https only. The twin: allow_http, for the same name at the same address."""
    url = f"http://{NAME}:{server.port}/"
    hosts = frozenset({NAME})
    fetcher = Fetcher(resolve=names("127.0.0.1"))
    await refused("scheme_refused", fetch(url, fetcher=fetcher, configured_hosts=hosts))
    assert server.requests == []
    assert await fetch(url, fetcher=fetcher, configured_hosts=hosts, allow_http=True) == b"{}"


async def test_plain_http_to_a_localhost_elsewhere_is_refused(server: IssuerServer) -> None:
    """J16: "localhost" is what the resolver makes of it. The twin: the resolver says loopback."""
    url = f"http://localhost:{server.port}/"
    hosts = frozenset({"localhost"})
    far = Fetcher(resolve=names("10.0.0.1"))
    assert "plain http" in await refused("address_refused", fetch(url, fetcher=far, configured_hosts=hosts))
    near = Fetcher(resolve=names("127.0.0.1"))
    assert await fetch(url, fetcher=near, configured_hosts=hosts) == b"{}"


async def test_a_server_with_an_unknown_certificate_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """J16: who the server is must be proved. The twin: SSL_CERT_FILE names its certificate."""
    tls, trusted = self_signed(tmp_path, "127.0.0.1")
    async with issuer_server(tls) as server:
        server.answers["/"] = answer(b"{}")
        monkeypatch.delenv("SSL_CERT_FILE", raising=False)
        assert "self-signed" in await refused("tls_failed", fetch(server.url))
        assert server.requests == []
        monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
        assert await fetch(server.url) == b"{}"


@pytest.mark.parametrize(("name", "code"), [(NAME, None), ("other.example.com", "tls_failed")])
async def test_the_certificate_must_be_of_the_name_and_not_of_the_address(
    name: str, code: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S2: the connection goes to the judged address, TLS and Host still speak of the name."""
    tls, trusted = self_signed(tmp_path, NAME)
    asked: list[str] = []
    tls.sni_callback = lambda _sock, sni, _context: asked.append(sni)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    async with issuer_server(tls) as server:
        server.answers["/"] = answer(b"{}")
        fetching = fetch(
            f"https://{name}:{server.port}/",
            fetcher=Fetcher(resolve=names("127.0.0.1")),
            configured_hosts=frozenset({name}),
        )
        if code is None:
            assert await fetching == b"{}"
            assert server.requests[0][1]["host"] == f"{NAME}:{server.port}"
        else:
            await refused(code, fetching)
            assert server.requests == []
    assert asked == [name]


async def test_old_tls_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 9325: 1.2 at least. The twin: the same server with 1.2."""
    tls, trusted = self_signed(tmp_path, "127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    for version, code in ((ssl.TLSVersion.TLSv1_2, None), (ssl.TLSVersion.TLSv1_1, "tls_failed")):
        with pytest.warns(DeprecationWarning, match="TLSv1_1") if code else nullcontext():
            tls.minimum_version = tls.maximum_version = version
        async with issuer_server(tls) as server:
            server.answers["/"] = answer(b"{}")
            if code is None:
                assert await fetch(server.url) == b"{}"
            else:
                await refused(code, fetch(server.url))


# Addresses


@pytest.mark.parametrize("address", ["127.0.0.1", "::ffff:127.0.0.1"])
async def test_an_inner_address_is_refused_unless_its_host_is_configured(
    address: str, server: IssuerServer
) -> None:
    """S2: a name that resolves to the inside. The twin: the same name, written in the configuration."""
    url = f"http://{NAME}:{server.port}/"
    sentence = await refused(
        "address_refused",
        fetch(url, fetcher=Fetcher(resolve=names(address)), configured_hosts=LOOPBACK, allow_http=True),
    )
    assert address in sentence
    assert server.requests == []
    twin = Fetcher(resolve=names(address))
    assert await fetch(url, fetcher=twin, configured_hosts=frozenset({NAME}), allow_http=True) == b"{}"


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "0177.0.0.1", "127.1"])
async def test_an_address_in_disguise_is_judged_as_what_it_is(host: str, server: IssuerServer) -> None:
    """S2: decimal, hexadecimal and octal forms of 127.0.0.1 are not the 127.0.0.1 that was configured."""
    url = f"http://{host}:{server.port}/"
    await refused("address_refused", fetch(url, allow_http=True))
    assert server.requests == []
    assert await fetch(url, configured_hosts=frozenset({host}), allow_http=True) == b"{}"


@pytest.mark.parametrize("address", ["169.254.169.254", "fe80::1", "::ffff:169.254.169.254", "fd00:ec2::254"])
async def test_link_local_is_refused_even_when_configured(address: str) -> None:
    """S2: link-local always."""
    fetcher = Fetcher(resolve=names(address))
    await refused(
        "address_refused", fetch(f"https://{NAME}/", fetcher=fetcher, configured_hosts=frozenset({NAME}))
    )


async def test_our_own_inner_listeners_are_refused_even_when_configured(server: IssuerServer) -> None:
    """S2: our own admin and executor ports always. The twin: another port of ours."""
    ports: set[int] = set()
    fetcher = Fetcher(forbidden_ports=ports)
    assert await fetch(server.url, fetcher=fetcher) == b"{}"
    ports.add(server.port)
    assert "our own listeners" in await refused("address_refused", fetch(server.url, fetcher=fetcher))
    assert len(server.requests) == 1


async def test_a_port_of_ours_on_another_machine_is_not_ours() -> None:
    """The twin of the one above: 192.0.2.1 is nobody's, so what ends the call is its deadline or no route."""
    fetcher = Fetcher(forbidden_ports={8083}, resolve=names("192.0.2.1"))
    with pytest.raises(FetchError) as caught:
        await fetch(
            f"http://{NAME}:8083/",
            fetcher=fetcher,
            configured_hosts=frozenset({NAME}),
            allow_http=True,
            timeout_s=SHORT_S,
        )
    assert caught.value.code in ("timed_out", "connect_failed")


async def test_refused_addresses_among_others_are_left_out(server: IssuerServer) -> None:
    fetcher = Fetcher(resolve=names("fe80::1", "127.0.0.1"))
    hosts = frozenset({NAME})
    url = f"http://{NAME}:{server.port}/"
    assert await fetch(url, fetcher=fetcher, configured_hosts=hosts, allow_http=True) == b"{}"


async def test_the_next_address_is_tried_where_nobody_listens(server: IssuerServer) -> None:
    fetcher = Fetcher(resolve=names("127.0.0.2", "127.0.0.1"))
    hosts = frozenset({NAME})
    url = f"http://{NAME}:{server.port}/"
    assert await fetch(url, fetcher=fetcher, configured_hosts=hosts, allow_http=True) == b"{}"


async def test_no_more_addresses_are_tried_than_there_is_time_for(server: IssuerServer) -> None:
    silent = [f"127.0.0.{number}" for number in range(2, 2 + MAX_ADDRESSES)]
    fetcher = Fetcher(resolve=names(*silent, "127.0.0.1"))
    hosts = frozenset({NAME})
    url = f"http://{NAME}:{server.port}/"
    await refused("connect_failed", fetch(url, fetcher=fetcher, configured_hosts=hosts, allow_http=True))


async def test_a_name_without_an_address_says_so() -> None:
    async def resolve(host: str, port: int) -> list[str]:
        raise OSError("no such name")

    assert NAME in await refused(
        "name_unresolved", fetch(f"https://{NAME}/", fetcher=Fetcher(resolve=resolve))
    )


async def test_proxies_of_the_environment_take_no_part(
    server: IssuerServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S3: httpoxy."""
    async with issuer_server() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        assert await fetch(server.url) == b"{}"
        assert proxy.requests == []


# Answers


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(status: int, server: IssuerServer) -> None:
    """J16: not to a place with secrets, not even to where the answer is."""
    server.answers["/moved"] = answer(b"", status=status, location="/")
    assert "redirect" in await refused("redirected", fetch(f"{server.url}/moved"))
    assert server.paths == ["/moved"]


@pytest.mark.parametrize("status", [201, 204, 206, 400, 401, 404, 500, 503])
async def test_only_200_is_an_answer(status: int, server: IssuerServer) -> None:
    server.answers["/"] = answer(b"{}" if status != 204 else b"", status=status)
    assert str(status) in await refused("status_wrong", fetch(server.url))


async def test_a_body_over_the_limit_is_refused(server: IssuerServer) -> None:
    """J16. The twin: one byte less."""
    server.answers["/"] = answer(b"x" * 1001)
    await refused("too_large", fetch(server.url))
    server.answers["/"] = answer(b"x" * 1000)
    assert len(await fetch(server.url)) == 1000


async def test_a_body_over_the_limit_is_refused_while_it_comes(server: IssuerServer) -> None:
    """J16: 300 MB that were not announced; the limit is counted, the rest never read."""
    server.answers["/"] = behaviour.flood
    await refused("too_large", fetch(server.url, limit_bytes=256 * 1024))


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "GZIP"])
async def test_a_compressed_answer_is_refused(encoding: str, server: IssuerServer) -> None:
    """J16: a bomb of 300 MB is 300 kB on the way. The twin: the same bytes that do not say so."""
    bomb = gzip.compress(b" " * 1_000_000)
    server.answers["/"] = answer(bomb, content_encoding=encoding)
    await refused("encoding_refused", fetch(server.url, limit_bytes=10_000))
    server.answers["/"] = answer(bomb, content_encoding="identity")
    assert await fetch(server.url, limit_bytes=10_000) == bomb


@pytest.mark.parametrize("silence", [behaviour.hang, behaviour.hang_after_head, behaviour.drip])
async def test_the_deadline_is_for_everything_together(
    silence: behaviour.Answer, server: IssuerServer
) -> None:
    """J16: 5 s in all, also when no single read takes long."""
    server.answers["/"] = silence
    await refused("timed_out", fetch(server.url, timeout_s=SHORT_S))


async def test_the_deadline_holds_for_names_too() -> None:
    async def resolve(host: str, port: int) -> list[str]:
        await asyncio.Event().wait()
        raise AssertionError

    await refused("timed_out", fetch(f"https://{NAME}/", fetcher=Fetcher(resolve=resolve), timeout_s=SHORT_S))


async def test_a_server_that_never_shakes_hands_is_left(server: IssuerServer) -> None:
    """A TLS client against a server that waits for HTTP: the handshake has the same deadline."""
    url = server.url.replace("http://", "https://")
    with pytest.raises(FetchError) as caught:
        await fetch(url, timeout_s=SHORT_S)
    assert caught.value.code in ("timed_out", "tls_failed")


async def test_a_broken_connection_says_so(server: IssuerServer) -> None:
    server.answers["/"] = behaviour.reset
    await refused("protocol_broken", fetch(server.url))


async def test_what_is_not_http_says_so(server: IssuerServer) -> None:
    async def shout(writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH\r\n\r\n")

    server.answers["/"] = shout
    await refused("protocol_broken", fetch(server.url))


async def test_nobody_listening_says_so(server: IssuerServer) -> None:
    assert "refused" in (await refused("connect_failed", fetch("http://127.0.0.1:1/"))).lower()


async def test_a_cancelled_fetch_leaves_nothing_behind(server: IssuerServer) -> None:
    reached = asyncio.Event()
    left = asyncio.Event()

    async def hold(writer: asyncio.StreamWriter) -> None:
        reached.set()
        try:
            while True:
                writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                await writer.drain()
                await asyncio.sleep(0.01)
        except OSError:
            left.set()
            raise

    server.answers["/"] = hold
    task = asyncio.create_task(fetch(server.url))
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(left.wait(), LONG_S)


def test_httpx_is_loaded_on_first_use() -> None:
    code = "import sys, kit.fetch; sys.exit('httpx' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
