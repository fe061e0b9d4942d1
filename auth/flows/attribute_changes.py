"""Changes of a person's attributes, whoever makes them: a new address is worth nothing until a code came back (B11)."""

from collections.abc import Mapping
from datetime import datetime

from auth.core.attributes import VERIFIED, checked
from auth.core.username import has_names
from auth.errors import InvalidParameter
from auth.flows.codes import Codes
from auth.flows.naming import ATTRIBUTES, alias_of
from auth.flows.tools import Tools
from auth.mail import texts
from auth.pool import Pool
from auth.user import User


class AttributeChanges:
    def __init__(self, tools: Tools) -> None:
        self._users = tools.store.users
        self._codes = Codes(tools)
        self._post = tools.post

    def apply(
        self,
        pool: Pool,
        user: User,
        changes: Mapping[str, str | None],
        now: datetime,
        *,
        by_operator: bool = False,
    ) -> tuple[User, frozenset[str]]:
        """:returns: the user afterwards, and which addresses are new (``email``, ``phone_number``).

        :raises NotAuthorized, InvalidParameter: as `auth.core.attributes.checked`. :raises AliasExists: an operator
            gives somebody a verified address that somebody else signs in with.
        """
        wanted = checked(pool, changes, is_new=False, by_operator=by_operator)
        new = frozenset(
            name for name in VERIFIED if name in wanted and wanted[name] != user.attributes.get(name)
        )
        _require_a_way_in(pool, user, wanted)
        for name in new:
            if wanted.get(VERIFIED[name]) is None or wanted[name] is None:
                wanted[VERIFIED[name]] = None if wanted[name] is None else "false"
        aliases = _aliases(pool, user, wanted)
        after = self._users.update_attributes(user, wanted, now, aliases=aliases)
        if "email" in new:
            self._leave_old(pool, user, now)
        return after, new

    def _leave_old(self, pool: Pool, user: User, now: datetime) -> None:
        """Codes that went to the old address are dead, and its owner is told: they may be the victim."""
        self._codes.void(pool, user.sub, "reset", now)
        self._codes.void(pool, user.sub, "sign_up", now)
        old = user.attributes.get("email")
        if old is not None and user.is_verified("email"):
            self._post(texts.address_changed(pool, old))


def _aliases(pool: Pool, user: User, wanted: Mapping[str, str | None]) -> tuple[tuple[str, str | None], ...]:
    """A verified address opens the account, any other one does not; where there is nothing but addresses, the old one
    does until the new one is verified."""
    aliases: list[tuple[str, str | None]] = []
    after = {**user.attributes, **{name: value for name, value in wanted.items() if value is not None}}
    for kind, name in ATTRIBUTES.items():
        if kind not in pool.sign_in_with or (name not in wanted and VERIFIED[name] not in wanted):
            continue
        is_there = wanted.get(name, user.attributes.get(name)) is not None
        if is_there and after.get(VERIFIED[name]) == "true":
            alias = alias_of(pool, kind, after[name])
            aliases.append((kind, None if alias is None else alias[1]))
        elif has_names(pool) or not is_there:
            aliases.append((kind, None))
    return tuple(aliases)


def _require_a_way_in(pool: Pool, user: User, wanted: Mapping[str, str | None]) -> None:
    if has_names(pool):
        return
    left = [
        name
        for kind, name in ATTRIBUTES.items()
        if kind in pool.sign_in_with and wanted.get(name, user.attributes.get(name)) is not None
    ]
    if not left:
        raise InvalidParameter("A user of this user pool needs an address to sign in with.")
