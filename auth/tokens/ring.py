"""The keys of one pool at one moment, prepared for use and frozen: who signs, and what is published."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson

from auth.store.ports import KeyUse, StoredKey
from auth.tokens.signing_key import ALGORITHM, Signer
from kit.jwt.keys import KeySet

USES: tuple[KeyUse, ...] = ("id", "access")
_ORDER = {"current": 0, "next": 1, "retired": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ring:
    """:param version: of the stored keys that it was made of.

    :param signers: of the current keys. :param keys: by use; a key of one use verifies nothing of the other (J13).
    :param document: the JWK set with all of them, the same object for as long as nothing changes.
    :param until: the first of its retired keys dies then; None: there are none.
    """

    pool_id: str
    version: int
    signers: Mapping[KeyUse, Signer]
    keys: Mapping[KeyUse, KeySet]
    document: bytes
    until: datetime | None

    @classmethod
    def of(
        cls,
        pool_id: str,
        version: int,
        stored: Sequence[StoredKey],
        now: datetime,
        *,
        before: "Ring | None" = None,
    ) -> "Ring":
        """:param before: whose signers are used again: judging the numbers of a private key takes 50 ms.

        :raises ValueError: a private key cannot be read.
        """
        alive = [key for key in stored if key.expires_at is None or now < key.expires_at]  # J17
        alive.sort(key=lambda key: (_ORDER[key.state], key.use, key.published_at))
        ends = [key.expires_at for key in alive if key.expires_at is not None]
        return cls(
            pool_id=pool_id,
            version=version,
            signers={key.use: _signer(key, before) for key in alive if key.state == "current"},
            keys={use: KeySet.load(_document(alive, use), (ALGORITHM,)) for use in USES},
            document=_document(alive, None),
            until=min(ends, default=None),
        )

    def __repr__(self) -> str:
        kids = " ".join(f"{use}={keys.kids!r}" for use, keys in self.keys.items())
        return f"<Ring {self.pool_id} {kids}>"


def _signer(key: StoredKey, before: Ring | None) -> Signer:
    known = None if before is None else before.signers.get(key.use)
    return known if known is not None and known.kid == key.kid else Signer(key.kid, key.private_pem)


def _document(stored: Sequence[StoredKey], use: KeyUse | None) -> bytes:
    return orjson.dumps({"keys": [dict(key.public_jwk) for key in stored if use in (None, key.use)]})
