"""The command line: one parser, one command a module, and one place that turns errors into exit codes.

Imports of the commands happen on use, so that ``lockgate --help`` is quick and the server carries no CLI library.
"""

import argparse
import difflib
import io
import json
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.metadata import version

from lockgate.errors import CommandError, ExitCode
from lockgate.pool_arguments import (
    add_client_arguments,
    add_issue_arguments,
    add_keys_arguments,
    add_pool_arguments,
    add_user_arguments,
)
from lockgate.settings import CONFIG, EXECUTOR_FLAGS, SERVER_FLAGS, STATE, add_flags
from lockgate.words import Parser

Run = Callable[[argparse.Namespace], int]

# A command NAME is the module lockgate.commands.NAME; its `run` returns the exit code.
COMMANDS = {
    "serve": "run the server",
    "dev": "run the server on this machine, with logs a person reads",
    "executor": "run functions for gateways in processes of their own",
    "check": "check the routes file exactly as the server does",
    "routes": "list the routes and what answers them",
    "schema": "print the grammar of routes.yaml as JSON Schema",
    "reload": "make the running server read its files again",
    "explain": "say what would become of a request, and why",
    "user": "add, list, change, delete, export and import the people of a user pool",
    "pool": "list user pools, or delete one",
    "keys": "list or rotate the keys that sign tokens",
    "client": "print or renew a client's secret",
    "token": "show what a token says, who would believe it, or issue one",
    "invoke": "call a function of the running server and show its log",
    "logs": "show what functions printed",
    "env": "print the endpoints and credentials for AWS clients",
    "images": "list, pull or make the images that functions run in",
    "runtimes": "install what AWS's runtimes bring along (boto3, @aws-sdk, the Java client)",
    "doctor": "say what this machine and its engine offer, and what follows from what they lack",
}
DOCTOR_FLAGS = ("config", "state", "driver", "uid-base")
LATER = ("init",)


def build_parser() -> Parser:
    parser = Parser(
        prog="lockgate",
        description="API Gateway, Lambda and Cognito user pools, self-hosted, in one program.",
        epilog="Exit codes: 2 usage, 3 configuration, 4 authorization, 5 runtime.",
    )
    parser.add_argument("--version", action="version", version=f"lockgate {version('lockgate')}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=Parser)
    for name, help_text in COMMANDS.items():
        command = commands.add_parser(
            name, help=help_text, description=help_text[0].upper() + help_text[1:] + "."
        )
        command.add_argument("--json", action="store_true", help="print JSON")
        _ARGUMENTS[name](command)
    return parser


def _server_arguments(parser: argparse.ArgumentParser) -> None:
    add_flags(parser, SERVER_FLAGS, os.environ)


def _dev_arguments(parser: argparse.ArgumentParser) -> None:
    _server_arguments(parser)
    parser.add_argument(
        "--tls", action="store_true", help="the gateway speaks TLS, with a certificate made for this machine"
    )


def _executor_arguments(parser: argparse.ArgumentParser) -> None:
    add_flags(parser, EXECUTOR_FLAGS, os.environ)


def _config_arguments(parser: argparse.ArgumentParser) -> None:
    add_flags(parser, (CONFIG,), os.environ)


def _no_arguments(parser: argparse.ArgumentParser) -> None:
    """The command takes only --json."""


def _invoke_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("function", metavar="FN", help="the function's name in routes.yaml")
    add_flags(parser, (STATE,), os.environ)
    parser.add_argument(
        "-p", "--payload", default="{}", help="the event: JSON, @FILE, or - for standard input"
    )
    parser.add_argument("--no-log", action="store_true", help="leave the function's log out")


def _logs_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("function", metavar="FN", nargs="?", help="only this function")
    add_flags(parser, (STATE,), os.environ)
    parser.add_argument("-f", "--follow", action="store_true", help="go on as new lines come")
    parser.add_argument(
        "-n", "--lines", type=int, default=200, metavar="N", help="the last N lines (default 200)"
    )


def _env_arguments(parser: argparse.ArgumentParser) -> None:
    add_flags(parser, (CONFIG, STATE), os.environ)
    parser.add_argument("--secrets", action="store_true", help="with --json: the secrets of clients, too")


def _reload_arguments(parser: argparse.ArgumentParser) -> None:
    add_flags(parser, (STATE,), os.environ)


def _explain_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("method", metavar="METHOD", help="as GET")
    parser.add_argument("path", metavar="PATH", help="with its query, as on the wire")
    add_flags(parser, (CONFIG, STATE), os.environ)
    parser.set_defaults(config=None)  # whether it was given decides which of the two is asked
    parser.add_argument(
        "--token",
        metavar="-|FILE",
        help="a token, from standard input (-) or a file, put where the route looks",
    )
    parser.add_argument(
        "--header", "-H", action="append", default=[], metavar="'NAME: VALUE'", help="a header; repeatable"
    )
    parser.add_argument("--host", metavar="HOST", help="the Host header")
    parser.add_argument(
        "--from", dest="source", default="127.0.0.1", metavar="ADDRESS", help="who asks (default 127.0.0.1)"
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--live", action="store_true", help="ask the running server, or fail")
    where.add_argument("--offline", action="store_true", help="ask the routes file and the kept keys")
    parser.add_argument(
        "--claims", action="store_true", help="show every claim of a token whose signature is good"
    )


def _token_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, text in (
        ("decode", "show what a token says"),
        ("verify", "say who would believe it, and why not"),
    ):
        action = actions.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        action.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="print JSON")
        action.add_argument(
            "token",
            nargs="?",
            default="-",
            metavar="-|FILE",
            help="the token: standard input (default), or a file",
        )
        if name == "verify":
            _verify_arguments(action)
    issue = actions.add_parser(
        "issue", help="issue one", description="Issue a token, for a test or a machine."
    )
    issue.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="print JSON")
    add_issue_arguments(issue)


def _verify_arguments(parser: argparse.ArgumentParser) -> None:
    add_flags(parser, (CONFIG, STATE), os.environ)
    parser.set_defaults(config=None)
    parser.add_argument("--authorizer", metavar="NAME", help="only this one of the file")
    parser.add_argument("--issuer", metavar="URL", help="an issuer, whatever the file says; with --audience")
    parser.add_argument(
        "--audience", action="append", default=[], metavar="TEXT", help="accepted; repeatable"
    )
    keys = parser.add_mutually_exclusive_group()
    keys.add_argument("--jwks", metavar="FILE", help="the keys: a JWK Set")
    keys.add_argument("--fetch", action="store_true", help="ask the issuer for its keys now")
    parser.add_argument(
        "--at", metavar="TIME", help="judge as of then: ISO 8601 with a zone, or seconds since 1970"
    )
    parser.add_argument("--claims", action="store_true", help="show every claim once the signature is good")


def _runtimes_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=("install", "list"), help="install, or list what is here")
    parser.add_argument(
        "language", nargs="?", choices=("java",), help="java: what its functions need in containers, too"
    )
    add_flags(parser, (STATE,), os.environ)


def _doctor_arguments(parser: argparse.ArgumentParser) -> None:
    add_flags(parser, tuple(flag for flag in SERVER_FLAGS if flag.name in DOCTOR_FLAGS), os.environ)


def _images_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action", choices=("list", "pull", "build"),
        help="list what is used; pull it; or build images of Debian's packages, without a registry (as root)",
    )  # fmt: skip
    parser.add_argument(
        "name", nargs="*", metavar="RUNTIME", help="as python3.13; none: those that the routes file uses"
    )
    add_flags(parser, (CONFIG,), os.environ)


_ARGUMENTS: dict[str, Callable[[argparse.ArgumentParser], None]] = {
    "serve": _server_arguments,
    "dev": _dev_arguments,
    "executor": _executor_arguments,
    "check": _config_arguments,
    "routes": _config_arguments,
    "schema": _no_arguments,
    "reload": _reload_arguments,
    "explain": _explain_arguments,
    "user": add_user_arguments,
    "pool": add_pool_arguments,
    "keys": add_keys_arguments,
    "client": add_client_arguments,
    "token": _token_arguments,
    "invoke": _invoke_arguments,
    "logs": _logs_arguments,
    "env": _env_arguments,
    "images": _images_arguments,
    "runtimes": _runtimes_arguments,
    "doctor": _doctor_arguments,
}


def main(argv: Sequence[str] | None = None) -> int:
    words = list(sys.argv[1:] if argv is None else argv)
    if words and not words[0].startswith("-") and words[0] not in COMMANDS:
        return _unknown_command(words[0])
    parser = build_parser()
    arguments = parser.parse_args(words)
    if arguments.command is None:
        parser.print_help()
        return ExitCode.USAGE
    # Tokens and paths hold what a terminal may be unable to write.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    run: Run = import_module(f"lockgate.commands.{arguments.command}").run
    try:
        return run(arguments)
    except CommandError as error:
        return _report(error, as_json=arguments.json)
    except BrokenPipeError:  # the reader of a pipe has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return ExitCode.OK
    except KeyboardInterrupt:
        return 130  # as shells report SIGINT


def _unknown_command(name: str) -> int:
    if name in LATER:
        print(f"lockgate: `{name}` is not in this version.", file=sys.stderr)  # noqa: T201
        return ExitCode.USAGE
    near = difflib.get_close_matches(name, COMMANDS, n=1)
    hint = f" Did you mean `lockgate {near[0]}`?" if near else " See `lockgate --help`."
    print(f"lockgate: there is no command `{name}`.{hint}", file=sys.stderr)  # noqa: T201
    return ExitCode.USAGE


def _report(error: CommandError, *, as_json: bool) -> int:
    if as_json:
        text = json.dumps({"error": {"what": error.what, "instead": error.instead}})
    else:
        text = f"lockgate: {error.what}" + (f"\n  {error.instead}" if error.instead else "")
    print(text, file=sys.stderr)  # noqa: T201
    return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
