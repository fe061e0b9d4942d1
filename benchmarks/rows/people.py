"""The user pool: sign-ins, refreshed and clients' tokens, API calls beside sign-ins, and 100,000 people."""

import asyncio
import base64
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from benchmarks import closed_loop, load, steady
from benchmarks.closed_loop import Connection, Taken
from benchmarks.lockgate_server import BODY
from benchmarks.peers import user_pools
from benchmarks.people import Browser, PeopleServer, copy_people, name_of, populate, post_token, secret_of
from benchmarks.processes import cpu_s
from benchmarks.rows.context import Context
from benchmarks.spread import Spread, percentile
from benchmarks.table import Table
from lockgate.people import database_url, open_people

ROOT = Path(__file__).parents[2]
FEW, MANY = 200, 100_000
CALLERS = 8
API_SHARE, SIGN_IN_SHARE = 0.3, 0.8
_BESIDE_BUDGET = 1.5
_PROCESSES = ("one process", "gateway, executor and user pool in processes of their own")


@dataclass(slots=True, kw_only=True)
class Kind:
    """One kind of call and what its runs saw. :param pid: whose CPU counts; 0: nobody's."""

    name: str
    url: str
    call: Callable[[Connection, int], Awaitable[object]]
    pid: int = 0
    callers: int = CALLERS
    runs: list[Taken] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)

    def take_turn(self, seconds: float) -> None:
        async def call(connection: Connection, number: int) -> None:
            await self.call(connection, number)

        before = cpu_s([self.pid]) if self.pid else 0.0
        taken = closed_loop.run(self.url, call, callers=self.callers, seconds=seconds)
        used = cpu_s([self.pid]) - before if self.pid else 0.0
        self.runs.append(taken)
        self.cpu_ms.append(used * 1000 / len(taken.times_ms))

    @property
    def rate(self) -> Spread:
        return Spread.of(taken.rate for taken in self.runs)

    def cells(self) -> tuple[str, ...]:
        cpu = Spread.of(self.cpu_ms)
        return (
            self.name,
            self.rate.text(),
            Spread.of(taken.p(0.5) for taken in self.runs).text(1),
            Spread.of(taken.p(0.99) for taken in self.runs).text(1),
            cpu.text(2) if cpu.median else "",
            f"{1000 / cpu.median:,.0f}" if cpu.median else "",
        )


COLUMNS = ("", "a second", "p50 ms", "p99 ms", "server's CPU ms each", "a second a core")


def measure_sign_in(context: Context) -> Table:
    """Password sign-ins: page, form, redirect with a code; of others one API call."""
    with ExitStack() as stack:
        server = _server(context, stack)
        browser = Browser.of(server, [name_of(number) for number in range(FEW)])
        kinds = [
            Kind(
                name="Lockgate: page, form, code",
                url=server.auth,
                call=browser.sign_in,
                pid=server.program.pid,
            )
        ]
        if context.peers and user_pools.are_installed():
            for make in (user_pools.moto, user_pools.cognito_local):
                peer = stack.enter_context(make(context.folder))
                asyncio.run(peer.prepare())
                kinds.append(
                    Kind(
                        name=f"{peer.name}: InitiateAuth",
                        url=peer.url,
                        call=peer.caller.by_password,
                        pid=peer.program.pid,
                    )
                )
        take_turns(kinds, context)
    return Table(
        title=f"Password sign-ins, {CALLERS} at a time",
        columns=COLUMNS,
        rows=[kind.cells() for kind in kinds],
        notes=[
            "argon2id, 19 MiB and two passes, one hash a core at once, on polite threads; audit record, counters and "
            "session of each are on the disk when the answer leaves. Budget: ≥ 30 a second a core.",
            "moto compares the password's text and cognito-local the text in its JSON file: no hash, no lock-out, no "
            "limit an address, nothing about unknown names that could be told from the answer's time.",
        ],
    )  # fmt: skip


def measure_tokens(context: Context) -> Table:
    """The token endpoint without a password: refresh tokens of both kinds, and clients' own tokens."""
    with ExitStack() as stack:
        server = _server(context, stack)
        names = [name_of(number) for number in range(FEW)]
        kept = asyncio.run(_tokens(Browser.of(server, names, client="kept"), server, 1))[0]
        chains = asyncio.run(_tokens(Browser.of(server, names), server, CALLERS))
        secret = secret_of(server, "jobs")
        basic = base64.b64encode(f"{server.client('jobs')}:{secret}".encode()).decode()

        async def refresh(connection: Connection, _: int) -> None:
            form = {"grant_type": "refresh_token", "client_id": server.client("kept"), "refresh_token": kept}
            await post_token(connection, form)

        async def rotate(connection: Connection, number: int) -> None:
            chain = number % CALLERS
            form = {
                "grant_type": "refresh_token",
                "client_id": server.client("web"),
                "refresh_token": chains[chain],
            }
            chains[chain] = (await post_token(connection, form))["refresh_token"]

        async def own(connection: Connection, _: int) -> None:
            await post_token(
                connection, {"grant_type": "client_credentials"}, {"authorization": f"Basic {basic}"}
            )

        pid = server.program.pid
        kinds = [
            Kind(name="client credentials", url=server.auth, call=own, pid=pid),
            Kind(name="refresh, token kept", url=server.auth, call=refresh, pid=pid),
            Kind(name="refresh, token rotates", url=server.auth, call=rotate, pid=pid),
        ]
        take_turns(kinds, context)
    return Table(
        title=f"Tokens without a password, {CALLERS} at a time",
        columns=COLUMNS,
        rows=[kind.cells() for kind in kinds],
        notes=[
            "Client credentials are one RS256 signature, a refresh is two. A rotation is on the disk when its answer "
            "leaves. Budget: ≥ 500 a second a core, goal 1,000. The caller, in Python, shares the cores named above."
        ],
    )


def measure_beside(context: Context) -> Table:
    """Good API calls at a steady rate, alone and beside sign-ins, of a server that is one process."""
    return _measure_beside(context, 0)


def measure_beside_apart(context: Context) -> Table:
    """The same of a server whose gateway and user pools are processes of their own."""
    return _measure_beside(context, 1)


def _measure_beside(context: Context, workers: int) -> Table:
    with ExitStack() as stack:
        server = _server(context, stack, guarded=True, workers=workers)
        browser = Browser.of(server, [name_of(number) for number in range(FEW)])
        caller = "Bearer " + asyncio.run(_access(browser, server))
        alone = Kind(name="sign-ins by page and form", url=server.auth, call=browser.sign_in)

        def sign_in(rate: float, seconds: float) -> None:
            words = [server.auth, browser.page, str(FEW), str(CALLERS), f"{rate:f}", f"{seconds:f}"]
            in_another_process("benchmarks.people", words, seconds)

        return calls_beside(context, server, caller, [(alone, sign_in)], workers=workers)


def calls_beside(
    context: Context,
    server: PeopleServer,
    caller: str,
    loads: list[tuple[Kind, Callable[[float, float], object]]],
    *,
    workers: int = 0,
) -> Table:
    """:param caller: the Authorization of the calls. :param loads: a kind of sign-in that is measured alone first, and
    what makes so many of it a second for so many seconds, in another process."""
    target = load.Target(
        url=server.url("/guarded"), body=BODY, rotation=load.Rotation(header="Authorization", values=(caller,))
    )  # fmt: skip
    load.run(target, connections=50, seconds=2)
    most = Spread.of(load.run(target, connections=50, seconds=4).rate for _ in range(2)).median
    rate = API_SHARE * most
    seconds = max(4.0, context.row_s / ((1 + len(loads)) * context.rounds))
    for alone, _ in loads:
        alone.take_turn(4)
    quiet: list[float] = []
    beside: list[list[float]] = [[] for _ in loads]
    for _ in range(context.rounds):
        quiet.append(_p99(server, caller, rate, lambda: time.sleep(seconds)))
        for (alone, sign_in), taken in zip(loads, beside, strict=True):
            busy = partial(sign_in, SIGN_IN_SHARE * alone.rate.median, seconds)
            taken.append(_p99(server, caller, rate, busy))
    rows = [("nothing", f"{rate:,.0f}", Spread.of(quiet).text(2), "")]
    for (alone, _), taken in zip(loads, beside, strict=True):
        worse = Spread.of(bad / good for bad, good in zip(taken, quiet, strict=True))
        name = f"{SIGN_IN_SHARE * alone.rate.median:,.0f} {alone.name} a second"
        rows.append((name, f"{rate:,.0f}", Spread.of(taken).text(2), worse.text(2)))
    return Table(
        title=f"API calls behind the pool's tokens, at a steady rate, beside sign-ins: {_PROCESSES[bool(workers)]}",
        columns=("beside", "calls a second", "p99 ms", "times that beside nothing, round by round"),
        rows=rows,
        notes=[
            f"Calls: {API_SHARE:.0%} of the {most:,.0f} a second of 50 connections. Sign-ins: {SIGN_IN_SHARE:.0%} "
            f"of what {CALLERS} callers get alone. Budget: ≤ {_BESIDE_BUDGET} times."
        ],
    )


def in_another_process(module: str, words: list[str], seconds: float) -> None:
    """A load: the timed calls must not wait for the forms of the others."""
    subprocess.run([sys.executable, "-m", module, *words], check=True, cwd=ROOT, timeout=seconds + 60)


def measure_many(context: Context) -> Table:
    """Sign-ins and a page of the list of users, with few people in the pool and with many."""
    rows = []
    with ExitStack() as stack:
        server = _server(context, stack)
        for count in (FEW, MANY):
            if count == MANY:
                copy_people(server, range(FEW, MANY))
            browser = Browser.of(server, [name_of(number * (count // FEW)) for number in range(FEW)])
            sign_in = Kind(name="", url=server.auth, call=browser.sign_in, pid=server.program.pid, callers=1)
            for _ in range(context.rounds):
                sign_in.take_turn(max(2.0, context.row_s / (4 * context.rounds)))
            listed = _list_ms(server, count)
            cells = sign_in.cells()
            rows.append((f"{count:,}", cells[2], cells[3], cells[4], Spread.of(listed).text(2)))
    return Table(
        title="People in one pool, SQLite",
        columns=("people", "sign-in p50 ms", "sign-in p99 ms", "server's CPU ms each", "60 users by e-mail prefix, ms"),
        rows=rows,
        notes=["One sign-in at a time: page, form, code. The list is the store's verb behind ListUsers."],
    )  # fmt: skip


def _server(context: Context, stack: ExitStack, *, guarded: bool = False, workers: int = 0) -> PeopleServer:
    server = stack.enter_context(PeopleServer(context.folder, guarded=guarded, workers=workers))
    populate(server, FEW)
    return server


def take_turns(kinds: list[Kind], context: Context) -> None:
    for kind in kinds:
        kind.take_turn(1)  # to warm up
        kind.runs.clear()
        kind.cpu_ms.clear()
    for _ in range(context.rounds):
        for kind in kinds:
            kind.take_turn(context.run_s(len(kinds)))


async def _tokens(browser: Browser, server: PeopleServer, count: int) -> list[str]:
    connection = Connection(server.auth)
    found = [(await browser.tokens(connection, number))["refresh_token"] for number in range(count)]
    await connection.close()
    return found


async def _access(browser: Browser, server: PeopleServer) -> str:
    connection = Connection(server.auth)
    token: str = (await browser.tokens(connection))["access_token"]
    await connection.close()
    return token


def _p99(server: PeopleServer, caller: str, rate: float, beside: Callable[[], object]) -> float:
    thread = threading.Thread(target=beside)
    thread.start()
    taken = steady.latencies_ms(
        server.url("/guarded"), caller, BODY, rate=rate, until=lambda: not thread.is_alive()
    )
    thread.join()
    return percentile(taken, 0.99)


def _list_ms(server: PeopleServer, count: int) -> list[float]:
    store = open_people(database_url(None, server.state), server.state)
    times = []
    try:
        for number in range(20):
            prefix = name_of(number * (count // 20))[:-14]
            start = time.perf_counter()
            page = store.users.list(server.pool["id"], limit=60, filter=("email", "^=", prefix))
            times.append((time.perf_counter() - start) * 1000)
            assert page.users
    finally:
        store.close()
    return times
