"""The signing keys of all pools in this process: made at first start, looked up without waiting, rotated while serving.

The store has them; here are frozen copies (`Ring`), replaced whole, so that any thread may look one up. What other
processes change is seen by `refresh`, which whoever signs or verifies calls: it asks the store once in `LOOK_S`.
"""

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

from auth.errors import ResourceNotFound, Unavailable
from auth.store.ports import KeyState, KeyStore, KeyUse, StoredKey
from auth.tokens.ring import USES, Ring
from auth.tokens.signing_key import Signer, make_key
from kit.jwt.keys import VerificationKey

LOOK_S = 1.0  # with the gateway's 4 s a change in another process is seen everywhere within 5 s
# A day, Cognito's longest access and ID token: so long a retired key is published (J17), and no token lives longer.
MAX_TOKEN_LIFE_S = 24 * 3600.0
CLOCKS_S = 60.0  # verifiers' clocks may be so much behind (J9)
# 15 min: as long as verifiers commonly keep a key set (J15), so that they know the next key when it begins to sign.
PUBLISHED_S = 900.0
_TICK = timedelta(milliseconds=1)  # the store's times; what was published just then counts


@dataclass(frozen=True, slots=True, kw_only=True)
class _Named:
    pool_id: str
    use: KeyUse
    key: VerificationKey


class KeyRing:
    """Reads never wait. `ensure`, `rotate` and `refresh` ask the store: run them on its lane.

    :raises Unavailable: (those three) the store does not answer, or has keys that cannot be read.
    """

    def __init__(self, store: KeyStore) -> None:
        self._store = store
        self._rings: dict[str, Ring] = {}
        self._by_kid: dict[str, _Named] = {}
        self._changing = threading.Lock()
        self._looked_at: datetime | None = None

    def ensure(self, pool_id: str, now: datetime) -> None:
        """Make what keys the pool lacks, and load all. Any number of processes may do so at once: one wins."""
        with self._changing:
            there = {(key.use, key.state) for key in self._store.keys(pool_id)}
            states: tuple[KeyState, ...] = ("current", "next")
            for use in USES:
                for state in states:
                    if (use, state) not in there:  # J17
                        self._store.add(_new_key(pool_id, use, state, now))
            self._load(pool_id, now)

    def signer(self, pool_id: str, use: KeyUse) -> Signer:
        """The key that signs now. :raises ResourceNotFound: no such pool is served here."""
        return self._ring(pool_id).signers[use]

    def jwks(self, pool_id: str) -> bytes:
        """The published key set; the same object until it changes.

        :raises ResourceNotFound: no such pool is served here.
        """
        return self._ring(pool_id).document

    def find(self, use: KeyUse, kid: str) -> tuple[str, VerificationKey] | None:
        """The pool and the public key that has this name and this use (J13)."""
        named = self._by_kid.get(kid)
        if named is None or named.use != use:  # J13: what signs ID tokens signs no access tokens
            return None
        return named.pool_id, named.key

    def rotate(self, pool_id: str, use: KeyUse, now: datetime, *, published_s: float = PUBLISHED_S) -> bool:
        """The next key signs from now on; the one before stays published until its last token has died.

        :param published_s: how long the next key must have been published; 0 where the old one must go at once.
        :returns: False: it was published too lately, or somebody else has just rotated.
        :raises ResourceNotFound: no such pool is served here.
        """
        self._ring(pool_id)
        rotated = self._store.rotate(
            pool_id,
            use,
            _new_key(pool_id, use, "next", now),
            now,
            published_before=now - timedelta(seconds=published_s) + _TICK,
            retire_until=now + timedelta(seconds=MAX_TOKEN_LIFE_S + CLOCKS_S),  # J17
        )
        with self._changing:
            self._load(pool_id, now)
        return rotated

    def refresh(self, now: datetime) -> None:
        """See what other processes have changed, and let retired keys go. One look in `LOOK_S`, whoever calls."""
        if not self._is_due(now) or not self._changing.acquire(blocking=False):
            return
        try:
            self._look(now)
        finally:
            self._changing.release()

    def look_for(self, use: KeyUse, kid: str, now: datetime) -> tuple[str, VerificationKey] | None:
        """What `find` did not have: another process may have published it a moment ago. Waits for a look under way."""
        with self._changing:
            if self.find(use, kid) is None and self._is_due(now):
                self._look(now)
        return self.find(use, kid)

    def forget(self, pool_id: str) -> None:
        """The pool was deleted: its tokens are nobody's from now on."""
        with self._changing:
            self._rings.pop(pool_id, None)
            self._name_keys()

    def pools(self) -> tuple[str, ...]:
        return tuple(self._rings)

    def _look(self, now: datetime) -> None:
        self._looked_at = now
        for pool_id, ring in list(self._rings.items()):
            is_over = ring.until is not None and ring.until <= now
            if is_over or self._store.version(pool_id) != ring.version:
                self._load(pool_id, now)

    def _is_due(self, now: datetime) -> bool:
        looked_at = self._looked_at  # R6: a clock that was set back does not stop us from looking
        return looked_at is None or not 0 <= (now - looked_at).total_seconds() < LOOK_S

    def _ring(self, pool_id: str) -> Ring:
        ring = self._rings.get(pool_id)
        if ring is None:
            raise ResourceNotFound(f"User pool {pool_id} does not exist.")
        return ring

    def _load(self, pool_id: str, now: datetime) -> None:
        version = self._store.version(pool_id)  # before the keys: a change in between is seen the next time
        stored = self._store.keys(pool_id)
        if not stored:  # another process has deleted the pool
            self._rings.pop(pool_id, None)
            self._name_keys()
            return
        before = self._rings.get(pool_id)
        try:
            ring = Ring.of(pool_id, version, stored, now, before=before)
        except ValueError as error:
            raise Unavailable(detail=f"a key of {pool_id} cannot be read") from error
        if ring.signers.keys() != set(USES):
            raise Unavailable(detail=f"{pool_id} has no current key of each use")
        if before is None or before.version != version or before.document != ring.document:
            self._rings[pool_id] = ring
            self._name_keys()

    def _name_keys(self) -> None:
        self._by_kid = {
            key.kid: _Named(pool_id=ring.pool_id, use=use, key=key)
            for ring in self._rings.values()
            for use in USES
            for key in ring.keys[use]
        }


def _new_key(pool_id: str, use: KeyUse, state: KeyState, now: datetime) -> StoredKey:
    new = make_key()
    return StoredKey(
        pool_id=pool_id,
        kid=new.kid,
        use=use,
        state=state,
        public_jwk=new.public_jwk,
        private_pem=new.private_pem,
        published_at=now,
        activated_at=now if state == "current" else None,
    )
