"""Request ids: 11 random bytes as URL-safe base64, 16 characters that end in ``=``, like API Gateway's."""

from base64 import urlsafe_b64encode

REQUEST_ID_BYTES = 11


def format_request_id(random: bytes) -> str:
    """:param random: `REQUEST_ID_BYTES` bytes."""
    return urlsafe_b64encode(random).decode("ascii")
