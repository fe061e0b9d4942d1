"""10,000 routes against 10, on two servers in turns."""

import json
import time
from contextlib import ExitStack

from benchmarks.load import Target
from benchmarks.lockgate_server import BODY, LockgateServer
from benchmarks.rows.context import Context
from benchmarks.rows.subject import COLUMNS, Subject, cells, take_turns
from benchmarks.table import Table

_RESPOND = {"status": 200, "headers": {"content-type": "application/json"}, "body": BODY.decode()}


def measure(context: Context) -> Table:
    started_s = []
    with ExitStack() as stack:
        subjects = []
        for count in (10, 10_000):
            began = time.monotonic()
            server = stack.enter_context(
                LockgateServer(context.folder, routes(count), name=f"routes-{count}")
            )
            started_s.append(time.monotonic() - began)
            last = Target(url=server.url(f"/service{(count - 1) // 10}/kind9/7/notes"), body=BODY)
            subjects.append(Subject(name=f"{count:,} routes", target=last, program=server.program))
        take_turns(subjects, connections=50, rounds=context.rounds, seconds=context.run_s(2 * 2))
    few, many = subjects
    return Table(
        title="10,000 routes against 10, `respond:`, 50 connections",
        columns=COLUMNS,
        rows=[cells(few), cells(many)],
        notes=[
            f"10,000 routes: {many.rate.median / few.rate.median - 1:+.1%} req/s (budget: no more than 5 % slower). "
            f"From start to `ready`: {started_s[0]:.1f} s and {started_s[1]:.1f} s."
        ],
    )


def routes(count: int) -> str:
    keys = [f"GET /service{number // 10}/kind{number % 10}/{{id}}/notes" for number in range(count)]
    return json.dumps({"version": 1, "routes": {key: {"public": True, "respond": _RESPOND} for key in keys}})
