"""What a verified token proves, in the form in which integrations, templates and logs are told it."""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.authorizers.jwt.claim_text import claim_texts
from gateway.exchange import Authorization
from kit.jwt.claims import Claims, scopes_of


@dataclass(frozen=True, slots=True)
class VerifiedToken:
    """What a token proves. Shared by all its requests: nobody may change it.

    :param scopes: every one that it grants.
    :param unscoped: for routes that ask for no scope, which are told none either (``scopes`` is null).
    """

    scopes: tuple[str, ...]
    expires_at_s: float
    unscoped: Authorization
    scoped: Authorization

    @classmethod
    def of(cls, claims: Claims, expires_at_s: float) -> "VerifiedToken":
        """:param claims: whose signature and rules have been checked."""
        scopes = scopes_of(claims)
        texts = claim_texts(claims)
        values = {f"claims.{name}": text for name, text in texts.items()}
        return cls(
            scopes=scopes,
            expires_at_s=expires_at_s,
            unscoped=_authorization({"claims": texts, "scopes": None}, values),
            scoped=_authorization({"claims": texts, "scopes": list(scopes)}, values),
        )


def _authorization(found: Mapping[str, object], values: Mapping[str, object]) -> Authorization:
    return Authorization(v2={"jwt": found}, v1=found, values=values)
