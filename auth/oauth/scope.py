"""Which scopes a request gets: never more than it asked for, never more than its client may have (A19)."""

from collections.abc import Iterable

from auth.client import Client
from auth.core.scopes import OPENID
from auth.pool import STANDARD_SCOPES, Pool

MAX_SCOPE_BYTES = 4096  # 50 scopes a client, as Cognito; the token they go into is 8 KiB at most
_NEED_OPENID = frozenset({"email", "phone", "profile"})


class ScopeRefused(ValueError):
    """``invalid_scope``: the text says why."""


def granted(pool: Pool, client: Client, asked: str) -> tuple[str, ...]:
    """For a user, in the order asked for. Nothing asked: all that the client may have, as Cognito (A19).

    :raises ScopeRefused: it asks for what it may not have, or for a user's claims without ``openid``.
    """
    scopes = _within(asked, _allowed(pool, client))
    if OPENID not in scopes and not _NEED_OPENID.isdisjoint(scopes):
        raise ScopeRefused("email, phone and profile need openid")
    return scopes


def granted_to_client(pool: Pool, client: Client, asked: str) -> tuple[str, ...]:
    """For the client itself: scopes of resource servers, and nothing that speaks of a user (A18).

    :raises ScopeRefused: it asks for another one, or there is none.
    """
    own = tuple(scope for scope in _allowed(pool, client) if scope not in STANDARD_SCOPES)  # A18
    scopes = _within(asked, own)
    if not scopes:
        raise ScopeRefused("the client has no scope of a resource server")
    return scopes


def narrowed(before: tuple[str, ...], asked: str) -> tuple[str, ...]:
    """For a refresh: some of what was granted, or all of it (A8). :raises ScopeRefused: anything else."""
    return _within(asked, before)


def _within(asked: str, allowed: Iterable[str]) -> tuple[str, ...]:
    if len(asked) > MAX_SCOPE_BYTES:
        raise ScopeRefused("scope is too long")
    words = tuple(dict.fromkeys(asked.split()))
    if not set(words) <= set(allowed):  # A19
        raise ScopeRefused("the client may not have all of these scopes")
    return words or tuple(allowed)


def _allowed(pool: Pool, client: Client) -> tuple[str, ...]:
    """Of the client's scopes those that still exist in its pool."""
    known = frozenset(pool.scopes)
    return tuple(scope for scope in client.scopes if scope in known)
