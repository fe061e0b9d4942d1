"""The words of the commands that administer user pools."""

import argparse
import os

from lockgate.settings import CONFIG, STATE, add_flags
from lockgate.words import FreeOrderParser


def add_user_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(
        dest="action", metavar="ACTION", required=True, parser_class=FreeOrderParser
    )
    add = _action(actions, "add", "make a user; the password comes from standard input or a prompt")
    _person(add)
    add.add_argument("--email", metavar="ADDRESS", help="their address")
    add.add_argument(
        "--attribute",
        "-a",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="an attribute; repeatable",
    )
    add.add_argument(
        "--group", "-g", action="append", default=[], metavar="GROUP", help="a group; repeatable"
    )
    first = add.add_mutually_exclusive_group()
    first.add_argument("--temporary", action="store_true", help="make a first password, and print it")
    first.add_argument(
        "--invite", action="store_true", help="make a first password, and mail it through server.smtp"
    )
    add.add_argument("--unverified", action="store_true", help="their addresses have not been verified")
    people = _action(actions, "list", "list the users of a pool")
    people.add_argument("--group", "-g", metavar="GROUP", help="only those of a group")
    _person(_action(actions, "show", "show a user"))
    passwd = _action(actions, "passwd", "set a password, from standard input or a prompt; every session ends")
    _person(passwd)
    passwd.add_argument("--temporary", action="store_true", help="they must change it at the next sign-in")
    group = _action(actions, "group", "put a user into a group")
    _person(group)
    group.add_argument("group", metavar="GROUP")
    group.add_argument("--remove", action="store_true", help="take them out of it")
    _person(_action(actions, "disable", "keep a user from signing in; every session ends"))
    _person(_action(actions, "enable", "let a user sign in again"))
    _person(_action(actions, "confirm", "confirm a sign-up without its code"))
    delete = _action(actions, "delete", "delete a user and all of theirs")
    _person(delete)
    delete.add_argument("--yes", action="store_true", help="for good")
    _add_export(actions)
    _add_import(actions)


def _add_export(actions: "argparse._SubParsersAction[FreeOrderParser]") -> None:
    export = _action(actions, "export", "write everybody of a pool as JSON lines")
    export.add_argument("pool_word", nargs="?", metavar="POOL", help="name or id, as --pool")
    export.add_argument(
        "--output", "-o", default="-", metavar="FILE", help="a file for your eyes only; none: standard output"
    )
    export.add_argument("--with-hashes", action="store_true", help="with the hashes of passwords")
    export.add_argument(
        "--with-mfa-seeds", action="store_true", help="with the seeds of authenticator apps, as they are"
    )


def _add_import(actions: "argparse._SubParsersAction[FreeOrderParser]") -> None:
    bring = _action(actions, "import", "bring people into a pool: all lines of a file, or none")
    bring.add_argument("pool_word", nargs="?", metavar="POOL", help="name or id, as --pool")
    bring.add_argument("file", metavar="FILE|-", help="JSON lines; - is standard input")
    bring.add_argument(
        "--csv", action="store_true", help="the file is CSV with the header of Cognito's imports"
    )
    bring.add_argument(
        "--dry-run", action="store_true", help="say what is wrong or would be done; write nothing"
    )
    bring.add_argument(
        "--on-conflict",
        choices=("fail", "skip", "replace"),
        default="fail",
        help="somebody is in the pool already: write nothing (default), leave them as they are, or make them anew",
    )
    bring.add_argument("--create-groups", action="store_true", help="make the groups that the pool has not")
    bring.add_argument(
        "--drop-mfa", action="store_true", help="whoever's authenticator seed is missing comes without it"
    )


def add_pool_arguments(parser: argparse.ArgumentParser) -> None:
    actions = _actions(parser)
    _action(actions, "list", "list the user pools", with_pool=False)
    delete = _action(actions, "delete", "delete a user pool with all its people", with_pool=False)
    delete.add_argument("name", metavar="POOL", help="name or id")
    delete.add_argument("--yes", action="store_true", help="for good")


def add_keys_arguments(parser: argparse.ArgumentParser) -> None:
    actions = _actions(parser)
    _action(actions, "list", "list the keys that sign tokens")
    rotate = _action(actions, "rotate", "let the next key sign; the one before stays published")
    rotate.add_argument("--use", choices=("id", "access"), help="only the key of this kind of token")
    rotate.add_argument(
        "--now", action="store_true", help="also when verifiers may not know the next key yet"
    )


def add_client_arguments(parser: argparse.ArgumentParser) -> None:
    actions = _actions(parser)
    secret = _action(actions, "secret", "print a client's secret")
    secret.add_argument("name", metavar="CLIENT", help="name or id")
    secret.add_argument("--new", action="store_true", help="make another one; the old one ends in an hour")
    secret.add_argument("--now", action="store_true", help="with --new: the old one ends at once")


def add_issue_arguments(parser: argparse.ArgumentParser) -> None:
    _common(parser, with_pool=True)
    parser.add_argument(
        "--client", required=True, metavar="CLIENT", help="name or id of the client that it is for"
    )
    parser.add_argument("--user", metavar="NAME", help="whose it is; none: the client's own")
    parser.add_argument(
        "--scope",
        "-s",
        action="append",
        default=[],
        metavar="SCOPE",
        help="repeatable; none: all of the client's",
    )
    parser.add_argument("--id", action="store_true", help="print the ID token instead of the access token")


def _actions(parser: argparse.ArgumentParser) -> "argparse._SubParsersAction[argparse.ArgumentParser]":
    return parser.add_subparsers(dest="action", metavar="ACTION", required=True)


def _action(
    actions: "argparse._SubParsersAction[argparse.ArgumentParser] | argparse._SubParsersAction[FreeOrderParser]",
    name: str,
    text: str,
    *,
    with_pool: bool = True,
) -> argparse.ArgumentParser:
    action = actions.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
    action.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="print JSON")
    _common(action, with_pool=with_pool)
    return action


def _common(parser: argparse.ArgumentParser, *, with_pool: bool) -> None:
    add_flags(parser, (CONFIG, STATE), os.environ)
    if with_pool:
        parser.add_argument("--pool", metavar="POOL", help="name or id; needed where there are several")


def _person(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="user name, address or sub")
