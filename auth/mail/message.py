"""One mail as the flows write it: an address, a subject, plain text. Nothing in it can become a header or a link.

What would break out of its place is refused when the message is made, before it waits in any queue (B14).
"""

import re
from dataclasses import dataclass, field
from typing import Final, Literal

from auth.errors import InvalidParameter

Purpose = Literal[
    "sign_up",
    "resend",
    "reset",
    "attribute",
    "mfa",
    "taken_address",
    "invitation",
    "password_changed",
    "address_changed",
]

MAX_ADDRESS: Final = 254  # RFC 5321 §4.5.3.1.3: 256 with its brackets
MAX_LOCAL_PART: Final = 64  # RFC 5321 §4.5.3.1.1
MAX_SUBJECT: Final = 140  # as Cognito's
MAX_TEXT: Final = 20_000  # as Cognito's

# The dot-atom form of RFC 5322 §3.4.1, with RFC 6531's letters. Quoted local parts and address literals are legal,
# nobody's, and where parsers disagree about who gets the mail.
_ATOM = r"[^\W_]|[!#$%&'*+/=?^_`{|}~-]"
_LABEL = r"[^\W_](?:(?:[^\W_]|-){0,61}[^\W_])?"
_ADDRESS = re.compile(rf"(?:{_ATOM})+(?:\.(?:{_ATOM})+)*@{_LABEL}(?:\.{_LABEL})*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """:param to: one address, without a display name. :param subject: one line. :param text: lines end with ``\\n``.

    :raises InvalidParameter: a part of it cannot be sent safely.
    """

    to: str = field(repr=False)
    subject: str
    text: str = field(repr=False)
    pool_id: str
    purpose: Purpose

    def __post_init__(self) -> None:
        if not is_address(self.to):
            raise InvalidParameter("Invalid email address format.")
        if not self.subject or len(self.subject) > MAX_SUBJECT or not self.subject.isprintable():
            raise InvalidParameter("Invalid subject of a mail.")
        if len(self.text) > MAX_TEXT or not all(line.isprintable() for line in self.text.split("\n")):
            raise InvalidParameter("Invalid text of a mail.")


def is_address(text: str) -> bool:
    """Whether *text* is exactly one mail address: no name, no comment, no blank, no control character."""
    local = text.partition("@")[0]
    fits = len(text.encode("utf-8", "replace")) <= MAX_ADDRESS and len(local) <= MAX_LOCAL_PART
    return fits and text.isprintable() and _ADDRESS.fullmatch(text) is not None
