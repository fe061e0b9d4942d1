"""The pools' signing keys."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

KeyUse = Literal["id", "access"]
KeyState = Literal["next", "current", "retired"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredKey:
    """:param private_pem: PKCS 8, sealed at rest. :param expires_at: of a retired one: gone from the key set then."""

    pool_id: str
    kid: str
    use: KeyUse
    state: KeyState
    public_jwk: Mapping[str, str]
    private_pem: bytes = field(repr=False)
    published_at: datetime
    activated_at: datetime | None = None
    retired_at: datetime | None = None
    expires_at: datetime | None = None


class KeyStore(Protocol):
    def keys(self, pool_id: str) -> tuple[StoredKey, ...]: ...

    def add(self, key: StoredKey) -> bool:
        """:returns: False: there is a key of that use and state already; somebody else won."""
        ...

    def rotate(
        self,
        pool_id: str,
        use: KeyUse,
        next_key: StoredKey,
        now: datetime,
        *,
        published_before: datetime,
        retire_until: datetime,
    ) -> bool:
        """current → retired, next → current (only if it was published before *published_before*), insert *next_key*."""
        ...

    def version(self, pool_id: str) -> int:
        """Grows with every change."""
        ...
