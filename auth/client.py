"""An application that signs users in, or itself. Frozen; its secrets are the store's and never in here."""

from dataclasses import dataclass
from typing import Literal

from auth.pool import Lifetimes, Source

Flow = Literal["code", "implicit", "srp", "password", "custom", "refresh", "client_credentials"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """:param client_id: unique over all pools.

    :param redirect_uris: compared by exact text (A1). :param scopes: what it may ask for; none asked means all.
    :param rotates_refresh: each use of a refresh token gives a new one (A7).
    :param has_secret: it authenticates itself; others are public and need PKCE (A3).
    :param hides_users: unknown users are answered as wrong passwords are (B6).
    :param lifetimes: None: the pool's.
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
    is_closed: bool = False
