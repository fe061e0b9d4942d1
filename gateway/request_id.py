"""Request ids: 11 random bytes as URL-safe base64, 16 characters that end in ``=``, like API Gateway's."""

from binascii import b2a_base64

REQUEST_ID_BYTES = 11
_URL_SAFE = bytes.maketrans(b"+/", b"-_")


def format_request_id(random: bytes) -> str:
    """:param random: `REQUEST_ID_BYTES` bytes."""
    return b2a_base64(random, newline=False).translate(_URL_SAFE).decode("ascii")
