"""Where a token is in a request, and what is around it there."""

from gateway.exchange import Exchange
from gateway.selection import Selection
from kit.jwt.refusal import MISSING, REPEATED, Refused

_SCHEME = "bearer "


class TokenSource:
    """One place, as configured: a token anywhere else does not count (J14)."""

    __slots__ = ("_selection",)

    def __init__(self, selection: Selection) -> None:
        self._selection = selection

    def take(self, exchange: Exchange) -> str:
        """The text of the token, unchecked.

        :raises Refused: there is none, or more than one.
        :raises BadRequest: the query has too many pairs.
        """
        values = self._selection.resolve_all(exchange)
        if len(values) > 1:  # J14: another server on the way may have looked at the other one
            raise Refused(REPEATED, f"{self._selection.text} is there {len(values)} times")
        text = bare_token(values[0]) if values else ""
        if not text:
            raise Refused(MISSING, f"there is no token at {self._selection.text}")
        return text


def bare_token(value: str) -> str:
    """The token of ``Bearer TOKEN``, in which the scheme has any case, or of the token alone."""
    if value[:7].lower() == _SCHEME:
        return value[7:].lstrip(" ")
    return "" if value.lower() == "bearer" else value
