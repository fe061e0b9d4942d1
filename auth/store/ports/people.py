"""People and their passwords; their groups are in `groups`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from auth.store.ports.groups import GroupStore
from auth.store.ports.srp import SrpVerifier
from auth.user import MfaPreference, User, UserStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUser:
    """:param username_key: the canonical form (B13) by which the name is unique.

    :param aliases: what the user may sign in with from now on: (kind, canonical value).
    :param password_hash: None: there is none yet. :param verifier: of the same password, where clients use SRP.
    :param takes_over: an alias that somebody else has is taken from them.
    """

    pool_id: str
    sub: str
    username: str
    username_key: str
    status: UserStatus
    attributes: Mapping[str, str]
    aliases: tuple[tuple[str, str], ...] = ()
    password_hash: str | None = None
    temporary_until: datetime | None = None
    verifier: SrpVerifier | None = None
    takes_over: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPassword:
    hash: str
    set_at: datetime
    temporary_until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UserPage:
    """:param next: what the next page begins after; None: that was all."""

    users: tuple[User, ...]
    next: str | None


class UserStore(GroupStore, Protocol):
    def find(self, pool_id: str, key: str) -> tuple[User, StoredPassword | None] | None:
        """By canonical user name, by an alias with the right to sign in, or by sub. One query, found or not."""
        ...

    def get(self, pool_id: str, sub: str) -> User | None: ...

    def create(self, new: NewUser, now: datetime) -> User:
        """:raises UsernameExists, AliasExists: the name or an alias is taken; nothing was written."""
        ...

    def set_password(
        self,
        pool_id: str,
        sub: str,
        hash: str,
        now: datetime,
        *,
        temporary_until: datetime | None = None,
        status: UserStatus | None = None,
        end_sessions: bool = True,
        except_grant: str | None = None,
        verifier: SrpVerifier | None = None,
    ) -> None:
        """Replace the password; with *end_sessions* every grant but *except_grant* dies with it (A8).

        :param verifier: of the same password; None: nobody proves this one by SRP until it was seen at a sign-in.
        """
        ...

    def rehash(self, pool_id: str, sub: str, old_hash: str, new_hash: str) -> None:
        """The same password under better parameters; nothing if it was changed meanwhile."""
        ...

    def update_attributes(
        self,
        user: User,
        attributes: Mapping[str, str | None],
        now: datetime,
        *,
        aliases: Sequence[tuple[str, str | None]] = (),
        username: tuple[str, str] | None = None,
    ) -> User:
        """Set (None: remove) attributes of the row that was seen, and give or take sign-in aliases by kind.

        :param username: the new name and its canonical form, where people sign in with an address.
        :raises AliasExists: somebody else signs in with it.
        :raises TooManyRequests: the row was changed in between, twice.
        """
        ...

    def set_status(self, pool_id: str, sub: str, status: UserStatus, now: datetime) -> None: ...

    def set_enabled(self, pool_id: str, sub: str, is_enabled: bool, now: datetime) -> None:
        """Disabling ends all sessions in the same transaction."""
        ...

    def set_mfa(self, pool_id: str, sub: str, preference: MfaPreference, now: datetime) -> None: ...

    def delete(self, pool_id: str, sub: str, now: datetime) -> None:
        """The person and all that hangs on them."""
        ...

    def list(
        self,
        pool_id: str,
        *,
        limit: int,
        after: str | None = None,
        filter: tuple[str, Literal["=", "^="], str] | None = None,
        group: str | None = None,
    ) -> UserPage:
        """Ordered by sub. :param filter: (attribute, how, value), as in ListUsers; one index, never a scan."""
        ...
