"""A user pool: its rules, without its people. Frozen; what the store keeps as ``pools.config``."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

SignInName = Literal["username", "email", "phone"]
MfaMode = Literal["none", "optional", "required"]
Source = Literal["file", "api"]
AttributeType = Literal["string", "number", "boolean", "datetime"]
RecoveryWay = Literal["verified_email", "verified_phone_number", "admin_only"]
FirstFactor = Literal["PASSWORD", "EMAIL_OTP"]
MfaKind = Literal["software_token", "email"]
ClaimsEvent = Literal["1", "2", "3"]
CharacterKind = Literal["lower", "upper", "digit", "symbol"]

STANDARD_SCOPES = ("openid", "email", "phone", "profile", "aws.cognito.signin.user.admin")
STANDARD_ATTRIBUTES = frozenset(
    [
        "address",
        "birthdate",
        "email",
        "email_verified",
        "family_name",
        "gender",
        "given_name",
        "locale",
        "middle_name",
        "name",
        "nickname",
        "phone_number",
        "phone_number_verified",
        "picture",
        "preferred_username",
        "profile",
        "updated_at",
        "website",
        "zoneinfo",
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordPolicy:
    """:param temporary_s: how long a password that an administrator has set may be used."""

    min_length: int = 8
    require: frozenset[CharacterKind] = frozenset()
    temporary_s: float = 7 * 86400.0
    history: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeRule:
    """One attribute. :param name: without ``custom:``.

    :param is_required: of a standard one only: who signs up gives it.
    :param least: characters of a text, or the number itself; None: no such bound. So :param most:.
    """

    name: str
    type: AttributeType = "string"
    is_mutable: bool = True
    is_required: bool = False
    least: int | None = None
    most: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifetimes:
    """Seconds. :param refresh_grace_s: a retry within it gets the same successor (A7)."""

    id_s: float = 3600.0
    access_s: float = 3600.0
    refresh_s: float = 30 * 86400.0
    refresh_grace_s: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Brand:
    """What the pages look like. :param colour: ``#rrggbb``; :param logo: a path on this machine, read once."""

    name: str = ""
    colour: str = ""
    logo: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """What the API added to a pool beside its own settings; of a declared pool a reload keeps it.

    :param domain: a name for the pool that programs may look up; "": it has none.
    :param resource_servers: as `Pool.resource_servers`. :param server_names: what people call each of them.
    """

    tags: Mapping[str, str] = field(default_factory=dict)
    domain: str = ""
    resource_servers: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    server_names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """:param pool_id: as ``us-east-1_Main00001``; fixed at first creation.

    :param is_case_sensitive: of user names. :param resource_servers: identifier → scope → what it allows.
    :param triggers: `auth.flows.triggers.TriggerName` → function: its name, ``NAME:QUALIFIER`` or ARN.
    :param claims_event: which form of event the trigger ``pre_token_generation`` gets.
    :param attributes: the pool's own, ``custom:`` on the wire. :param standard: standard ones with rules of their own.
    :param auto_verified: addresses that are sent a code at sign-up: ``email``, or none.
    :param recovery: ways back in after a forgotten password, the first one first; only mail is ever used.
    :param first_factors: what USER_AUTH may begin with. :param mfa_kinds: second factors that people may switch on.
    :param is_protected: it is not deleted until that is taken back.
    :param is_closed: it vanished from the file: nobody signs in, nothing is deleted.
    :param takes_srp: an open client of it proves passwords by SRP: the store knows; nobody declares it.
    :param version: grows with each change; caches compare it.
    :param created_at: None where it was not read from a store; so `updated_at`.
    """

    pool_id: str
    name: str
    source: Source = "file"
    sign_in_with: frozenset[SignInName] = frozenset({"username"})
    self_sign_up: bool = False
    is_case_sensitive: bool = False
    password: PasswordPolicy = PasswordPolicy()
    mfa: MfaMode = "none"
    attributes: tuple[AttributeRule, ...] = ()
    groups: tuple[str, ...] = ()
    resource_servers: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    lifetimes: Lifetimes = Lifetimes()
    triggers: Mapping[str, str] = field(default_factory=dict)
    claims_event: ClaimsEvent = "1"
    brand: Brand = Brand()
    standard: tuple[AttributeRule, ...] = ()
    auto_verified: frozenset[str] = frozenset({"email"})
    recovery: tuple[RecoveryWay, ...] = ("verified_email",)
    first_factors: tuple[FirstFactor, ...] = ("PASSWORD",)
    mfa_kinds: frozenset[MfaKind] = frozenset({"software_token"})
    is_protected: bool = False
    added: Added = Added()
    is_closed: bool = False
    takes_srp: bool = field(default=False, compare=False)
    version: int = 0
    created_at: datetime | None = field(default=None, compare=False)
    updated_at: datetime | None = field(default=None, compare=False)

    @property
    def key_name(self) -> str:
        """The part behind the region, as SRP and cookies use it."""
        return self.pool_id.partition("_")[2]

    @property
    def servers(self) -> Mapping[str, Mapping[str, str]]:
        """All resource servers. What the file declares goes before what the API added."""
        return {**self.added.resource_servers, **self.resource_servers}

    @property
    def scopes(self) -> tuple[str, ...]:
        """All that can be granted in this pool: the standard ones, then ``server/scope``."""
        own = (f"{server}/{scope}" for server, scopes in self.servers.items() for scope in scopes)
        return (*STANDARD_SCOPES, *own)
