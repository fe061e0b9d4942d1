"""What ListUsers is asked for: ``name = "value"`` or ``name ^= "prefix"``. Pure; nothing else is understood.

Source: Amazon Cognito API reference, ListUsers, "Filter".
"""

import re
from typing import Final

from auth.errors import InvalidParameter
from auth.flows.administration import ListFilter

SEARCHED: Final = frozenset(
    [
        "username",
        "email",
        "phone_number",
        "name",
        "given_name",
        "family_name",
        "preferred_username",
        "cognito:user_status",
        "status",
        "sub",
    ]
)
# The value ends at the first quote that no backslash goes before; each letter is looked at once.
_FILTER: Final = re.compile(r'\s*([A-Za-z_:]+)\s*(\^?=)\s*"((?:[^"\\]|\\.)*)"\s*', re.DOTALL)
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)


def user_filter(text: str | None) -> ListFilter | None:
    """:returns: None: no filter, so everybody.

    :raises InvalidParameter: it is not of that form, or of an attribute that nobody is found by.
    """
    if not text or not text.strip():
        return None
    match = _FILTER.fullmatch(text)
    if match is None:
        raise InvalidParameter(
            'Error while parsing filter. It is: attribute = "value", or attribute ^= "prefix".'
        )
    name, how, value = match.groups()
    if name not in SEARCHED:
        raise InvalidParameter(f"Users cannot be searched by {name[:32]}.")
    plain = _ESCAPED.sub(r"\1", value)
    if "\x00" in plain:
        raise InvalidParameter("Error while parsing filter. NUL is in no attribute.")
    return (name, "=" if how == "=" else "^=", plain)
