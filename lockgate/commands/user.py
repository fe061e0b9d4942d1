"""``lockgate user``: the people of a pool, for operators. Passwords come from standard input or a prompt."""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from auth.pool import Pool
from auth.user import User
from lockgate.console import visible
from lockgate.errors import ExitCode, UsageError
from lockgate.password_input import read_password
from lockgate.pool_office import Office, open_office

PAGE = 60


def run(arguments: argparse.Namespace) -> int:
    with open_office(arguments) as office:
        _ACTIONS[arguments.action](office, office.pool(_pool_name(arguments)), arguments)
    return ExitCode.OK


def _pool_name(arguments: argparse.Namespace) -> str | None:
    """Whoever moves may write the pool without --pool."""
    word: str | None = getattr(arguments, "pool_word", None)
    if word and arguments.pool and word != arguments.pool:
        raise UsageError(f"Is it {word} or {arguments.pool}?", "Name the pool once.")
    return word or arguments.pool


def _export(office: Office, pool: Pool, arguments: argparse.Namespace) -> None:
    from lockgate.moving.leaving import export_people

    export_people(office, pool, arguments)


def _import(office: Office, pool: Pool, arguments: argparse.Namespace) -> None:
    from lockgate.moving.arriving import import_people

    import_people(office, pool, arguments)


def _add(office: Office, pool: Pool, arguments: argparse.Namespace) -> None:
    """Addresses that an operator gives count as verified, unless they say otherwise."""
    attributes = _attributes(arguments, pool)
    is_first = arguments.temporary or arguments.invite
    if arguments.invite:
        office.may_invite(attributes)
    created = office.administration.create_user(
        pool,
        arguments.name,
        attributes,
        now=office.now,
        password=None if is_first else read_password(),
        is_permanent=not is_first,
        invites=arguments.invite,
        groups=tuple(arguments.group),
    )
    user = office.administration.show(pool, created.user.sub)
    trouble = office.send_mail() if arguments.invite else ""
    is_shown = arguments.temporary or bool(trouble)
    if trouble:
        sys.stderr.write(f"The invitation was not sent: {visible(trouble)}.\n")
    shown = {"password": created.password} if is_shown else {}
    if arguments.json:
        _print_json({**described(user), **shown})
        return
    print(f"{_name(user)} is in {pool.name} now, as {user.sub}.")  # noqa: T201
    if arguments.invite and not trouble:
        print(f"Their first password is on its way to {visible(user.attributes['email'])}.")  # noqa: T201
    if is_shown:
        print(f"Their first password, to be changed at the first sign-in: {created.password}")  # noqa: T201


def _attributes(arguments: argparse.Namespace, pool: Pool) -> dict[str, str]:
    given: dict[str, str] = {}
    for pair in arguments.attribute:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise UsageError(f"{pair!r} is no attribute.", "Write NAME=VALUE, as given_name=Ada.")
        given[name] = value
    if arguments.email:
        given["email"] = arguments.email
    kinds = {"email": "@" in arguments.name, "phone": arguments.name.startswith("+")}
    for kind, attribute in (("email", "email"), ("phone", "phone_number")):
        is_name = kind in pool.sign_in_with and "username" not in pool.sign_in_with and kinds[kind]
        if (is_name or attribute in given) and not arguments.unverified:
            given.setdefault(f"{attribute}_verified", "true")
        if is_name:
            given.setdefault(attribute, arguments.name)
    return given


def _list(office: Office, pool: Pool, arguments: argparse.Namespace) -> None:
    users = list(_all(office, pool, arguments.group))
    if arguments.json:
        _print_json([described(user) for user in users])
        return
    rows = [(_name(user), _state(user), ", ".join(user.groups), user.sub) for user in users]
    for line in table(("name", "status", "groups", "sub"), rows):
        print(line)  # noqa: T201
    print(f"{len(users)} {'person' if len(users) == 1 else 'people'} in {pool.name}")  # noqa: T201


def _all(office: Office, pool: Pool, group: str | None) -> Iterator[User]:
    after = None
    while True:
        page = office.administration.list(pool, limit=PAGE, after=after, group=group)
        yield from page.users
        if page.next is None:
            return
        after = page.next


def _show(office: Office, pool: Pool, arguments: argparse.Namespace) -> None:
    user = office.administration.show(pool, arguments.name)
    if arguments.json:
        _print_json(described(user))
        return
    facts = {
        "sub": user.sub,
        "status": _state(user),
        **user.attributes,
        "groups": ", ".join(user.groups) or "none",
        "second factor": ", ".join(sorted(user.mfa.enabled)) or "none",
        "since": f"{user.created_at:%Y-%m-%d %H:%M} UTC",
    }
    width = max(map(len, facts))
    print(visible(_name(user)))  # noqa: T201
    for name, value in facts.items():
        print(f"  {visible(name):<{width}}  {visible(value)}")  # noqa: T201


def _passwd(office: Office, pool: Pool, arguments: argparse.Namespace) -> None:
    user = office.administration.show(pool, arguments.name)  # before anything is asked for
    office.administration.set_password(
        pool,
        user.sub,
        read_password(what="New password"),
        is_permanent=not arguments.temporary,
        now=office.now,
    )
    again = "; they must change it at the next sign-in" if arguments.temporary else ""
    _done(arguments, user, f"{_name(user)} has a new password{again}. Every session has ended.")


def _group(office: Office, pool: Pool, arguments: argparse.Namespace) -> None:
    user = office.administration.show(pool, arguments.name)
    if arguments.remove:
        office.administration.remove_from_group(pool, user.sub, arguments.group, now=office.now)
        _done(arguments, user, f"{_name(user)} is not in {arguments.group} any more.")
    else:
        office.administration.add_to_group(pool, user.sub, arguments.group, now=office.now)
        _done(arguments, user, f"{_name(user)} is in {arguments.group} now.")


def _disable(office: Office, pool: Pool, arguments: argparse.Namespace) -> None:
    user = office.administration.show(pool, arguments.name)
    office.administration.disable(pool, user.sub, now=office.now)
    _done(arguments, user, f"{_name(user)} cannot sign in any more. Every session has ended.")


def _enable(office: Office, pool: Pool, arguments: argparse.Namespace) -> None:
    user = office.administration.show(pool, arguments.name)
    office.administration.enable(pool, user.sub, now=office.now)
    _done(arguments, user, f"{_name(user)} can sign in again.")


def _confirm(office: Office, pool: Pool, arguments: argparse.Namespace) -> None:
    user = office.administration.show(pool, arguments.name)
    office.administration.confirm(pool, user.sub, now=office.now)
    _done(arguments, user, f"{_name(user)} is confirmed. No address of theirs has been verified by it.")


def _delete(office: Office, pool: Pool, arguments: argparse.Namespace) -> None:
    user = office.administration.show(pool, arguments.name)
    if not arguments.yes:
        raise UsageError(f"{_name(user)} and all of theirs would be gone for good.", "Say --yes.")
    office.administration.delete(pool, user.sub, now=office.now)
    _done(arguments, user, f"{_name(user)} is gone.")


_ACTIONS: Mapping[str, Callable[[Office, Pool, argparse.Namespace], None]] = {
    "add": _add,
    "list": _list,
    "show": _show,
    "passwd": _passwd,
    "group": _group,
    "disable": _disable,
    "enable": _enable,
    "confirm": _confirm,
    "delete": _delete,
    "export": _export,
    "import": _import,
}


def described(user: User) -> dict[str, Any]:
    """A person as JSON; scripts rely on its shape."""
    return {
        "sub": user.sub,
        "username": user.username,
        "status": user.status,
        "enabled": user.is_enabled,
        "attributes": dict(user.attributes),
        "groups": list(user.groups),
        "mfa": sorted(user.mfa.enabled),
        "created_at": user.created_at.isoformat(),
        "updated_at": user.updated_at.isoformat(),
    }


def table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Lines with columns as wide as what is in them; nothing without rows."""
    if not rows:
        return
    shown = [heads, *(tuple(visible(cell) for cell in row) for row in rows)]
    widths = [max(len(row[index]) for row in shown) for index in range(len(heads))]
    for row in shown:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _name(user: User) -> str:
    """What people call themselves: names that are addresses are kept as attributes."""
    if user.username != user.sub:
        return user.username
    return user.attributes.get("email") or user.attributes.get("phone_number") or user.sub


def _state(user: User) -> str:
    return user.status if user.is_enabled else f"{user.status}, disabled"


def _done(arguments: argparse.Namespace, user: User, sentence: str) -> None:
    if arguments.json:
        _print_json({"sub": user.sub, "action": arguments.action})
    else:
        print(visible(sentence))  # noqa: T201


def _print_json(value: object) -> None:
    print(json.dumps(value, indent=2))  # noqa: T201
