"""``lockgate reload``: the running server reads its files again. Exit 0 when it serves them, 3 with what is wrong.

5: there is no server, or it is ending.
"""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from lockgate.admin_client import act
from lockgate.console import visible
from lockgate.errors import ExitCode, RuntimeFailure
from lockgate.reload_report import REFUSED_STATUS
from lockgate.running import find_server


def run(arguments: argparse.Namespace) -> int:
    server = find_server(Path(arguments.state))
    colour = sys.stderr.isatty() and "NO_COLOR" not in os.environ and not arguments.json
    status, answer = act(server, "reload", {"colour": colour})
    if status not in (200, REFUSED_STATUS):
        raise RuntimeFailure(f"Not reloaded. {answer.get('message')}", "See the server's own log.")
    if arguments.json:
        shown = {name: value for name, value in answer.items() if name != "text"}
        print(json.dumps(shown, indent=2))  # noqa: T201
    else:
        show(answer)
    return ExitCode.OK if status == 200 else ExitCode.CONFIGURATION


def show(answer: dict[str, Any]) -> None:
    """Mistakes and warnings on stderr, as `lockgate check` shows them; what changed on stdout."""
    if answer["text"]:
        print(answer["text"], file=sys.stderr)  # noqa: T201  # painted by the server, and harmless
    if answer["outcome"] == "reloaded":
        message = visible(answer["message"])
        is_key = message.startswith(
            tuple(answer["changes"]["sections"])
        )  # `server.domains` stays as it is written
        first = message[0] if is_key else message[0].upper()
        print(f"{first}{message[1:]} ({answer['took_ms']} ms).")  # noqa: T201
        if answer["needs_restart"]:
            print(visible(answer["needs_restart"]), file=sys.stderr)  # noqa: T201
