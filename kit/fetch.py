"""One small document from somebody else's server: the only module that knows httpx.

For the control plane (discovery, keys): rare, short, suspicious of everything that comes back. Nothing of the
environment but the system's certificates takes part (S3); no redirect is followed, nothing is inflated, and the
connection goes to exactly the address that was judged (S2). httpx and the certificates are loaded on first use.
"""

import asyncio
import os
import socket
import ssl
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Literal

from kit import peer_address
from kit.outbound_url import OutboundUrl

if TYPE_CHECKING:
    import httpx

MAX_ADDRESSES = 4  # of a name that has many, the first ones: each gets its share of the time

FetchCode = Literal[
    "url_refused",
    "scheme_refused",
    "name_unresolved",
    "address_refused",
    "connect_failed",
    "tls_failed",
    "timed_out",
    "redirected",
    "status_wrong",
    "encoding_refused",
    "too_large",
    "protocol_broken",
]
Resolve = Callable[[str, int], Awaitable[list[str]]]


class FetchError(Exception):
    """:param message: a sentence for logs: names the URL without its query, nothing of what was answered."""

    def __init__(self, code: FetchCode, message: str) -> None:
        super().__init__(message)
        self.code: FetchCode = code


async def resolve(host: str, port: int) -> list[str]:
    """All addresses of a name, in the system's order. :raises OSError: it has none."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


class Fetcher:
    """Fetches documents; holds no connection between two calls.

    A connection is never reused: what TLS has proved for one name would count for another name of that address.

    :param forbidden_ports: of our own listeners that nobody's answer may lead to; asked at each call.
    :param resolve: name → addresses.
    """

    def __init__(self, *, forbidden_ports: Collection[int] = (), resolve: Resolve = resolve) -> None:
        self._forbidden_ports = forbidden_ports
        self._resolve = resolve
        self._tls: ssl.SSLContext | None = None

    async def fetch(
        self,
        url: str,
        *,
        limit_bytes: int,
        timeout_s: float,
        configured_hosts: Collection[str] = (),
        allow_http: bool = False,
    ) -> bytes:
        """Give the body of a 200 answer.

        :param timeout_s: for everything together, name resolution included.
        :param configured_hosts: hosts that the operator wrote; these alone may have private addresses.
        :param allow_http: plain http also beyond loopback.
        :raises FetchError: anything else.
        """
        try:
            parsed = OutboundUrl.parse(url)
        except ValueError as exc:
            raise FetchError("url_refused", f"This is no URL that is called: {exc}.") from exc
        if parsed.scheme != "https" and not (allow_http or parsed.is_loopback):
            raise FetchError(
                "scheme_refused", f"{parsed} is not https: whoever is on the way could answer instead."
            )
        tls = await self._load()
        try:
            async with asyncio.timeout(timeout_s):
                addresses = await self._permitted(parsed, configured_hosts, allow_http=allow_http)
                return await _get_from_any(parsed, addresses, limit_bytes, tls=tls, timeout_s=timeout_s)
        except TimeoutError as exc:
            raise FetchError("timed_out", f"{parsed} had not answered whole after {timeout_s:g} s.") from exc

    async def _permitted(
        self, url: OutboundUrl, configured_hosts: Collection[str], *, allow_http: bool
    ) -> list[str]:
        try:
            addresses = await self._resolve(url.host, url.port)
        except OSError as exc:
            raise FetchError("name_unresolved", f"The name {url.host} of {url} has no address.") from exc
        refusals = {
            address: self._refusal(
                url, address, is_configured=url.host in configured_hosts, allow_http=allow_http
            )
            for address in addresses
        }
        permitted = [address for address in addresses if refusals[address] is None]
        if not permitted:
            why = "; ".join(f"{address} is {reason}" for address, reason in refusals.items())
            raise FetchError("address_refused", f"{url} may not be called at its address: {why}.")
        return permitted[:MAX_ADDRESSES]

    def _refusal(
        self, url: OutboundUrl, address: str, *, is_configured: bool, allow_http: bool
    ) -> str | None:
        reason = peer_address.refusal(address, is_configured=is_configured)  # S2
        if reason is not None:
            return reason
        if url.port in self._forbidden_ports and peer_address.is_own(address):
            return "one of our own listeners that are not for this"
        if url.scheme == "http" and not (allow_http or peer_address.is_loopback(address)):
            return "not this machine's, and plain http goes no further"
        return None

    async def _load(self) -> ssl.SSLContext:
        """Import httpx and read the system's certificates (or SSL_CERT_FILE's) off the loop: 100 ms, once."""
        if self._tls is None:
            self._tls = await asyncio.to_thread(_import_and_read)
        return self._tls


def _import_and_read() -> ssl.SSLContext:
    import httpx  # noqa: F401  # in a thread, so that the loop finds it loaded

    return ssl.create_default_context()


async def _get_from_any(
    url: OutboundUrl, addresses: list[str], limit_bytes: int, *, tls: ssl.SSLContext, timeout_s: float
) -> bytes:
    """Try the addresses one after the other; the first that accepts a connection answers for all."""
    import httpx

    times = httpx.Timeout(timeout_s, connect=timeout_s / len(addresses))
    for address in addresses:
        try:
            return await _get(url, address, limit_bytes, tls=tls, times=times)
        except (httpx.ConnectError, httpx.ConnectTimeout) as exc:
            if address == addresses[-1] or _is_tls(exc):
                raise _translated(url, exc) from exc
        except httpx.HTTPError as exc:
            raise _translated(url, exc) from exc
    raise AssertionError("there is at least one address")


async def _get(
    url: OutboundUrl, address: str, limit_bytes: int, *, tls: ssl.SSLContext, times: "httpx.Timeout"
) -> bytes:
    import httpx

    async with (
        AsyncExitStack() as opened,
        httpx.AsyncClient(verify=tls, trust_env=False, follow_redirects=False, timeout=times) as client,
        client.stream(
            "GET",
            httpx.URL(scheme=url.scheme, host=address, port=url.port, raw_path=url.target.encode("ascii")),
            headers={
                "host": url.authority,
                "accept": "application/json",
                "accept-encoding": "identity",
                "connection": "close",
                "user-agent": "lockgate",
            },
            extensions={
                "sni_hostname": url.host,  # the name that TLS proves; the URL holds the address
                "trace": _closing(opened),
            },
        ) as response,
    ):
        _check_head(url, response)
        body = bytearray()
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > limit_bytes:  # J16
                raise FetchError("too_large", f"{url} answered with more than {limit_bytes} bytes.")
        return bytes(body)


def _closing(opened: AsyncExitStack) -> Callable[[str, Mapping[str, Any]], Awaitable[None]]:
    """Close what gets connected, come what may: httpcore forgets the socket of a handshake that is cancelled."""

    async def trace(event: str, info: Mapping[str, Any]) -> None:
        if event == "connection.connect_tcp.complete":
            opened.push_async_callback(info["return_value"].aclose)

    return trace


def _check_head(url: OutboundUrl, response: "httpx.Response") -> None:
    status = response.status_code
    if 300 <= status < 400:
        raise FetchError("redirected", f"{url} answered with a redirect ({status}); none is followed.")
    if status != 200:
        raise FetchError("status_wrong", f"{url} answered with status {status} instead of 200.")
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise FetchError("encoding_refused", f"{url} answered compressed, though it was asked not to.")


def _translated(url: OutboundUrl, error: "httpx.HTTPError") -> FetchError:
    import httpx

    if _is_tls(error):
        return FetchError("tls_failed", f"{url} could not prove who it is: {_reason(error)}.")
    if isinstance(error, httpx.TimeoutException):
        return FetchError("timed_out", f"{url} did not answer in time.")
    if isinstance(error, httpx.ConnectError):
        return FetchError("connect_failed", f"No connection to {url}: {_reason(error)}.")
    return FetchError("protocol_broken", f"{url} broke off or did not speak HTTP.")


def _is_tls(error: BaseException) -> bool:
    return any(isinstance(cause, ssl.SSLError) for cause in _causes(error))


def _reason(error: BaseException) -> str:
    """The system's own words, which name the certificate's fault or the refused connection."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return cause.verify_message
        if isinstance(cause, OSError) and cause.errno:
            return os.strerror(cause.errno)
    return type(error).__name__


def _causes(error: BaseException | None) -> list[BaseException]:
    chain: list[BaseException] = []
    while error is not None and error not in chain:
        chain.append(error)
        error = error.__cause__ or error.__context__
    return chain
