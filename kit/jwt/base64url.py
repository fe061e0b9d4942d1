"""Base64url as RFC 7515 section 2 has it: no padding, no other character, one spelling for each value."""

import binascii

_TO_STANDARD = bytes.maketrans(b"-_", b"+/")
_FROM_STANDARD = bytes.maketrans(b"+/", b"-_")
_PADDING = (b"", b"==", b"==", b"=")


def decode(text: bytes) -> bytes | None:
    """Decode; None when it is not the one canonical spelling of its value."""
    try:
        data = binascii.a2b_base64(text.translate(_TO_STANDARD) + _PADDING[len(text) % 4])
    except binascii.Error:
        return None
    # Writing it again refuses at once padding, foreign characters, and bits left over in the last one.
    return data if encode(data) == text else None


def encode(data: bytes) -> bytes:
    return binascii.b2a_base64(data, newline=False).translate(_FROM_STANDARD).rstrip(b"=")
