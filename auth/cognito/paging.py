"""Tokens for the next page: opaque to clients, not secret, and good only for the list that they were made for.

A forged one names another place in a list that its owner may read anyway; so it is not signed, only read with care.
"""

import base64
import binascii
import json
from typing import Final

from auth.errors import InvalidParameter

MAX_TOKEN: Final = 4096  # characters; a place is a name or two
_BAD: Final = "Invalid pagination token."


def page_token(of: str, *place: str) -> str:
    """:param of: which list, with what it was asked for: ``ListUsers us-east-1_Main00001``.

    :param place: where the next page begins, as its reader wants it back.
    """
    text = json.dumps([of, *place], separators=(",", ":"), ensure_ascii=False)
    return base64.urlsafe_b64encode(text.encode()).decode()


def place_of(of: str, token: str | None) -> tuple[str, ...] | None:
    """:returns: what `page_token` was given; None: there is no token, so it is the first page.

    :raises InvalidParameter: it is none of ours, or one of another list.
    """
    if not token:
        return None
    try:
        if len(token) > MAX_TOKEN:
            raise ValueError("too long")
        read = json.loads(base64.b64decode(token, altchars=b"-_", validate=True))
    except (ValueError, RecursionError, binascii.Error) as error:
        raise InvalidParameter(_BAD) from error
    if not isinstance(read, list) or not all(isinstance(one, str) for one in read) or read[:1] != [of]:
        raise InvalidParameter(_BAD)
    return tuple(read[1:])
