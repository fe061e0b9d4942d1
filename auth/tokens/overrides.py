"""What a pool's trigger ``pre_token_generation`` changes about tokens. Pure.

Claims that say who signed in, where, when and for whom are ours: what a function says about them is dropped. It may
add and take away others, name the groups, and (version 2) the scopes of the access token.
Source: Amazon Cognito Developer Guide, "Pre token generation Lambda trigger".
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from auth.errors import InvalidLambdaResponse

MAX_ADDED_BYTES: Final = 16 * 1024  # tokens travel in a header, and servers take some 16 KiB of those
GROUPS: Final = "cognito:groups"
_OURS: Final = frozenset(
    [
        "acr",
        "amr",
        "at_hash",
        "aud",
        "auth_time",
        "azp",
        "c_hash",
        "client_id",
        "device_key",
        "event_id",
        "exp",
        "iat",
        "identities",
        "iss",
        "jti",
        "nbf",
        "nonce",
        "origin_jti",
        "scope",
        "sub",
        "token_use",
        "username",
        "version",
    ]
)
_OUR_PREFIXES: Final = ("cognito:", "dev:")
_OUR_SCOPES: Final = "aws.cognito."  # they open a user's own account: only a sign-in gives them


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Of one kind of token. :param groups: None: as they are."""

    added: Mapping[str, Any] = field(default_factory=dict, repr=False)
    suppressed: frozenset[str] = frozenset()
    more_scopes: tuple[str, ...] = ()
    fewer_scopes: frozenset[str] = frozenset()
    groups: Mapping[str, Any] | None = None

    def applied(self, claims: Mapping[str, Any]) -> dict[str, Any]:
        """:param claims: of the token as it would be without a trigger."""
        after = dict(claims)
        if self.groups is not None:
            after = {name: value for name, value in after.items() if name not in _GROUP_CLAIMS}
            after.update(self.groups)
        for name, value in self.added.items():
            if _may_change(name, value, claims):
                after[name] = value
        for name in self.suppressed:  # what is both added and taken away is taken away
            if _may_change(name, None, claims):
                after.pop(name, None)
        if "scope" in after:
            after["scope"] = self._scope(after["scope"])
        return after

    def _scope(self, granted: str) -> str:
        kept = [each for each in granted.split() if each not in self.fewer_scopes]
        more = [each for each in self.more_scopes if each not in kept and not each.startswith(_OUR_SCOPES)]
        return " ".join([*kept, *dict.fromkeys(more)])


NONE: Final = Changes()
_GROUP_CLAIMS: Final = (GROUPS, "cognito:roles", "cognito:preferred_role")


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrides:
    id: Changes = NONE
    access: Changes = NONE


def overrides_of(answer: Mapping[str, Any] | None) -> Overrides:
    """:param answer: checked, as `auth.flows.triggers.Triggers.ask` gives it.

    :raises InvalidLambdaResponse: more than a token can hold.
    """
    if answer is None:
        return Overrides()
    if len(json.dumps(answer)) > MAX_ADDED_BYTES:
        raise InvalidLambdaResponse(detail="more claims than a token can hold")
    first = answer.get("claimsOverrideDetails")
    if first:
        groups = _groups(first)
        return Overrides(id=_changes(first, groups), access=Changes(groups=_without_roles(groups)))
    second = answer.get("claimsAndScopeOverrideDetails")
    if not second:
        return Overrides()
    groups = _groups(second)
    return Overrides(
        id=_changes(second.get("idTokenGeneration"), groups),
        access=_changes(second.get("accessTokenGeneration"), _without_roles(groups)),
    )


def _changes(given: Mapping[str, Any] | None, groups: Mapping[str, Any] | None) -> Changes:
    given = given or {}
    return Changes(
        added=given.get("claimsToAddOrOverride") or {},
        suppressed=frozenset(given.get("claimsToSuppress") or ()),
        more_scopes=tuple(_scopes(given.get("scopesToAdd") or ())),
        fewer_scopes=frozenset(given.get("scopesToSuppress") or ()),
        groups=groups,
    )


def _scopes(given: Sequence[str]) -> Sequence[str]:
    if any(not each or each.split() != [each] for each in given):
        raise InvalidLambdaResponse(detail="a scope with a blank in it")
    return given


def _groups(details: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Where it is named but empty, the user is in no group: Cognito replaces the whole of it."""
    if "groupOverrideDetails" not in details:
        return None
    given = details["groupOverrideDetails"] or {}
    claims = {
        GROUPS: given.get("groupsToOverride"),
        "cognito:roles": given.get("iamRolesToOverride"),
        "cognito:preferred_role": given.get("preferredRole"),
    }
    return {name: value for name, value in claims.items() if value}


def _without_roles(groups: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Access tokens have groups only."""
    return None if groups is None else {name: value for name, value in groups.items() if name == GROUPS}


def _may_change(name: str, value: object, claims: Mapping[str, Any]) -> bool:
    """An access token, which has no ``aud``, may get one that names its own client."""
    if name == "aud":
        return claims.get("token_use") == "access" and value == claims.get("client_id")
    return name not in _OURS and not name.startswith(_OUR_PREFIXES)
