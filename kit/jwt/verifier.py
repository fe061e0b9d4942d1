"""From the text of a token to what it proves. Pure: the key and the time are given, nothing is kept."""

from collections.abc import Collection

from kit.jwt.claims import ClaimRules, Claims
from kit.jwt.jwk import VerificationKey
from kit.jwt.refusal import ALGORITHM, KEY, SIGNATURE, Refused, quote
from kit.jwt.token import Token, parse_payload, read_token


class Verifier:
    """The steps for one configuration: `read`, then a key from wherever it is, then `verify`."""

    def __init__(self, algorithms: Collection[str], rules: ClaimRules) -> None:
        self._algorithms = algorithms
        self._rules = rules

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

    def check(self, claims: Claims, now_s: float) -> float:
        """Check the claims at a moment, seconds since the epoch.

        :returns: when the token expires, seconds since the epoch.
        :raises Refused: a claim does not hold.
        """
        return self._rules.check(claims, now_s)


def verified_payload(token: Token, key: VerificationKey) -> bytes:
    """The bytes that were signed with *key*. :raises Refused: they were not."""
    if token.algorithm not in key.algorithms:  # J1: the key says what it is for, the token only picks
        raise Refused(
            ALGORITHM, f"its alg is {quote(token.algorithm)}, its key is for {', '.join(key.algorithms)}"
        )
    if not key.verify(token.algorithm, token.signing_input, token.signature):
        raise Refused(SIGNATURE, f"it was not signed with the key {quote(key.kid)}, or was changed since")
    return token.payload
