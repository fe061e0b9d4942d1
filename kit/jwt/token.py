"""The form of a token: three canonical base64url segments whose header is strict JSON that we understand.

Everything that costs much or trusts the sender comes later: no key is looked up here, no signature computed.
"""

from typing import NamedTuple

from kit.jwt.base64url import decode
from kit.jwt.keys import MAX_KID_CHARS
from kit.jwt.refusal import (
    ALGORITHM,
    MALFORMED,
    SEGMENTS,
    TOO_LARGE,
    UNSUPPORTED,
    Refused,
    quote,
)
from kit.strict_json import StrictJsonError, parse_object

# 8 KiB: J7; real tokens have 0.5 to 3 KiB, and one header field may have 16 KiB.
MAX_TOKEN_CHARS = 8 * 1024
MAX_HEADER_BYTES = 4 * 1024

# RFC 7515 section 4.1.11 and RFC 7797 section 6: to ignore one of these is to read another message than was signed.
_REFUSED_PARAMETERS = ("crit", "b64", "zip", "cty")
# Lower case: media types have none. RFC 7519 section 5.1, RFC 9068 section 4.
_TYPES = ("jwt", "at+jwt", "application/at+jwt")


class Token(NamedTuple):
    """A token of good form, of which nothing has been verified.

    :param kid: None: it names no key.
    :param signing_input: the bytes that the signature is over.
    """

    algorithm: str
    kid: str | None
    signing_input: bytes
    payload: bytes
    signature: bytes


def read_token(text: str) -> Token:
    """Take a compact JWS apart (RFC 7515 section 7.1).

    :raises Refused: it has another form, or its header asks for something that is not understood.
    """
    if len(text) > MAX_TOKEN_CHARS:  # J7: before anything is decoded
        raise Refused(TOO_LARGE, f"it has {len(text)} characters, {MAX_TOKEN_CHARS} are the most")
    if not text.isascii():
        raise Refused(MALFORMED, "it has a character that base64url has not")
    segments = text.encode("ascii").split(b".")
    if len(segments) != 3:  # J6: also five, an encrypted token, and one, the JSON serialisation
        raise Refused(SEGMENTS, f"it has {len(segments)} segments instead of three")
    head, payload, signature = segments
    algorithm, kid = _read_header(_decode(head, "header"))
    return Token(
        algorithm=algorithm,
        kid=kid,
        signing_input=head + b"." + payload,
        payload=_decode(payload, "payload"),
        signature=_decode(signature, "signature"),
    )


def parse_payload(payload: bytes) -> dict[str, object]:
    """The claims, once the signature is known to be good.

    :raises Refused: the payload is no strict JSON object.
    """
    try:
        return parse_object(payload)
    except StrictJsonError as exc:
        raise Refused(MALFORMED, f"its payload cannot be read: {exc}") from exc


def _decode(segment: bytes, name: str) -> bytes:
    data = decode(segment)
    if not data:
        raise Refused(MALFORMED, f"its {name} is empty or not canonical base64url")
    return data


def _read_header(data: bytes) -> tuple[str, str | None]:
    if len(data) > MAX_HEADER_BYTES:  # J7
        raise Refused(TOO_LARGE, f"its header has {len(data)} bytes, {MAX_HEADER_BYTES} are the most")
    try:
        header = parse_object(data)
    except StrictJsonError as exc:
        raise Refused(MALFORMED, f"its header cannot be read: {exc}") from exc
    for name in _REFUSED_PARAMETERS:
        if name in header:  # J5
            raise Refused(UNSUPPORTED, f"its header has {name}, which is not understood here")
    kind = header.get("typ", "JWT")
    if not isinstance(kind, str) or kind.lower() not in _TYPES:  # J13: no other kind of signed object
        raise Refused(UNSUPPORTED, f"its typ is {quote(kind)}, it must be JWT or at+jwt")
    algorithm, kid = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str):
        raise Refused(ALGORITHM, "its header has no alg")
    if "kid" not in header:
        return algorithm, None
    if not isinstance(kid, str) or len(kid) > MAX_KID_CHARS:  # J3
        raise Refused(MALFORMED, f"its kid is no text of at most {MAX_KID_CHARS} characters")
    return algorithm, kid
