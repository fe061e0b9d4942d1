"""What the flows ask of a store. Verbs: each is one transaction, decided by one statement (`docs` name it).

All are synchronous and are called on a worker thread. Times arrive as aware UTC; random handles arrive as the secret
text that the client holds and are kept as SHA-256; short codes arrive as text and are kept as HMACs.
Every method may raise `auth.errors.Unavailable`: the database does not answer.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from auth.client import Client
from auth.grant import Grant, LiveGrant
from auth.pool import Pool
from auth.user import MfaPreference, User, UserStatus

AttemptKind = Literal["password", "mfa", "client", "send", "sign_up", "code"]
CodePurpose = Literal["sign_up", "reset", "email", "phone_number", "mfa"]
KeyUse = Literal["id", "access"]
KeyState = Literal["next", "current", "retired"]


# --- pools and clients ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """One pool as the file says it, with its clients. :param secrets: client id → secret that the file gives;
    a client with ``has_secret`` that is not in it keeps its generated one, or gets one."""

    pool: Pool
    clients: tuple[Client, ...]
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)


class PoolStore(Protocol):
    def declare(self, declared: Sequence[Declared], now: datetime) -> tuple[str, ...]:
        """Create and update what the file declares, in one transaction; what vanished from it is closed, never deleted.

        :returns: sentences for the operator, such as that a pool is closed now.
        :raises InvalidParameter: it contradicts what exists (an id that another pool has, a pool that was renamed
            without ``id:`` and has users).
        """
        ...

    def check(self, declared: Sequence[Declared]) -> tuple[str, ...]:
        """The same judgement without a change."""
        ...

    def version(self) -> int:
        """Grows with every change of a pool or client: what caches compare."""
        ...

    def pools(self) -> tuple[Pool, ...]: ...

    def clients(self) -> tuple[Client, ...]: ...

    def client_secrets(self, client_id: str, now: datetime) -> tuple[str, ...]:
        """Those that are valid, newest first."""
        ...

    def new_client_secret(self, client_id: str, now: datetime, old_until: datetime | None) -> str:
        """Make one; earlier ones end at *old_until*, or at once."""
        ...

    def delete_pool(self, pool_id: str) -> None:
        """With all its people. :raises ResourceNotFound: there is none."""
        ...

    def count_users(self, pool_id: str) -> int: ...


# --- people --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUser:
    """:param username_key: the canonical form (B13) by which the name is unique.

    :param aliases: what the user may sign in with from now on: (kind, canonical value).
    :param password_hash: None: there is none yet.
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


class UserStore(Protocol):
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
    ) -> None:
        """Replace the password; with *end_sessions* every grant but *except_grant* dies with it (A8)."""
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

    def put_group(
        self, pool_id: str, name: str, now: datetime, *, description: str = "", precedence: int | None = None
    ) -> None: ...

    def groups(self, pool_id: str) -> tuple[tuple[str, str, int | None], ...]:
        """(name, description, precedence), strongest first."""
        ...

    def delete_group(self, pool_id: str, name: str) -> None: ...

    def add_to_group(self, pool_id: str, sub: str, group: str, now: datetime) -> None:
        """:raises ResourceNotFound: there is no such group."""
        ...

    def remove_from_group(self, pool_id: str, sub: str, group: str) -> None: ...


# --- one-time secrets and counters ---------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class LockRule:
    """After *free* failures a lock of *first_s*, twice as long after each further one, at most *longest_s*. Attempts
    while it is locked do not lengthen it; *forget_s* without an attempt or a lock forgets all (B7)."""

    free: int = 5
    first_s: float = 1.0
    longest_s: float = 900.0
    forget_s: float = 900.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempts:
    """:param failures: counted since the last success; :param refused: while it was locked."""

    failures: int
    refused: int
    locked_until: datetime | None


class AttemptStore(Protocol):
    def count(
        self, pool_id: str, kind: AttemptKind, subject: str, rule: LockRule, now: datetime
    ) -> int | None:
        """Count an attempt *before* it is judged. :returns: failures with this one; None: locked, refuse it."""
        ...

    def clear(self, pool_id: str, kind: AttemptKind, subject: str) -> None:
        """It was good."""
        ...

    def read(self, pool_id: str, kind: AttemptKind, subject: str) -> Attempts | None: ...

    def take(
        self, pool_id: str, kind: AttemptKind, subject: str, *, limit: int, window_s: float, now: datetime
    ) -> bool:
        """Whether one more is within *limit* a window; counted either way no more than the limit."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmUser:
    """What a good sign-up code does. :param verified: attributes that it proves; :param aliases: (kind, value).

    :param hash: of the password that whoever has the code signed up with; None: the first one that was given stays.

    :param takes_over: an alias that somebody else has is taken from them (ForceAliasCreation).
    """

    sub: str
    verified: tuple[str, ...] = ()
    aliases: tuple[tuple[str, str], ...] = ()
    takes_over: bool = False
    hash: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetPassword:
    """What a good reset code does: the password, all sessions ended, RESET_REQUIRED → CONFIRMED."""

    sub: str
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyAttribute:
    """What a good attribute code does. :param value: which it was sent to; :param alias: (kind, canonical value)."""

    sub: str
    name: Literal["email", "phone_number"]
    value: str
    alias: tuple[str, str] | None = None


Effect = ConfirmUser | ResetPassword | VerifyAttribute


class CodeStore(Protocol):
    """Codes of six digits, one live code per subject and purpose. The subject is a canonical user name, so that
    people who do not exist are treated alike."""

    def put(
        self,
        pool_id: str,
        subject: str,
        purpose: CodePurpose,
        code: str,
        destination: str,
        expires_at: datetime,
        now: datetime,
    ) -> None: ...

    def use(
        self,
        pool_id: str,
        subject: str,
        purpose: CodePurpose,
        code: str,
        now: datetime,
        effect: Effect | None = None,
    ) -> str:
        """Count a try (five, then it is dead), compare in constant time; the winner deletes it and *effect* happens,
        in one transaction. :returns: the destination that it was sent to.

        :raises CodeMismatch, ExpiredCode: nothing happened, but that the try counts.
        :raises AliasExists: nothing happened; the code lives on.
        """
        ...


class ChallengeStore(Protocol):
    """Half-way points of a sign-in, behind a random handle that one answer uses up."""

    def put(
        self,
        handle: str,
        pool_id: str,
        client_id: str,
        subject: str,
        sub: str | None,
        state: bytes,
        expires_at: datetime,
    ) -> None:
        """:param state: sealed by the store."""
        ...

    def consume(self, handle: str, client_id: str, now: datetime) -> bytes | None:
        """The state, to one caller only; None: used, expired, another client's, or never there."""
        ...


class SoftwareTokenStore(Protocol):
    def put_secret(self, pool_id: str, sub: str, secret: bytes, now: datetime) -> None:
        """A new seed that is not confirmed; one that is confirmed goes on working until then."""
        ...

    def secret(self, pool_id: str, sub: str, *, confirmed: bool) -> bytes | None: ...

    def confirm(self, pool_id: str, sub: str, name: str, now: datetime) -> None: ...

    def use_step(self, pool_id: str, sub: str, step: int, expires_at: datetime) -> bool:
        """Whether this time step was not used before (B10)."""
        ...


# --- sessions and grants -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserSession:
    """:param sub: None before anybody has logged in. :param csrf: what each form must carry.

    :param data: sealed by the store: the authorization request that waits, the challenge that is open.
    """

    pool_id: str
    sub: str | None
    auth_time: datetime | None
    amr: tuple[str, ...]
    csrf: str = field(repr=False)
    data: bytes = field(default=b"", repr=False)
    expires_at: datetime


class BrowserSessionStore(Protocol):
    def put(self, handle: str, session: BrowserSession, idle_until: datetime) -> None: ...

    def get(self, handle: str, now: datetime, idle_until: datetime) -> BrowserSession | None:
        """And stays alive until *idle_until*. None: expired, idle too long, the user disabled or signed out since."""
        ...

    def save(self, handle: str, data: bytes) -> None: ...

    def replace(self, old: str | None, new: str, session: BrowserSession, idle_until: datetime) -> None:
        """A new handle at each log-in (B1); the old one is gone in the same transaction."""
        ...

    def delete(self, handle: str) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCode:
    """An authorization code. :param code: what the browser carries; :param challenge: S256, or empty."""

    code: str = field(repr=False)
    redirect_uri: str
    challenge: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RedeemedCode:
    grant: Grant
    redirect_uri: str
    challenge: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotated:
    """:param token: the refresh token that counts from now on: a new one, or within the grace *the same* successor
    again; without rotation the one that was presented."""

    live: LiveGrant
    token: str = field(repr=False)


class GrantStore(Protocol):
    def start(
        self, grant: Grant, now: datetime, *, code: NewCode | None = None, refresh: bool = False
    ) -> str | None:
        """Write it, with the code that leads to it, or with its refresh family. :returns: the refresh token."""
        ...

    def redeem(
        self,
        code: str,
        client_id: str,
        now: datetime,
        check: Callable[[RedeemedCode], bool],
        *,
        refresh: bool,
    ) -> tuple[LiveGrant, str | None] | None:
        """One winner (A5). *check* judges redirect_uri and PKCE afterwards, in the transaction: a wrong verifier burns
        the code. A code that was redeemed before revokes its grant (A6).

        :returns: the grant and its refresh token; None: refused, whatever the reason.
        """
        ...

    def rotate(self, token: str, client_id: str, now: datetime, *, rotates: bool, grace_s: float) -> Rotated:
        """:raises NotAuthorized: ``Invalid Refresh Token``, ``Refresh Token has expired``, ``Refresh Token has been
        revoked``; a token that was rotated away before the grace revokes its family (A7).
        """
        ...

    def live(self, grant_id: str, now: datetime) -> LiveGrant | None: ...

    def revoke(self, grant_id: str, why: str, now: datetime) -> bool: ...

    def revoke_token(self, token: str, client_id: str, now: datetime) -> bool:
        """By its refresh token (A9). :returns: False: it is no refresh token of this client; nothing happened."""
        ...

    def sign_out(self, pool_id: str, sub: str, now: datetime, *, except_grant: str | None = None) -> None:
        """Everywhere: every grant and browser session of the user dies."""
        ...


# --- keys and audit ------------------------------------------------------------------------------


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


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord:
    """:param actor: ``user:SUB``, ``client:ID``, ``operator``, or empty for somebody unknown. :param detail: never a
    secret."""

    at: datetime
    action: str
    result: str
    pool_id: str = ""
    actor: str = ""
    target: str = ""
    source_ip: str = ""
    detail: str = ""


class AuditStore(Protocol):
    def append(self, record: AuditRecord) -> None: ...

    def read(self, *, limit: int, pool_id: str | None = None) -> tuple[AuditRecord, ...]:
        """Newest first."""
        ...


class Store(Protocol):
    """All of them over one database."""

    @property
    def pools(self) -> PoolStore: ...
    @property
    def users(self) -> UserStore: ...
    @property
    def attempts(self) -> AttemptStore: ...
    @property
    def codes(self) -> CodeStore: ...
    @property
    def challenges(self) -> ChallengeStore: ...
    @property
    def software_tokens(self) -> SoftwareTokenStore: ...
    @property
    def browser_sessions(self) -> BrowserSessionStore: ...
    @property
    def grants(self) -> GrantStore: ...
    @property
    def keys(self) -> KeyStore: ...
    @property
    def audit(self) -> AuditStore: ...

    def clean(self, now: datetime, *, limit: int) -> int:
        """Delete expired rows in a small batch, for the janitor. :returns: how many."""
        ...

    def close(self) -> None: ...
