"""``lockgate explain METHOD PATH``: what would become of a request, and why. Live against the server, or from the file.

Exit 0: an integration, or CORS, would answer. 1: refused for a reason other than who calls. 4: 401 or 403. 5: nobody
can tell without asking somebody (an authorizer's function, an issuer), or there is no server for ``--live``.
"""

import argparse
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from kit.networks import parse_address
from lockgate.admin_client import act
from lockgate.errors import ExitCode, RuntimeFailure, UsageError
from lockgate.explain_text import explanation_lines
from lockgate.explanation import BadQuestion, asked_of, explain_offline
from lockgate.running import find_server
from lockgate.settings import CONFIG
from lockgate.token_input import read_token_text

REFUSED_OTHERWISE = 1  # as grep and diff say no


def run(arguments: argparse.Namespace) -> int:
    asked = read_question(arguments)
    server = None if arguments.offline else _server(arguments)
    found = _offline(arguments, asked) if server is None else _live(server, asked)
    if arguments.json:
        print(json.dumps(found, indent=2))  # noqa: T201
    else:
        console = Console(highlight=False, soft_wrap=True)
        for line in explanation_lines(found):
            console.print(line)
    return exit_code(found)


def exit_code(found: Mapping[str, Any]) -> int:
    if found["verdict"] == "allowed":
        return ExitCode.OK
    if found["verdict"] == "unknown":
        return ExitCode.RUNTIME
    return ExitCode.AUTHORIZATION if found["answer"]["status"] in (401, 403) else REFUSED_OTHERWISE


def read_question(arguments: argparse.Namespace) -> dict[str, object]:
    """:raises UsageError: naming what was given wrongly; no value of a header or token."""
    target = os.fsencode(arguments.path)
    if not target.startswith((b"/", b"http://", b"https://")):
        path = target.decode("utf-8", "replace").partition("?")[0]
        raise UsageError("A path begins with a slash.", f"Write /{path}.")
    headers = [_header(text) for text in arguments.header]
    hosts = [value for name, value in headers if name.lower() == "host"]
    if parse_address(arguments.source) is None:
        raise UsageError(f"--from {arguments.source!r} is no IP address.", "Write one as 192.0.2.7.")
    if len(hosts) + (arguments.host is not None) > 1:
        raise UsageError("Host is given more than once.", "Give it once, with --host.")
    return asked_of(
        method=arguments.method.upper(),
        target=target,
        headers=[pair for pair in headers if pair[0].lower() != "host"],
        host=arguments.host if arguments.host is not None else next(iter(hosts), None),
        token=None if arguments.token is None else read_token_text(arguments.token),
        peer=arguments.source,
        all_claims=arguments.claims,
    )


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip() or not value.isprintable():
        raise UsageError("A --header is not as it should be.", "Write --header 'Name: value', in one line.")
    return name.strip(), os.fsencode(value.strip()).decode("latin-1")


def _server(arguments: argparse.Namespace) -> dict[str, Any] | None:
    """The one to ask; None: the file is to be asked."""
    if arguments.live:
        if arguments.config is not None:
            raise UsageError(
                "--live explains the file that the server runs on.", "Leave -c out, or write --offline."
            )
        return find_server(Path(arguments.state))
    if arguments.config is not None:
        return None
    try:
        return find_server(Path(arguments.state))
    except RuntimeFailure:
        return None


def _live(server: Mapping[str, Any], asked: Mapping[str, object]) -> dict[str, Any]:
    status, answer = act(server, "explain", asked)
    if status == 400:
        raise UsageError(f"That is no question: {answer.get('message')}.")
    if status != 200:
        raise RuntimeFailure(f"The server answered {status}: {answer.get('message')}", "See its own log.")
    return answer


def _offline(arguments: argparse.Namespace, asked: Mapping[str, object]) -> dict[str, Any]:
    configured = arguments.config or [os.environ.get(CONFIG.variable) or CONFIG.default]
    try:
        return explain_offline([Path(each) for each in configured], Path(arguments.state), asked)
    except BadQuestion as error:
        raise UsageError(f"That is no question: {error}.") from error
