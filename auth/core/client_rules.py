"""What a client of a pool may be set to: flows that go together, addresses, scopes, attributes, lifetimes.

The rules of the file's clients are `lockgate`'s, with positions; these are the API's, in Cognito's words where those
are known. Pure.
"""

from collections.abc import Iterable
from typing import Final

from auth.client import Client
from auth.core.redirects import fault_of
from auth.errors import InvalidOAuthFlow, InvalidParameter, ScopeDoesNotExist
from auth.pool import STANDARD_ATTRIBUTES, STANDARD_SCOPES, Lifetimes, Pool

_OAUTH: Final = frozenset({"code", "implicit", "client_credentials"})
_BY_CODES_ONLY: Final = frozenset({"email_verified", "phone_number_verified"})
_MINUTE: Final = 60.0
_DAY: Final = 86_400.0
# Name of the lifetime, how it is called, least and most seconds: Cognito's limits.
_LIFETIMES: Final = (
    ("access_s", "Access token", 5 * _MINUTE, _DAY),
    ("id_s", "ID token", 5 * _MINUTE, _DAY),
    ("refresh_s", "Refresh token", 60 * _MINUTE, 3650 * _DAY),
)


def check_client(pool: Pool, client: Client) -> None:
    """:raises InvalidParameter, InvalidOAuthFlow, ScopeDoesNotExist: it cannot be that."""
    _check_flows(client)
    for uri in (*client.redirect_uris, *client.logout_uris):
        fault = fault_of(uri)
        if fault is not None:  # A1
            raise InvalidParameter(f"{uri[:200]} is not a valid redirect URI: {fault[0]}.")
    _check_scopes(pool, client)
    _check_attributes(pool, client)
    if client.lifetimes is not None:
        check_lifetimes(client.lifetimes)


def check_lifetimes(lifetimes: Lifetimes) -> None:
    """:raises InvalidParameter: one of them is out of its range."""
    for name, called, least, most in _LIFETIMES:
        if not least <= getattr(lifetimes, name) <= most:
            raise InvalidParameter(
                f"Invalid range for token validity. {called}: from {_shown(least)} to {_shown(most)}."
            )


def _shown(seconds: float) -> str:
    return f"{seconds / _DAY:g} days" if seconds > _DAY else f"{seconds / _MINUTE:g} minutes"


def _check_flows(client: Client) -> None:
    oauth = client.flows & _OAUTH
    if "client_credentials" in oauth:
        if len(oauth) > 1:  # A18: a machine is no user
            raise InvalidOAuthFlow(
                "client_credentials flow can not be selected along with code flow or implicit flow."
            )
        if not client.has_secret:  # A18
            raise InvalidOAuthFlow(
                "client_credentials flow can not be selected if client does not have a client secret."
            )
    if oauth & {"code", "implicit"} and not client.redirect_uris:
        raise InvalidOAuthFlow("code flow and implicit flow need at least one of CallbackURLs.")
    if oauth and not client.scopes:
        raise InvalidParameter(
            "AllowedOAuthFlows and AllowedOAuthScopes are required if user pool client is allowed to use OAuth flows."
        )


def _check_scopes(pool: Pool, client: Client) -> None:
    known = pool.scopes
    for scope in client.scopes:
        if scope not in known:
            raise ScopeDoesNotExist(f"Invalid scope requested: {scope}")
        if "client_credentials" in client.flows and scope in STANDARD_SCOPES:  # A18
            raise InvalidOAuthFlow(
                f"{scope} is about a user, and with client_credentials there is none: name scopes of a resource server."
            )


def _check_attributes(pool: Pool, client: Client) -> None:
    own = {f"custom:{rule.name}" for rule in pool.attributes}
    known = {"sub", *STANDARD_ATTRIBUTES, *own}
    _require_known(client.read_attributes, known, "read")
    _require_known(client.write_attributes, known - {"sub"} - _BY_CODES_ONLY, "write")
    needed = {rule.name for rule in pool.standard if rule.is_required} - {"sub"}
    if client.write_attributes is not None and not needed <= client.write_attributes:
        raise _invalid("write", sorted(needed - client.write_attributes))  # nobody could sign up through it


def _require_known(names: frozenset[str] | None, known: Iterable[str], how: str) -> None:
    unknown = sorted((names or frozenset()).difference(known))
    if unknown:
        raise _invalid(how, unknown)


def _invalid(how: str, names: list[str]) -> InvalidParameter:
    return InvalidParameter(
        f"Invalid {how} attributes specified while creating a client: {', '.join(names)[:200]}"
    )
