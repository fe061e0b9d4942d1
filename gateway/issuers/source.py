"""One fetch of an issuer's keys, from its name to a key set: discovery, then the document that it points at.

Knows no time and keeps nothing; who calls it how often is `schedule`'s business.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal, Protocol

from gateway.authorizers.jwt.spec import IssuerSpec
from gateway.issuers.discovery import DiscoveryError, discovery_url, jwks_uri
from kit.fetch import FetchError
from kit.jwt.keys import KeySet, KeySetError
from kit.outbound_url import OutboundUrl

MAX_DOCUMENT_BYTES = 256 * 1024  # J16. API Gateway takes 150,000 bytes of keys
# J16: 5 s for both together. API Gateway gives each 1.5 s, too little for an issuer that has just started.
DOCUMENT_TIMEOUT_S = 2.5

Stage = Literal["discovery", "keys"]


class Fetch(Protocol):
    """What `kit.fetch.Fetcher` does."""

    async def fetch(
        self,
        url: str,
        *,
        limit_bytes: int,
        timeout_s: float,
        configured_hosts: Collection[str] = (),
        allow_http: bool = False,
    ) -> bytes: ...


class IssuerFault(Exception):
    """The issuer did not give usable keys. :param stage: which of the two documents it was."""

    def __init__(self, stage: Stage, message: str) -> None:
        super().__init__(message)
        self.stage: Stage = stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What an issuer published. :param document: the key set as it came, to be kept."""

    jwks_uri: str
    document: bytes
    keys: KeySet

    @classmethod
    def read(cls, uri: str, document: bytes, algorithms: Collection[str]) -> "Published":
        """:raises KeySetError: no key set, or one without a single key that can be used."""
        keys = KeySet.load(document, algorithms)
        if not keys:
            why = f": {keys.dropped[0].kid}: {keys.dropped[0].reason}" if keys.dropped else ""
            raise KeySetError(f"the key set holds no key that can be used{why}")
        return cls(jwks_uri=uri, document=document, keys=keys)


class KeySource:
    """The two documents of one issuer, each under the rules of J16 and S2."""

    def __init__(self, spec: IssuerSpec, fetcher: Fetch) -> None:
        self._spec = spec
        self._fetcher = fetcher
        self._url = discovery_url(spec.issuer)
        self._hosts = _hosts(spec.issuer)

    async def fetch(self) -> Published:
        """:raises IssuerFault: whatever went wrong."""
        try:
            uri = jwks_uri(await self._get(self._url), self._spec.issuer)
        except (FetchError, DiscoveryError) as exc:
            raise IssuerFault("discovery", str(exc)) from exc
        try:
            return Published.read(uri, await self._get(uri), self._spec.algorithms)
        except (FetchError, KeySetError) as exc:
            raise IssuerFault("keys", str(exc)) from exc

    async def _get(self, url: str) -> bytes:
        return await self._fetcher.fetch(
            url,
            limit_bytes=MAX_DOCUMENT_BYTES,
            timeout_s=DOCUMENT_TIMEOUT_S,
            configured_hosts=self._hosts,
            allow_http=self._spec.allow_http,
        )


def _hosts(issuer: str) -> frozenset[str]:
    """The one host that the operator wrote. None of an issuer that is no URL: its fetch says what is wrong."""
    try:
        return frozenset({OutboundUrl.parse(issuer).host})
    except ValueError:
        return frozenset()
