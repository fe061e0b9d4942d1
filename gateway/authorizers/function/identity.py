"""The identity of a request: the values at the authorizer's identity sources, and the cache's key made of them.

Values are secrets (tokens, API keys): no message holds one, and a key is a hash that only this process can make.
"""

from collections.abc import Sequence
from hashlib import blake2b

from gateway.errors import DenialReason, Unauthorized
from gateway.exchange import Exchange
from gateway.selection import Selection

KEY_BYTES = 32


def read_identity(sources: Sequence[Selection], exchange: Exchange) -> list[list[str]]:
    """Every value of each source, in order.

    :raises Unauthorized: a source has none, or one of its values cannot be chosen.
    :raises BadRequest: the query has too many pairs.
    """
    identity = []
    for source in sources:
        values = source.resolve_all(exchange)
        reason = fault_of(source, values)
        if reason is not None:
            raise Unauthorized(reason, f"{fault_text(reason)} at {source.text}")
        identity.append(values)
    return identity


def fault_of(source: Selection, values: list[str]) -> DenialReason | None:
    """Why the function is not asked, None when it may be."""
    if not any(values):
        return "identity_missing"
    # Authorization is one value (RFC 9110 section 11.6.2): whoever reads the first and whoever reads the last of two
    # would disagree about who calls.
    if source.kind == "header" and source.name == "authorization" and len(values) > 1:
        return "identity_repeated"
    return None


def fault_text(reason: DenialReason) -> str:
    return "nothing" if reason == "identity_missing" else "more than one value"


def joined(identity: list[list[str]]) -> list[str]:
    """One text a source, as the event shows it."""
    return [",".join(values) for values in identity]


def cache_key(salt: bytes, exchange: Exchange, identity: list[list[str]], *, is_per_route: bool) -> bytes:
    """Hash what an answer is kept under.

    :param salt: random, so that guesses at a value cannot be tried on a key.
    :param is_per_route: a simple answer says nothing of routes, so it holds for this route and method only.
    """
    parts = [exchange.stage.name]
    if is_per_route:
        parts += [exchange.key.text, exchange.request.method]
    for values in identity:
        parts += [str(len(values)), *values]
    hashed = blake2b(key=salt, digest_size=KEY_BYTES)
    for part in parts:
        data = part.encode()
        hashed.update(b"%d:" % len(data))  # lengths first: "a,b" and "c" are not "a" and "b,c"
        hashed.update(data)
    return hashed.digest()
