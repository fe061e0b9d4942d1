"""From the text of a token to what it proves. Pure: the key and the time are given, nothing is kept."""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.authorizers.jwt.claim_text import claim_texts
from gateway.authorizers.jwt.claims import ClaimRules, scopes_of
from gateway.authorizers.jwt.jwk import VerificationKey
from gateway.authorizers.jwt.refusal import ALGORITHM, KEY, SIGNATURE, Refused, quote
from gateway.authorizers.jwt.spec import JwtSpec
from gateway.authorizers.jwt.token import Token, parse_payload, read_token
from gateway.exchange import Authorization


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


class Verifier:
    """The steps for one configuration: `read`, then a key from wherever it is, then `verify`."""

    def __init__(self, spec: JwtSpec) -> None:
        self._algorithms = spec.issuer.algorithms
        self._rules = ClaimRules(spec)

    def read(self, text: str) -> tuple[Token, str]:
        """Take the token apart, so far that its key can be looked up.

        :returns: the token and its kid.
        :raises Refused: bad form, an algorithm that is not configured, no kid.
        """
        token = read_token(text)
        if token.algorithm not in self._algorithms:  # J1
            raise Refused(
                ALGORITHM, f"its alg is {quote(token.algorithm)}; accepted: {', '.join(self._algorithms)}"
            )
        if token.kid is None:
            raise Refused(KEY, "its header has no kid")
        return token, token.kid

    def open(self, token: Token, key: VerificationKey | None) -> dict[str, object]:
        """Check the signature, and only then look at what was signed.

        :param key: what the issuer has under the token's kid.
        :raises Refused: no key, not signed by it, or no JSON object.
        """
        if key is None:
            raise Refused(KEY, f"the issuer has no usable key called {quote(token.kid)}")
        return parse_payload(verified_payload(token, key))

    def check(self, claims: dict[str, object], now_s: float) -> VerifiedToken:
        """Check the claims at a moment, seconds since the epoch. :raises Refused: one does not hold."""
        expires_at_s = self._rules.check(claims, now_s)
        scopes = scopes_of(claims)
        texts = claim_texts(claims)
        values = {f"claims.{name}": text for name, text in texts.items()}
        return VerifiedToken(
            scopes=scopes,
            expires_at_s=expires_at_s,
            unscoped=_authorization({"claims": texts, "scopes": None}, values),
            scoped=_authorization({"claims": texts, "scopes": list(scopes)}, values),
        )


def verified_payload(token: Token, key: VerificationKey) -> bytes:
    """The bytes that were signed with *key*. :raises Refused: they were not."""
    if token.algorithm not in key.algorithms:  # J1: the key says what it is for, the token only picks
        raise Refused(
            ALGORITHM, f"its alg is {quote(token.algorithm)}, its key is for {', '.join(key.algorithms)}"
        )
    if not key.verify(token.algorithm, token.signing_input, token.signature):
        raise Refused(SIGNATURE, f"it was not signed with the key {quote(key.kid)}, or was changed since")
    return token.payload


def _authorization(found: Mapping[str, object], values: Mapping[str, object]) -> Authorization:
    return Authorization(v2={"jwt": found}, v1=found, values=values)
