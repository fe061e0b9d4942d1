"""One page of a list that is in memory, in the order of its keys."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from auth.cognito.action import Call
from auth.cognito.paging import page_token, place_of

MOST: Final = 60
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Page(Generic[_T]):
    """:param next: the member ``NextToken``, if there is more."""

    items: Sequence[_T]
    next: Mapping[str, str] = field(default_factory=dict)


def page_of(
    call: Call, action: str, items: Sequence[_T], key: Callable[[_T], str], *, most: int = MOST
) -> Page[_T]:
    """By ``MaxResults`` and ``NextToken``. :param items: in the order of their keys.

    :raises InvalidParameter: the token is not of this list.
    """
    of = f"{action} {call.text('UserPoolId')}".rstrip()
    place = place_of(of, call.text("NextToken"))
    rest = [item for item in items if place is None or key(item) > "".join(place[:1])]
    limit = call.input.get("MaxResults") or most
    if len(rest) <= limit:
        return Page(rest)
    return Page(rest[:limit], {"NextToken": page_token(of, key(rest[limit - 1]))})
