"""One-time secrets and counters: attempts, codes, challenges, authenticators."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from auth.store.ports.srp import SrpVerifier

AttemptKind = Literal["password", "mfa", "client", "send", "sign_up", "code"]
CodePurpose = Literal["sign_up", "reset", "email", "phone_number", "mfa"]


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
    """What a good reset code does: the password, all sessions ended, RESET_REQUIRED → CONFIRMED.

    :param verifier: of the same password, where clients use SRP.
    """

    sub: str
    hash: str
    verifier: SrpVerifier | None = None


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

    def client_of(self, handle: str, now: datetime) -> str | None:
        """Who was given it; it stays what it is. None: expired, used, or never there."""
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
