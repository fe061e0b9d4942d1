"""Calls behind a Lambda authorizer against open ones: its answers are kept, or it is asked each time."""

import json
from contextlib import ExitStack

from benchmarks.load import Rotation, Target
from benchmarks.lockgate_server import BODY, RUNTIME, LockgateServer, write_handler
from benchmarks.rows.context import Context
from benchmarks.rows.subject import COLUMNS, Subject, cells, paired, take_turns
from benchmarks.table import Table

CONNECTIONS = 8
ENVIRONMENTS = 2 * CONNECTIONS  # the authorizer and the function never take each other's
DEVICES = 200
HEADER = "X-Device-Key"
_AUTHORIZER = """
def handler(event, context):
    key = event["headers"]["x-device-key"]
    return {"isAuthorized": key.startswith("device-"), "context": {"device": key}}
"""


def measure(context: Context) -> Table:
    write_handler(context.folder / "warm")
    write_handler(context.folder / "door", _AUTHORIZER)
    devices = Rotation(header=HEADER, values=tuple(f"device-{number:032d}" for number in range(DEVICES)))
    names = {"open": "open", "kept": "answers kept for 5 minutes", "asked": "asked each time"}
    with ExitStack() as stack:
        server = stack.enter_context(LockgateServer(context.folder, routes(), name="authorizers"))
        subjects = [
            Subject(
                name=name,
                target=Target(url=server.url(f"/{path}"), body=BODY, rotation=devices),
                program=server.program,
            )
            for path, name in names.items()
        ]
        take_turns(
            subjects, connections=CONNECTIONS, rounds=context.rounds, seconds=context.run_s(len(subjects))
        )
    free, kept, asked = subjects
    return Table(
        title=f"Warm call behind a Lambda authorizer, {CONNECTIONS} connections, Python functions",
        columns=COLUMNS,
        rows=[cells(subject) for subject in subjects],
        notes=[
            f"Against the open route, round by round: kept {paired(kept, free).text(2)} times its rate, asked each "
            f"time {paired(asked, free).text(2)}: that is two function calls a request. {DEVICES} identities in turn.",
        ],
    )


def routes() -> str:
    door = {"type": "function", "function": "door", "identity_source": [f"$request.header.{HEADER}"]}
    call = {"handler": "app.handler", "runtime": RUNTIME}
    return json.dumps(
        {
            "version": 1,
            "server": {"limits": {"environments": ENVIRONMENTS}},
            "authorizers": {"kept": {**door, "ttl": "5m"}, "asked": door},
            "functions": {
                "warm": {"code": "warm", **call},
                "door": {"code": "door", "timeout": "5s", **call},
            },
            "routes": {
                "GET /open": {"function": "warm", "public": True},
                "GET /kept": {"function": "warm", "auth": "kept"},
                "GET /asked": {"function": "warm", "auth": "asked"},
            },
        }
    )
