"""What is kept of a new password: its slow hash, and where clients use SRP the verifier beside it. Made here only.

An SRP verifier is a fast hash of the password: weaker at rest than argon2id, so the store seals it, and pools without
an SRP client have none (B9).
"""

import secrets
from dataclasses import dataclass, field

from auth.core import srp
from auth.core.username import sign_in_key
from auth.flows.tools import Tools
from auth.pool import Pool
from auth.store.ports import SrpVerifier
from auth.user import User

_NAMES_ONLY = frozenset({"username"})


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPassword:
    """Both go into the store in one transaction. :param verifier: None: the pool has no client for it."""

    hash: str = field(repr=False)
    verifier: SrpVerifier | None = field(repr=False)


class Passwords:
    """:param tools: shared with the flows. Runs on the lane for hashes."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def make(self, pool: Pool, sub: str, username: str, text: str) -> NewPassword:
        """Runs one hash, and where the pool takes SRP one modular power."""
        return NewPassword(
            hash=self._tools.hasher.hash(text), verifier=self._verifier(pool, sub, username, text)
        )

    def seen(self, pool: Pool, user: User, text: str, hash: str) -> None:
        """*text* was right, as *hash* says: from now on SRP knows it, where it has not yet."""
        store = self._tools.store.srp
        if not pool.takes_srp or store.get(pool.pool_id, user.sub) is not None:
            return
        verifier = self._verifier(pool, user.sub, user.username, text)
        if verifier is not None:
            store.put(pool.pool_id, user.sub, verifier, hash)

    def _verifier(self, pool: Pool, sub: str, username: str, text: str) -> SrpVerifier | None:
        if not pool.takes_srp:
            return None
        user_id, salt = srp_id(pool, sub, username), secrets.token_bytes(srp.SALT_BYTES)
        number = srp.verifier(pool.key_name, user_id, text, int.from_bytes(salt, "big"))
        return SrpVerifier(user_id=user_id, salt=salt, verifier=number)


def srp_id(pool: Pool, sub: str, username: str) -> str:
    """``USER_ID_FOR_SRP``: the user name in its one form, so that capitals that somebody typed tell nothing (B6).

    Where people sign in with an address too, it is the ``sub``: a name in answer to an address would tell that there is
    somebody, and who.
    """
    if pool.sign_in_with != _NAMES_ONLY:
        return sub
    return sign_in_key(pool, username)
