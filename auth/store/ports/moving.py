"""People as they move in and out: whole rows, many at a time, with what other verbs never hand out."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from auth.store.ports.people import StoredPassword
from auth.store.ports.srp import SrpVerifier
from auth.user import User

# Who is in the way: the same person, who can be replaced, or another one who has the name or the address.
Clash = Literal["same", "other"]
Outcome = Literal["written", "replaced", "skipped"]
Choice = Literal["skip", "replace"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedUser:
    """:param key: canonical form of the user name. :param aliases: what they may sign in with: (kind, canonical value).

    :param totp_secret: of a confirmed authenticator. :param verifier: of the same password.
    :param keeps_sub: False: the ``sub`` was made for them; if they replace somebody, the old one stays.
    """

    user: User
    key: str
    aliases: tuple[tuple[str, str], ...] = ()
    password: StoredPassword | None = field(default=None, repr=False)
    totp_secret: bytes | None = field(default=None, repr=False)
    verifier: SrpVerifier | None = field(default=None, repr=False)
    keeps_sub: bool = True


class MovingStore(Protocol):
    def read(self, pool_id: str, *, limit: int, after: str | None = None) -> tuple[MovedUser, ...]:
        """Ordered by sub, without aliases. What is sealed is opened."""
        ...

    def clashes(self, pool_id: str, users: Sequence[MovedUser]) -> tuple[Clash | None, ...]:
        """For each of *users* who is in the way now. None: nobody."""
        ...

    def write(
        self, pool_id: str, users: Sequence[MovedUser], now: datetime, *, choice: Choice
    ) -> tuple[Outcome, ...]:
        """In one transaction: all of them or, by an exception, none. *users* are not in each other's way.

        Who is replaced is deleted, with every session, and made anew; another person is never replaced.

        :raises ResourceNotFound: the pool or a group is gone.
        """
        ...
