"""Warm calls of a Python function: with 50 connections on 4 environments, and with one connection."""

import shutil
import stat
import sys
from contextlib import ExitStack
from pathlib import Path

from benchmarks.install import PLACE
from benchmarks.load import Target
from benchmarks.lockgate_server import BODY, RUNTIME, LockgateServer, write_handler
from benchmarks.peers import emulator, serverless_offline
from benchmarks.rows.context import Context
from benchmarks.rows.subject import COLUMNS, Subject, cells, ratios, take_turns
from benchmarks.table import Table

ENVIRONMENTS = 4
OWN = "Lockgate"
OFFICIAL = "Lockgate, awslambdaric"

_ROUTES = f"""
version: 1
server: {{limits: {{environments: {ENVIRONMENTS}}}}}
functions:
  warm: {{code: %(code)s, handler: app.handler, runtime: %(runtime)s}}
routes:
  GET /warm: {{function: warm, public: true}}
"""


def measure_many(context: Context) -> Table:
    """50 connections."""
    with ExitStack() as stack:
        subjects = _lockgates(context, stack)
        if context.peers and serverless_offline.is_installed():
            subjects += _serverless(context, stack)
        take_turns(subjects, connections=50, rounds=context.rounds, seconds=context.run_s(len(subjects)))
    return Table(
        title=f"Warm call, 50 connections, {ENVIRONMENTS} environments, Python function",
        columns=COLUMNS,
        rows=[cells(subject) for subject in subjects],
        notes=[
            ratios(subjects[0], subjects[1:]),
            "Budget: ≥ 4,000 req/s with awslambdaric. Nobody is authorized here; see the rows behind a JWT authorizer.",
        ],
    )


def measure_single(context: Context) -> Table:
    """One connection: latency."""
    with ExitStack() as stack:
        subjects = _lockgates(context, stack)
        if context.peers and serverless_offline.is_installed():
            subjects += _serverless(context, stack)
        if context.peers and emulator.is_installed():
            rie = stack.enter_context(emulator.Emulator(context.folder))
            subjects.append(Subject(name="AWS RIE, awslambdaric", target=rie.target, program=rie.program))
        take_turns(subjects, connections=1, rounds=context.rounds, seconds=context.run_s(len(subjects)))
    return Table(
        title="Warm call, 1 connection",
        columns=COLUMNS,
        rows=[cells(subject) for subject in subjects],
        notes=[
            ratios(subjects[0], subjects[1:]),
            "AWS RIE has no routes: it is posted the event itself.",
        ],
    )


def target(server: LockgateServer, path: str) -> Target:
    return Target(url=server.url(path), body=BODY)


def own_server(context: Context) -> LockgateServer:
    write_handler(context.folder / "warm")
    return LockgateServer(context.folder, _ROUTES % {"code": "warm", "runtime": RUNTIME})


def _lockgates(context: Context, stack: ExitStack) -> list[Subject]:
    own = stack.enter_context(own_server(context))
    subjects = [Subject(name=OWN, target=target(own, "/warm"), program=own.program)]
    if (PLACE / "awslambdaric").is_dir():
        _write_official(context.folder / "official")
        routes = _ROUTES % {"code": "official", "runtime": "provided"}
        official = stack.enter_context(LockgateServer(context.folder, routes, name="official-client"))
        subjects.append(Subject(name=OFFICIAL, target=target(official, "/warm"), program=official.program))
    return subjects


def _serverless(context: Context, stack: ExitStack) -> list[Subject]:
    peer = stack.enter_context(serverless_offline.ServerlessOffline(context.folder))
    return [
        Subject(
            name=f"serverless-offline, {label}",
            target=Target(url=peer.url(path), body=BODY),
            program=peer.program,
        )
        for label, path in (("Python", "/py0"), ("Node in-process", "/js"))
    ]


def _write_official(folder: Path) -> None:
    """A function with AWS's own client in it, as an executable called ``bootstrap``."""
    shutil.copytree(PLACE / "awslambdaric", folder, ignore=shutil.ignore_patterns("__pycache__", "bin"))
    write_handler(folder)
    bootstrap = folder / "bootstrap"
    python = Path(sys.base_prefix) / "bin" / RUNTIME
    bootstrap.write_text(f'#!/bin/sh\nexec {python} -m awslambdaric "$_HANDLER"\n')
    bootstrap.chmod(bootstrap.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
