"""The Cognito API: sign-ins by password and SRP, GetUser, other people's API calls beside them, and 100,000 people."""

import asyncio
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from benchmarks.closed_loop import Connection
from benchmarks.cognito import ApiCaller
from benchmarks.peers import user_pools
from benchmarks.people import PASSWORD, PeopleServer, copy_people, name_of, populate
from benchmarks.rows.context import Context
from benchmarks.rows.people import (
    CALLERS,
    COLUMNS,
    FEW,
    MANY,
    Kind,
    calls_beside,
    in_another_process,
    take_turns,
)
from benchmarks.table import Table

_LOCKGATE = Path(sys.executable).with_name("lockgate")
_SRP_PEOPLE = tuple(f"srp{number}@example.com" for number in range(CALLERS))


def measure_sign_in(context: Context) -> Table:
    """Sign-ins by API, and what is asked with the tokens that they give; of others the same calls."""
    with ExitStack() as stack:
        server = _server(context, stack)
        by_password, by_srp = _callers(server)
        kinds = [
            Kind(name="Lockgate: password", url=server.auth, call=by_password.by_password, pid=server.program.pid),
            Kind(name="Lockgate: SRP", url=server.auth, call=by_srp.by_srp, pid=server.program.pid),
            _asking("Lockgate", server.auth, server.program.pid, by_password),
        ]  # fmt: skip
        if context.peers and user_pools.are_installed():
            for make in (user_pools.moto, user_pools.cognito_local, user_pools.ministack):
                peer = stack.enter_context(make(context.folder))
                asyncio.run(peer.prepare())
                pid, caller = peer.program.pid, peer.caller
                kinds.append(
                    Kind(name=f"{peer.name}: password", url=peer.url, call=caller.by_password, pid=pid)
                )
                if peer.speaks_srp:
                    kinds.append(Kind(name=f"{peer.name}: SRP", url=peer.url, call=caller.by_srp, pid=pid))
                kinds.append(_asking(peer.name, peer.url, pid, caller))
        take_turns(kinds, context)
    return Table(
        title=f"The Cognito API, {CALLERS} at a time",
        columns=COLUMNS,
        rows=[kind.cells() for kind in kinds],
        notes=[
            "A password is one argon2id hash (19 MiB, two passes); SRP is two calls, four powers of 3,072 bits and no "
            "hash, and the caller's own arithmetic competes for the same cores. Both end with two RS256 signatures and "
            "a grant on the disk. GetUser verifies the token's signature and looks whether its sign-in still lives.",
            "moto compares the password's text and cognito-local the text in its JSON file: no hash, no SRP that is "
            "checked, no lock-out, no limit an address, nothing that hides unknown names. MiniStack keeps the text, "
            "makes the SRP verifier of it each time, and has no lock-out either. None writes before it answers.",
        ],
    )


def measure_many(context: Context) -> Table:
    """The same with few people in the pool and with many."""
    rows = []
    with ExitStack() as stack:
        server = _server(context, stack)
        for count in (FEW, MANY):
            if count == MANY:
                copy_people(server, range(FEW, MANY))
            by_password, by_srp = _callers(server, count)
            pid = server.program.pid
            kinds = [
                Kind(name="password", url=server.auth, call=by_password.by_password, pid=pid, callers=1),
                Kind(name="SRP", url=server.auth, call=by_srp.by_srp, pid=pid, callers=1),
                _asking("", server.auth, pid, by_password, callers=1),
            ]
            take_turns(kinds, context)
            rows += [(f"{count:,}", *kind.cells()[:5]) for kind in kinds]
    return Table(
        title="The Cognito API and people in one pool, one call at a time, SQLite",
        columns=("people", *COLUMNS[:5]),
        rows=rows,
        notes=["A sign-in by SRP is two calls."],
    )


def measure_beside(context: Context) -> Table:
    """Good calls of functions at a steady rate, alone and beside sign-ins by SRP."""
    with ExitStack() as stack:
        server = _server(context, stack, guarded=True)
        by_password, by_srp = _callers(server)
        caller = "Bearer " + asyncio.run(_token(server.auth, by_password))
        alone = Kind(name="sign-ins by SRP", url=server.auth, call=by_srp.by_srp)

        def sign_in(rate: float, seconds: float) -> None:
            who = [server.auth, server.pool["id"], server.client("api"), ",".join(_SRP_PEOPLE), PASSWORD]
            in_another_process(
                "benchmarks.cognito", [*who, str(CALLERS), f"{rate:f}", f"{seconds:f}"], seconds
            )

        return calls_beside(context, server, caller, [(alone, sign_in)])


def _server(context: Context, stack: ExitStack, *, guarded: bool = False) -> PeopleServer:
    server = stack.enter_context(PeopleServer(context.folder, speaks_api=True, guarded=guarded))
    populate(server, FEW)
    for name in _SRP_PEOPLE:  # a verifier is made for one name: such people cannot be copied
        words = ["user", "add", "-c", str(server.config), "--state", str(server.state), name]
        subprocess.run(
            [str(_LOCKGATE), *words], input=f"{PASSWORD}\n".encode(), check=True, capture_output=True
        )
    return server


def _callers(server: PeopleServer, people: int = FEW) -> tuple[ApiCaller, ApiCaller]:
    """By password, and by SRP."""
    copied = [name_of(number * (people // FEW)) for number in range(FEW)]
    by_password, by_srp = (
        ApiCaller(
            pool_id=server.pool["id"],
            client_id=server.client("api"),
            names=names,
            password=PASSWORD,
            spreads=True,
        )
        for names in (copied, _SRP_PEOPLE)
    )
    return by_password, by_srp


def _asking(name: str, url: str, pid: int, caller: ApiCaller, *, callers: int = CALLERS) -> Kind:
    token = asyncio.run(_token(url, caller))

    async def ask(connection: Connection, number: int) -> None:
        await caller.get_user(connection, number, token)

    return Kind(name=f"{name}: GetUser" if name else "GetUser", url=url, call=ask, pid=pid, callers=callers)


async def _token(url: str, caller: ApiCaller) -> str:
    connection = Connection(url)
    token = await caller.by_password(connection, 0)
    await connection.close()
    return token
