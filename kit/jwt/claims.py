"""What the claims of a verified token must say. Rules are bound to their configuration once; checking is pure.

Sources: RFC 7519 section 4.1; API Gateway Developer Guide, "Control access to HTTP APIs with JWT authorizers".
"""

from collections.abc import Mapping
from typing import Literal

from kit.jwt.refusal import (
    AUDIENCE,
    CLAIMS,
    EXPIRED,
    ISSUER,
    NOT_YET,
    TOKEN_USE,
    Refused,
    quote,
)

Claims = Mapping[str, object]


class ClaimRules:
    """Who issued it, for whom, for when, and for what use.

    :param audience: accepted ``aud``, or ``client_id`` where ``aud`` is absent; None: any one, of an issuer all of
        whose clients are accepted.
    :param token_use: None: not checked, as on API Gateway.
    :param leeway_s: for ``exp``, ``nbf`` and ``iat`` alike.
    """

    def __init__(
        self,
        *,
        issuer: str,
        audience: frozenset[str] | None,
        token_use: Literal["access", "id"] | None = None,
        leeway_s: int = 0,
    ) -> None:
        self._issuer = issuer
        self._audience = audience
        self._token_use = token_use
        self._leeway_s = leeway_s

    def check(self, claims: Claims, now_s: float) -> float:
        """Check all of them at one moment, seconds since the epoch.

        :returns: ``exp``, seconds since the epoch.
        :raises Refused: the first that does not hold.
        """
        issuer = claims.get("iss")
        if issuer != self._issuer:  # J10: no prefix, no list, no slash more or less
            raise Refused(ISSUER, f"its iss is {quote(issuer)} and must be {quote(self._issuer)}")
        self._check_audience(claims)
        self._check_use(claims)
        if not isinstance(claims.get("sub", ""), str):
            raise Refused(
                CLAIMS, "its sub is not a text"
            )  # and is not shown: it is a person, however it is written
        if "cnf" in claims:  # RFC 7800: whoever shows it must also prove to hold a key, and nobody asks here
            raise Refused(CLAIMS, "it is bound to a key (cnf), which cannot be checked here")
        return self._check_times(claims, now_s)

    def _check_audience(self, claims: Claims) -> None:
        name = "aud" if "aud" in claims else "client_id"  # J11: client_id only where there is no aud
        value = claims.get(name, "")
        if self._audience is None:
            if not isinstance(value, str) or not value:
                raise Refused(AUDIENCE, f"its {name} is {quote(value)}, which names no client")
            return
        wanted = ", ".join(sorted(self._audience))
        if isinstance(value, str):
            if value not in self._audience:  # J11: exactly one of them
                shown = quote(value) if name in claims else "missing, as is its aud"
                raise Refused(AUDIENCE, f"its {name} is {shown}; accepted: {wanted}")
            return
        if name != "aud" or not isinstance(value, list) or not all(type(entry) is str for entry in value):
            raise Refused(CLAIMS, f"its {name} is {quote(value)}, which is no text or list of texts")
        if self._audience.isdisjoint(value):  # J11: exactly one of them
            raise Refused(AUDIENCE, f"its aud is {quote(value)}; accepted: {wanted}")

    def _check_use(self, claims: Claims) -> None:
        wanted = self._token_use
        if wanted is not None and claims.get("token_use") != wanted:  # J13: only where it is configured
            raise Refused(
                TOKEN_USE, f"its token_use is {quote(claims.get('token_use'))} and must be {wanted!r}"
            )

    def _check_times(self, claims: Claims, now_s: float) -> float:
        expires_at_s = _time(claims, "exp")
        if expires_at_s is None:  # J9: a token that lives for ever is no token
            raise Refused(CLAIMS, "it has no exp")
        if now_s >= expires_at_s + self._leeway_s:  # J9
            raise Refused(EXPIRED, f"its exp is {quote(expires_at_s)}, and now it is {now_s:.0f}")
        for name in ("nbf", "iat"):
            begins_at_s = _time(claims, name)
            if begins_at_s is not None and now_s < begins_at_s - self._leeway_s:  # J9
                raise Refused(NOT_YET, f"its {name} is {quote(begins_at_s)}, and now it is {now_s:.0f}")
        return expires_at_s


def scopes_of(claims: Claims) -> tuple[str, ...]:
    """Every scope that a token grants: the words of ``scope`` and ``scp``, or the entries of a list ``scp``.

    What is of another type grants nothing: the token still opens routes that ask for no scope, as on AWS.
    """
    scope, scp = claims.get("scope"), claims.get("scp")
    found = (
        scope.split(" ") if isinstance(scope, str) else []
    )  # J12: RFC 6749 section 3.3 knows the space only
    if isinstance(scp, str):
        found += scp.split(" ")
    elif isinstance(scp, list):
        found += [entry for entry in scp if isinstance(entry, str)]
    return tuple(dict.fromkeys(word for word in found if word))


def _time(claims: Claims, name: str) -> float | None:
    """A NumericDate, None when there is none. Numbers are finite: the parser takes no others."""
    value = claims.get(name)
    if type(value) is int or type(value) is float:  # J9: exactly, since True is an int
        return value
    if value is None and name not in claims:
        return None
    raise Refused(CLAIMS, f"its {name} is {quote(value)}, not a number")
