"""How a request body is put into an event: as text or as base64.

Measured on AWS: text only for these media types; everything else, a missing content-type and form data
included, is base64.
"""

from base64 import b64encode

_TEXT_TYPES = frozenset({"application/json", "application/xml", "application/javascript"})


def encode_body(body: bytes, content_type: str | None) -> tuple[str, bool]:
    """Give the body's text and whether it is base64.

    A body that calls itself text but is not UTF-8 is base64 too: nothing else could carry it without loss.
    """
    if content_type is not None and (content_type in _TEXT_TYPES or _is_text(content_type)):
        try:
            return body.decode("utf-8"), False
        except UnicodeDecodeError:
            pass
    return b64encode(body).decode("ascii"), True


def _is_text(content_type: str) -> bool:
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type in _TEXT_TYPES or media_type.startswith("text/")
