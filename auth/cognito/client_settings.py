"""A client out of what CreateUserPoolClient and UpdateUserPoolClient are given, and as the API describes it.

What is left out is at Cognito's default, also in an update; only a client's name and secret stay.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, cast

from auth.client import Client, Flow, ValidityUnit
from auth.cognito.pool_answers import times
from auth.cognito.unsupported import CLIENT_SETTINGS, refuse_unsupported, unsupported
from auth.errors import InvalidParameter
from auth.pool import Lifetimes, Pool

Given = Mapping[str, Any]
_FLOWS: Final[Mapping[str, Flow]] = {
    "ALLOW_ADMIN_USER_PASSWORD_AUTH": "admin_password",
    "ALLOW_CUSTOM_AUTH": "custom",
    "ALLOW_USER_PASSWORD_AUTH": "password",
    "ALLOW_USER_SRP_AUTH": "srp",
    "ALLOW_REFRESH_TOKEN_AUTH": "refresh",
    "ALLOW_USER_AUTH": "user_auth",
}
_DEFAULT_FLOWS: Final = ("ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_CUSTOM_AUTH")
# Before there were ALLOW_…: each beside SRP and refresh, but for the last, which is alone with refresh.
_LEGACY: Final[Mapping[str, frozenset[Flow]]] = {
    "ADMIN_NO_SRP_AUTH": frozenset({"admin_password", "srp", "refresh"}),
    "USER_PASSWORD_AUTH": frozenset({"password", "srp", "refresh"}),
    "CUSTOM_AUTH_FLOW_ONLY": frozenset({"custom", "refresh"}),
}
_OAUTH: Final = ("code", "implicit", "client_credentials")
_SECONDS: Final[Mapping[ValidityUnit, int]] = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86_400}
# Name in the API, of the lifetime, in the units; unit where none is given.
_VALIDITY: Final[tuple[tuple[str, str, str, ValidityUnit], ...]] = (
    ("AccessTokenValidity", "access_s", "AccessToken", "hours"),
    ("IdTokenValidity", "id_s", "IdToken", "hours"),
    ("RefreshTokenValidity", "refresh_s", "RefreshToken", "days"),
)


def new_client(given: Given, pool: Pool) -> Client:
    """:raises UnsupportedOperation, InvalidParameter: a setting cannot be that."""
    if given.get("GenerateSecret") and given.get("ClientSecret"):
        raise InvalidParameter("GenerateSecret and ClientSecret cannot be given together.")
    has_secret = bool(given.get("GenerateSecret") or given.get("ClientSecret"))
    bare = Client(
        client_id="", pool_id=pool.pool_id, name=given["ClientName"], source="api", has_secret=has_secret
    )
    return changed_client(bare, given, pool)


def changed_client(client: Client, given: Given, pool: Pool) -> Client:
    refuse_unsupported(given, CLIENT_SETTINGS)
    explicit = tuple(dict.fromkeys(given.get("ExplicitAuthFlows") or _DEFAULT_FLOWS))
    rotation = given.get("RefreshTokenRotation") or {}
    rotates = rotation.get("Feature") == "ENABLED"
    flows = {*_explicit(explicit), *_oauth(given)}
    if rotates:
        flows.add("refresh")  # by GetTokensFromRefreshToken and the token endpoint
    lifetimes, units = _lifetimes(given, pool, rotation)
    return replace(
        client,
        name=given.get("ClientName") or client.name,
        flows=frozenset(flows),
        explicit_flows=explicit,
        redirect_uris=tuple(dict.fromkeys(given.get("CallbackURLs") or ())),
        logout_uris=tuple(dict.fromkeys(given.get("LogoutURLs") or ())),
        scopes=tuple(dict.fromkeys(given.get("AllowedOAuthScopes") or ())),
        rotates_refresh=rotates,
        hides_users=given.get("PreventUserExistenceErrors") == "ENABLED",
        lifetimes=lifetimes,
        validity_units=units,
        challenge_s=(given.get("AuthSessionValidity") or 3) * 60.0,
        providers=_providers(given, pool),
        read_attributes=_attributes(given, "ReadAttributes"),
        write_attributes=_attributes(given, "WriteAttributes"),
    )


def _explicit(names: tuple[str, ...]) -> frozenset[Flow]:
    legacy = [name for name in names if name in _LEGACY]
    if legacy and len(legacy) < len(names):
        raise InvalidParameter(
            "Cannot mix legacy ExplicitAuthFlows with those that begin with ALLOW_: "
            f"{', '.join(legacy)} is legacy."
        )
    if "CUSTOM_AUTH_FLOW_ONLY" in legacy and len(legacy) > 1:
        raise InvalidParameter("CUSTOM_AUTH_FLOW_ONLY cannot be used with other auth flows.")
    flows: set[Flow] = set()
    for name in names:
        if name in _LEGACY:
            flows |= _LEGACY[name]
        elif name in _FLOWS:
            flows.add(_FLOWS[name])
        else:
            raise unsupported(f"ExplicitAuthFlows {name}", "Tokens are not exchanged for others.")
    return frozenset(flows)


def _oauth(given: Given) -> frozenset[Flow]:
    flows = given.get("AllowedOAuthFlows") or ()
    may = given.get("AllowedOAuthFlowsUserPoolClient")
    if flows and not may:
        raise InvalidParameter(
            "AllowedOAuthFlows needs AllowedOAuthFlowsUserPoolClient: it must be true for OAuth flows."
        )
    if may and not (flows and given.get("AllowedOAuthScopes")):
        raise InvalidParameter(
            "AllowedOAuthFlows and AllowedOAuthScopes are required if user pool client is allowed to use OAuth flows."
        )
    return frozenset(cast("Flow", flow) for flow in flows)


def _providers(given: Given, pool: Pool) -> tuple[str, ...]:
    providers = tuple(dict.fromkeys(given.get("SupportedIdentityProviders") or ()))
    for provider in providers:
        if provider != "COGNITO":
            raise InvalidParameter(f"The provider {provider} does not exist for User Pool {pool.pool_id}.")
    return providers


def _attributes(given: Given, name: str) -> frozenset[str] | None:
    listed = given.get(name)
    return frozenset(listed) if listed else None


def _lifetimes(given: Given, pool: Pool, rotation: Given) -> tuple[Lifetimes, dict[str, ValidityUnit]]:
    units = given.get("TokenValidityUnits") or {}
    found: dict[str, float] = {}
    shown: dict[str, ValidityUnit] = {}
    for name, lifetime, token, usual in _VALIDITY:
        unit = cast("ValidityUnit", units.get(token) or usual)
        if given.get(name):
            found[lifetime] = float(given[name] * _SECONDS[unit])
            shown[lifetime] = unit
        elif units.get(token):
            shown[lifetime] = unit
    grace_s = float(rotation.get("RetryGracePeriodSeconds") or 0)
    return replace(pool.lifetimes, **found, refresh_grace_s=grace_s), shown


def client_answer(client: Client, pool: Pool, secret: str | None) -> dict[str, Any]:
    """``UserPoolClientType``."""
    oauth = [flow for flow in _OAUTH if flow in client.flows]
    answer: dict[str, Any] = {
        **client_listed(client),
        **({} if secret is None else {"ClientSecret": secret}),
        **times(client.created_at, client.updated_at),
        **_validity(client, pool),
        "ExplicitAuthFlows": list(client.explicit_flows or _named(client)),
        "AllowedOAuthFlowsUserPoolClient": bool(oauth),
        "PreventUserExistenceErrors": "ENABLED" if client.hides_users else "LEGACY",
        "EnableTokenRevocation": True,
        "EnablePropagateAdditionalUserContextData": False,
        "AuthSessionValidity": round(client.challenge_s / 60),
    }
    lists = {
        "ReadAttributes": sorted(client.read_attributes or ()),
        "WriteAttributes": sorted(client.write_attributes or ()),
        "SupportedIdentityProviders": list(client.providers),
        "CallbackURLs": list(client.redirect_uris),
        "LogoutURLs": list(client.logout_uris),
        "AllowedOAuthFlows": oauth,
        "AllowedOAuthScopes": list(client.scopes),
    }
    if client.rotates_refresh:
        answer["RefreshTokenRotation"] = {
            "Feature": "ENABLED",
            "RetryGracePeriodSeconds": round((client.lifetimes or pool.lifetimes).refresh_grace_s),
        }
    return answer | {name: each for name, each in lists.items() if each}


def client_listed(client: Client) -> dict[str, Any]:
    """``UserPoolClientDescription``."""
    return {"ClientId": client.client_id, "UserPoolId": client.pool_id, "ClientName": client.name}


def _named(client: Client) -> list[str]:
    """Of a declared one."""
    return [name for name, flow in _FLOWS.items() if flow in client.flows]


def _validity(client: Client, pool: Pool) -> dict[str, Any]:
    """All three, in the units that were asked for, or in ones that make them whole numbers."""
    lifetimes = client.lifetimes or pool.lifetimes
    values: dict[str, Any] = {}
    units: dict[str, ValidityUnit] = {}
    for name, lifetime, token, usual in _VALIDITY:
        seconds = getattr(lifetimes, lifetime)
        unit = client.validity_units.get(lifetime, usual)
        if seconds % _SECONDS[unit]:
            unit = "seconds"
        values[name] = round(seconds / _SECONDS[unit])
        units[token] = unit
    return values | {"TokenValidityUnits": units}
