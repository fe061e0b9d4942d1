"""Who is meant by what somebody typed: the same one query whether they exist or not (B6)."""

from dataclasses import dataclass
from typing import Final

from auth.client import Client
from auth.core.username import sign_in_key
from auth.errors import ResourceNotFound, UserNotFound
from auth.pool import Pool
from auth.store.ports import StoredPassword, UserStore
from auth.user import User

UNKNOWN: Final = "Username/client id combination not found."  # where there is no token and no password


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """:param typed: the canonical form of what was typed. :param user: None: nobody has it."""

    typed: str
    user: User | None
    password: StoredPassword | None

    @property
    def subject(self) -> str:
        """Under which name attempts and codes are kept: one per person, whichever of their names is typed."""
        return self.typed if self.user is None else self.user.sub

    @property
    def hash(self) -> str | None:
        return None if self.password is None else self.password.hash

    @property
    def target(self) -> str:
        """For the audit."""
        return "" if self.user is None else self.user.sub


def find(users: UserStore, pool: Pool, text: str) -> Person:
    """:raises InvalidParameter: nobody can have that name."""
    key = sign_in_key(pool, text)
    found = users.find(pool.pool_id, key)
    if found is None:
        return Person(typed=key, user=None, password=None)
    user, password = found
    return Person(typed=key, user=user, password=password)


def known(users: UserStore, pool: Pool, text: str) -> User:
    """For those who may know who exists. :raises UserNotFound: nobody has that name."""
    person = find(users, pool, text)
    if person.user is None:
        raise UserNotFound
    return person.user


def require_open(pool: Pool, client: Client) -> None:
    """:raises ResourceNotFound: one of them is closed, or they do not belong together."""
    if pool.is_closed or client.is_closed or client.pool_id != pool.pool_id:
        raise ResourceNotFound("User pool client does not exist.", detail="closed, or of another pool")
