"""Warm calls behind a JWT authorizer against open ones, and against a peer's: 50 connections, and one."""

from contextlib import ExitStack

from benchmarks.issuer import CLIENT, SCOPE
from benchmarks.load import Target
from benchmarks.lockgate_server import BODY
from benchmarks.peers import serverless_offline
from benchmarks.rows.context import Context
from benchmarks.rows.guarded import ENVIRONMENTS, USERS, Guarded, guarded_server
from benchmarks.rows.subject import COLUMNS, Subject, cells, paired, ratios, take_turns
from benchmarks.table import Table

_BUDGETS = {
    50: "≥ 7,000 req/s and p99 ≤ 15 ms",
    1: "≥ 3,200 req/s and p50 ≤ 0.30 ms",
}


def measure_many(context: Context) -> Table:
    """50 connections."""
    return _measure(context, 50)


def measure_single(context: Context) -> Table:
    """One connection."""
    return _measure(context, 1)


def measure_gateway(context: Context) -> Table:
    """CPU of the server process alone: with a function behind it, and with an answer of its own."""
    with ExitStack() as stack:
        guarded = guarded_server(context, stack)
        subjects = [
            _own("function, JWT", guarded, "/guarded"),
            _own("`respond:`, JWT", guarded, "/guarded/respond"),
            _own("`respond:`, open", guarded, "/open/respond", sends_token=False),
        ]
        take_turns(subjects, connections=50, rounds=context.rounds, seconds=context.run_s(2 * len(subjects)))
    return Table(
        title="CPU of the server process, everything on, 50 connections",
        columns=COLUMNS,
        rows=[cells(subject) for subject in subjects],
        notes=[
            "The server process is gateway, executor and log writer together; `respond:` has no executor in it. "
            "Budget of the gateway's part, with JWT: ≤ 110 µs."
        ],
    )


def _measure(context: Context, connections: int) -> Table:
    with ExitStack() as stack:
        guarded = guarded_server(context, stack)
        subjects = [
            _own("Lockgate, JWT", guarded, "/guarded"),
            _own("Lockgate, open", guarded, "/open", sends_token=False),
            _own("Lockgate, open, same requests", guarded, "/open"),
        ]
        if context.peers and serverless_offline.is_installed():
            subjects += _serverless(context, stack, guarded)
        take_turns(
            subjects, connections=connections, rounds=context.rounds, seconds=context.run_s(len(subjects))
        )
    door, free, same, *peers = subjects
    many = f"{connections} connection{'s' if connections > 1 else ''}"
    return Table(
        title=f"Warm call behind a JWT authorizer, {many}, {ENVIRONMENTS} environments, Python function",
        columns=COLUMNS,
        rows=[cells(subject) for subject in subjects],
        notes=[
            f"JWT against open, round by round: {paired(door, free).text(2)} times its rate; against the same "
            f"requests to the open route: {paired(door, same).text(2)}. Budget: ≥ 0.9; {_BUDGETS[connections]}.",
            ratios(door, peers),
            f"Tokens of {USERS} users in turn, RS256, {len(guarded.tokens.values[0]):,} characters with `Bearer`; "
            f"the route wants a scope. The issuer was asked for its keys {len(guarded.issuer.asked)} times. "
            "serverless-offline checks issuer, audience, scopes and expiry, but **no signature**.",
        ],
    )


def _own(name: str, guarded: Guarded, path: str, *, sends_token: bool = True) -> Subject:
    target = guarded.target(path, sends_token=sends_token)
    return Subject(name=name, target=target, program=guarded.server.program)


def _serverless(context: Context, stack: ExitStack, guarded: Guarded) -> list[Subject]:
    door = serverless_offline.Door(issuer=guarded.issuer.url, audience=CLIENT, scope=SCOPE)
    peer = stack.enter_context(serverless_offline.ServerlessOffline(context.folder, door=door))
    return [
        Subject(
            name=f"serverless-offline, {label}",
            target=Target(url=peer.url(path), body=BODY, rotation=guarded.tokens),
            program=peer.program,
        )
        for label, path in (("Python", "/py0"), ("Node in-process", "/js"))
    ]
