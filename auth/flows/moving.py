"""Somebody who moves in, judged by the pool's rules: nobody gets in here who could not have been made in another way.

What comes is somebody else's word, as an operator vouches for it: a verified address is believed, a hash that costs too
much is not taken. Pure but for random ``sub``s; what is admitted is written by `auth.store.ports.moving`.
"""

import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from auth.core.attributes import VERIFIED, checked
from auth.core.password_hash import HashRefused, recognised
from auth.core.username import has_names
from auth.errors import AuthError, InvalidParameter
from auth.flows.naming import ATTRIBUTES, Naming, aliases_of, name_of
from auth.pool import Pool
from auth.store.ports import MovedUser, SrpVerifier, StoredPassword
from auth.user import MfaPreference, User, UserStatus

SEED_BYTES: Final = range(10, 65)  # RFC 4226 §4 asks for 16; some apps were given 10
NO_MFA: Final = MfaPreference()
_GROUP: Final = re.compile(r"[^\s\x00-\x1f\x7f-\x9f]{1,128}")
_NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
# What a status becomes without a password: theirs is to be chosen anew, as after Cognito's own import.
_WITHOUT_PASSWORD: Final[Mapping[UserStatus, UserStatus]] = {
    "UNCONFIRMED": "UNCONFIRMED",
    "EXTERNAL_PROVIDER": "EXTERNAL_PROVIDER",
}

_DECLARE: Final = "Declare it among the pool's attributes, or leave it out."
_FORMS: Final = {
    "email": "Write one plain address, as ada@example.com.",
    "phone_number": "Write it with its country, as +491701234567.",
}

Note = Literal["no_password", "unreachable", "without_app", "without_srp"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BroughtVerifier:
    """:param pool: the part of its pool's id behind the region: it holds in a pool of that name only."""

    pool: str
    verifier: SrpVerifier


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """What a line says of somebody. None, or empty: it says nothing of that."""

    sub: str | None = None
    username: str | None = None
    status: UserStatus | None = None
    is_enabled: bool = True
    attributes: Mapping[str, str] = field(default_factory=dict)
    groups: tuple[str, ...] = ()
    mfa: MfaPreference = NO_MFA
    created_at: datetime | None = None
    updated_at: datetime | None = None
    password_hash: str | None = field(default=None, repr=False)
    password_set_at: datetime | None = None
    temporary_until: datetime | None = None
    totp_secret: bytes | None = field(default=None, repr=False)
    srp: BroughtVerifier | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Admitted:
    """:param notes: what whoever moves them should know."""

    user: MovedUser
    notes: frozenset[Note]


class NotAdmitted(Exception):
    """:param where: the field, empty for the whole of it. :param what: is wrong with it; :param instead: what to do."""

    def __init__(self, where: str, what: str, instead: str = "") -> None:
        super().__init__(f"{where}: {what}" if where else what)
        self.where = where
        self.what = what
        self.instead = instead


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """:param groups: that exist. :param makes_groups: others are made, by whoever writes.

    :param drops_mfa: whoever had an app and does not bring its seed comes without.
    """

    pool: Pool
    groups: frozenset[str]
    makes_groups: bool = False
    drops_mfa: bool = False

    def admit(self, arrival: Arrival, now: datetime) -> Admitted:
        """:raises NotAdmitted: and why."""
        for group in arrival.groups:
            self._check_group(group)
        naming, attributes = _named(self.pool, arrival)
        password = _password(self.pool, arrival, now)
        mfa = self._mfa(arrival)
        verifier = _verifier(self.pool, arrival)
        user = User(
            pool_id=self.pool.pool_id,
            sub=naming.sub,
            username=naming.username,
            status=_status(arrival),
            is_enabled=arrival.is_enabled,
            attributes=attributes,
            groups=tuple(dict.fromkeys(arrival.groups)),
            mfa=mfa,
            has_software_token=arrival.totp_secret is not None,
            tokens_valid_from=_NEVER,
            created_at=arrival.created_at or now,
            updated_at=arrival.updated_at or arrival.created_at or now,
        )
        moved = MovedUser(
            user=user,
            key=naming.key,
            aliases=aliases_of(self.pool, naming, attributes),
            password=password,
            totp_secret=_seed(arrival),
            verifier=verifier,
            keeps_sub=arrival.sub is not None,
        )
        return Admitted(moved, frozenset(_notes(arrival, moved)))

    def _check_group(self, group: str) -> None:
        if group in self.groups:
            return
        if not self.makes_groups:
            raise NotAdmitted(
                "groups",
                f"there is no group {shown(group)} in {self.pool.name}.",
                "--create-groups makes it.",
            )
        if not _GROUP.fullmatch(group):
            raise NotAdmitted(
                "groups",
                f"no group is called {shown(group)}.",
                "Up to 128 characters that are seen, without blanks.",
            )

    def _mfa(self, arrival: Arrival) -> MfaPreference:
        """A second factor that nobody could answer locks its owner out; one less is for the operator to decide."""
        mfa = arrival.mfa
        if mfa.preferred is not None and mfa.preferred not in mfa.enabled:
            raise NotAdmitted("mfa.preferred", f"{mfa.preferred} is not among mfa.enabled.", "Add it there.")
        if "SOFTWARE_TOKEN_MFA" not in mfa.enabled or arrival.totp_secret is not None:
            return mfa
        if not self.drops_mfa:
            raise NotAdmitted(
                "totp_secret",
                "they sign in with an authenticator app, and its seed is missing.",
                "Export with --with-mfa-seeds; or --drop-mfa lets those in without it.",
            )
        left = mfa.enabled - {"SOFTWARE_TOKEN_MFA"}
        return MfaPreference(enabled=left, preferred=mfa.preferred if mfa.preferred in left else None)


def _named(pool: Pool, arrival: Arrival) -> tuple[Naming, dict[str, str]]:
    """:returns: what they are called, and their attributes in one form."""
    sub = _sub(arrival)
    given = {name: value for name, value in arrival.attributes.items() if value}
    typed = _typed_name(pool, arrival, sub, given)
    try:
        naming = name_of(pool, typed, given, sub=sub)
    except InvalidParameter as error:
        is_name = has_names(pool) or arrival.username == typed
        where = "username" if is_name else f"attributes.{_address(pool, given)}"
        raise NotAdmitted(where, f"{shown(typed)}: {_why_no_name(error)}") from error
    return naming, _attributes(pool, naming.attributes)


def _sub(arrival: Arrival) -> str:
    if arrival.sub is None:
        return ""
    try:
        return str(uuid.UUID(arrival.sub))
    except ValueError:
        raise NotAdmitted(
            "sub",
            f"{shown(arrival.sub)} is no UUID, which a sub is here.",
            "Leave it out: one is made. Keep the old id in an attribute of yours, as custom:old_id.",
        ) from None


def _typed_name(pool: Pool, arrival: Arrival, sub: str, given: Mapping[str, str]) -> str:
    if has_names(pool):
        if not arrival.username:
            raise NotAdmitted(
                "username", "it is missing, and people sign in with it in this pool.", "Write one."
            )
        return arrival.username
    if arrival.username and arrival.username.lower() != sub:
        return arrival.username
    address = _address(pool, given)
    if address not in given:
        raise NotAdmitted(
            f"attributes.{address}", "it is missing, and people sign in with it in this pool.", "Write it."
        )
    return given[address]


def _address(pool: Pool, given: Mapping[str, str]) -> str:
    """The attribute with which they sign in."""
    names = [name for kind, name in ATTRIBUTES.items() if kind in pool.sign_in_with]
    return next((name for name in names if name in given), names[0])


def _attributes(pool: Pool, given: Mapping[str, str]) -> dict[str, str]:
    try:
        wanted = checked(pool, given, is_new=True, by_operator=True)
    except AuthError as error:
        raise _of_one(pool, given, error) from error
    for name, verified in VERIFIED.items():
        if wanted.get(verified) == "true" and name not in wanted:
            raise NotAdmitted(
                f"attributes.{verified}", f"it is true, and there is no {name}.", f"Write {name}."
            )
    return {name: value for name, value in wanted.items() if value}


def _of_one(pool: Pool, given: Mapping[str, str], error: AuthError) -> NotAdmitted:
    """Which one it is."""
    for name, value in given.items():
        try:
            checked(pool, {name: value}, is_new=False, by_operator=True)
        except AuthError as own:
            text = str(own).rpartition(f"{name}: ")[2]
            if "cannot be updated" in text:  # it is new, so it may be written
                continue
            hint = _DECLARE if "schema" in text else _FORMS.get(name, "")
            return NotAdmitted(f"attributes.{name}", f"{shown(value)}: {text}", hint)
    return NotAdmitted("attributes", str(error))


def _password(pool: Pool, arrival: Arrival, now: datetime) -> StoredPassword | None:
    if arrival.password_hash is None:
        return None
    try:
        recognised(arrival.password_hash)
    except HashRefused as error:
        raise NotAdmitted("password_hash", f"{error}.", error.instead) from error
    until = None
    if arrival.status == "FORCE_CHANGE_PASSWORD":
        until = arrival.temporary_until or now + timedelta(seconds=pool.password.temporary_s)
    return StoredPassword(
        hash=arrival.password_hash, set_at=arrival.password_set_at or now, temporary_until=until
    )


def _status(arrival: Arrival) -> UserStatus:
    if arrival.password_hash is not None:
        return arrival.status or "CONFIRMED"
    return _WITHOUT_PASSWORD.get(arrival.status or "CONFIRMED", "RESET_REQUIRED")


def _seed(arrival: Arrival) -> bytes | None:
    if arrival.totp_secret is not None and len(arrival.totp_secret) not in SEED_BYTES:
        raise NotAdmitted(
            "totp_secret",
            f"it has {len(arrival.totp_secret)} bytes, not {SEED_BYTES[0]} to {SEED_BYTES[-1]}.",
            "Write the whole of it, in base32.",
        )
    return arrival.totp_secret


def _verifier(pool: Pool, arrival: Arrival) -> SrpVerifier | None:
    """The pool's name is hashed into it. None: where it holds not, the first sign-in by password makes one."""
    brought = arrival.srp
    if brought is None or arrival.password_hash is None:
        return None
    return brought.verifier if pool.takes_srp and brought.pool == pool.key_name else None


def _notes(arrival: Arrival, moved: MovedUser) -> Iterator[Note]:
    user = moved.user
    if user.status == "RESET_REQUIRED":
        yield "no_password"
        if not user.is_verified("email"):
            yield "unreachable"
    if user.mfa != arrival.mfa:
        yield "without_app"
    if arrival.srp is not None and moved.verifier is None:
        yield "without_srp"


def _why_no_name(error: InvalidParameter) -> str:
    text = str(error)
    if "regular expression" in text:
        return "it has blanks in it, or letters that cannot be seen."
    if "greater than" in text:
        return "it is empty."
    if "less than" in text:
        return "it is longer than 128 characters."
    return text


def shown(text: str) -> str:
    """A value as a message quotes it: short, and without what drives a terminal."""
    return repr(text if len(text) <= 60 else f"{text[:57]}...")
