"""Why a token is refused: a reason for logs and metrics, and a fixed text for ``error_description``.

The texts are constants: nothing of a token ever reaches a response header. Source: API Gateway Developer Guide,
"Troubleshooting issues with HTTP API JWT authorizers", and texts that its users have quoted.
"""

from typing import Literal, NamedTuple

RefusalReason = Literal[
    "identity_missing",
    "identity_repeated",
    "token_malformed",
    "algorithm_refused",
    "key_unknown",
    "signature_invalid",
    "issuer_wrong",
    "audience_wrong",
    "token_expired",
    "token_not_yet_valid",
    "claims_invalid",
    "token_use_wrong",
    "scope_insufficient",
]


class Refusal(NamedTuple):
    """:param description: what the client is told."""

    reason: RefusalReason
    description: str


MISSING = Refusal("identity_missing", "no token was sent")
REPEATED = Refusal("identity_repeated", "more than one token was sent")
SEGMENTS = Refusal("token_malformed", "token contains an invalid number of segments")
MALFORMED = Refusal("token_malformed", "the token is malformed")
TOO_LARGE = Refusal("token_malformed", "the token is too large")
UNSUPPORTED = Refusal("token_malformed", "the token header is not supported")
ALGORITHM = Refusal("algorithm_refused", "the token does not have a valid algorithm")
KEY = Refusal("key_unknown", "the token does not have a known key id")
SIGNATURE = Refusal("signature_invalid", "signature is invalid")
ISSUER = Refusal("issuer_wrong", "the token does not have a valid issuer")
AUDIENCE = Refusal("audience_wrong", "the token does not have a valid audience")
EXPIRED = Refusal("token_expired", "the token has expired")
NOT_YET = Refusal("token_not_yet_valid", "the token is not valid yet")
CLAIMS = Refusal("claims_invalid", "the token does not have valid claims")
TOKEN_USE = Refusal("token_use_wrong", "the token does not have a valid token use")
SCOPE = Refusal("scope_insufficient", "the token does not have a required scope")

REFUSALS = (
    MISSING,
    REPEATED,
    SEGMENTS,
    MALFORMED,
    TOO_LARGE,
    UNSUPPORTED,
    ALGORITHM,
    KEY,
    SIGNATURE,
    ISSUER,
    AUDIENCE,
    EXPIRED,
    NOT_YET,
    CLAIMS,
    TOKEN_USE,
    SCOPE,
)

# What a token says is cut here before it goes into a sentence.
MAX_QUOTED_CHARS = 120


class Refused(Exception):
    """A token is not accepted; each dialect translates it once, at its edge.

    :param sentence: what exactly is wrong, for the one who asks why. It quotes the token: it is in no log.
    """

    def __init__(self, refusal: Refusal, sentence: str) -> None:
        super().__init__(sentence)
        self.refusal = refusal
        self.sentence = sentence


def quote(value: object) -> str:
    """A value of a token as it may stand in a sentence."""
    text = repr(value)
    return text if len(text) <= MAX_QUOTED_CHARS else f"{text[:MAX_QUOTED_CHARS]}…"
