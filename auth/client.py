"""An application that signs users in, or itself. Frozen; its secrets are the store's and never in here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from auth.pool import Lifetimes, Source

Flow = Literal[
    "code",
    "implicit",
    "srp",
    "password",
    "admin_password",
    "custom",
    "user_auth",
    "refresh",
    "client_credentials",
]
ValidityUnit = Literal["seconds", "minutes", "hours", "days"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """:param client_id: unique over all pools.

    :param redirect_uris: compared by exact text (A1). :param scopes: what it may ask for; none asked means all.
    :param rotates_refresh: each use of a refresh token gives a new one (A7).
    :param has_secret: it authenticates itself; others are public and need PKCE (A3).
    :param hides_users: unknown users are answered as wrong passwords are (B6).
    :param lifetimes: None: the pool's.
    :param read_attributes: of users, that it is shown, and :param write_attributes: that they change through it;
    ``custom:x`` among them. None: all.
    :param explicit_flows: as the API was given them; `flows` says what they come to. So :param providers:.
    :param validity_units: in which `lifetimes` are shown, by ``id_s``, ``access_s``, ``refresh_s``.
    :param created_at: None where it was not read from a store; so `updated_at`, which no two changes share.
    """

    client_id: str
    pool_id: str
    name: str
    source: Source = "file"
    flows: frozenset[Flow] = frozenset()
    redirect_uris: tuple[str, ...] = ()
    logout_uris: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    rotates_refresh: bool = False
    has_secret: bool = False
    hides_users: bool = True
    lifetimes: Lifetimes | None = None
    challenge_s: float = 180.0
    read_attributes: frozenset[str] | None = None
    write_attributes: frozenset[str] | None = None
    explicit_flows: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()
    validity_units: Mapping[str, ValidityUnit] = field(default_factory=dict)
    is_closed: bool = False
    created_at: datetime | None = field(default=None, compare=False)
    updated_at: datetime | None = field(default=None, compare=False)

    def may_read(self, attribute: str) -> bool:
        """Everybody is told the ``sub``: it is in each token."""
        return self.read_attributes is None or attribute in self.read_attributes or attribute == "sub"

    def may_write(self, attribute: str) -> bool:
        return self.write_attributes is None or attribute in self.write_attributes
