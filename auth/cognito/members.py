"""Shapes that many actions share, by the names that the service model gives them."""

import unicodedata
from collections.abc import Mapping
from typing import Final

from auth.cognito.shapes import Dictionary, Flag, Listing, Shape, Structure, Text, Whole

_NAME_CATEGORIES: Final = frozenset("LMSNP")
_NAME_PATTERN: Final = r"[\p{L}\p{M}\p{S}\p{N}\p{P}]+"


def _is_name(text: str) -> bool:
    return bool(text) and all(unicodedata.category(letter)[0] in _NAME_CATEGORIES for letter in text)


def _has_no_blank_ends(text: str) -> bool:
    """What that pattern says, without its cubic time."""
    return len(text) > 1 and not text[0].isspace() and not text[-1].isspace()


# Longer than the model's 128: an address may be, where people sign in with one. What is a name is the flows' to say.
USERNAME: Final = Text(min=1, max=512)
PASSWORD: Final = Text(max=256, pattern=r"^[\S]+.*[\S]+$", shows=False, matches=_has_no_blank_ends)
OLD_PASSWORD: Final = Text(max=256, shows=False)
CODE: Final = Text(min=1, max=2048, pattern=r"[\S]+", shows=False)
TOTP_CODE: Final = Text(min=6, max=6, pattern=r"[0-9]+", shows=False)
ACCESS_TOKEN: Final = Text(pattern=r"[A-Za-z0-9-_=.]+", shows=False)
SESSION: Final = Text(min=20, max=4096, shows=False)
SECRET_HASH: Final = Text(min=1, max=128, pattern=r"[\w+=/]+", shows=False)
CLIENT_ID: Final = Text(min=1, max=128, pattern=r"[\w+]+")
POOL_ID: Final = Text(min=1, max=55, pattern=r"[\w-]+_[0-9a-zA-Z]+")
GROUP_NAME: Final = Text(min=1, max=128, pattern=_NAME_PATTERN, matches=_is_name)
DESCRIPTION: Final = Text(max=2048)
ARN: Final = Text(
    min=20,
    max=2048,
    pattern=r"arn:[\w+=/,.@-]+:[\w+=/,.@-]+:([\w+=/,.@-]*)?:[0-9]+:[\w+=/,.@-]+(:[\w+=/,.@-]+)?(:[\w+=/,.@-]+)?",
)
PRECEDENCE: Final = Whole(min=0)
ATTRIBUTE_NAME: Final = Text(min=1, max=32, pattern=_NAME_PATTERN, matches=_is_name)
ATTRIBUTE: Final = Structure(members={"Name": ATTRIBUTE_NAME, "Value": Text(max=2048)}, needs=("Name",))
ATTRIBUTES: Final = Listing(of=ATTRIBUTE)
ATTRIBUTE_NAMES: Final = Listing(of=ATTRIBUTE_NAME)
METADATA: Final = Dictionary()
PAGE_LIMIT: Final = Whole(min=0, max=60)
PAGE_TOKEN: Final = Text(min=1, pattern=r"[\S]+")
MFA_SWITCH: Final = Structure(members={"Enabled": Flag(), "PreferredMfa": Flag()})
MFA_SETTINGS: Final[Mapping[str, Shape]] = {
    "SMSMfaSettings": MFA_SWITCH,
    "SoftwareTokenMfaSettings": MFA_SWITCH,
    "EmailMfaSettings": MFA_SWITCH,
    "WebAuthnMfaSettings": Structure(members={"Enabled": Flag()}),
}
# Of actions that name a user without a token.
NAMED: Final[Mapping[str, Shape]] = {
    "ClientId": CLIENT_ID,
    "SecretHash": SECRET_HASH,
    "Username": USERNAME,
    "ClientMetadata": METADATA,
}
