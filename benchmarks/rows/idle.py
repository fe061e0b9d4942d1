"""Memory of a server that does nothing yet."""

import time
from contextlib import ExitStack

from benchmarks import processes
from benchmarks.peers import emulator, serverless_offline
from benchmarks.program import Program
from benchmarks.rows.context import Context
from benchmarks.rows.warm import own_server
from benchmarks.spread import Spread
from benchmarks.table import Table

_SETTLE_S = 2.0  # what a start leaves behind (threads, pools) is counted, its peak is not


def measure(context: Context) -> Table:
    """Each is started anew every round."""
    found: dict[str, list[processes.Memory]] = {}
    for number in range(min(3, context.rounds)):
        place = Context(folder=context.folder / str(number), rounds=1, row_s=0, peers=context.peers)
        place.folder.mkdir()
        with ExitStack() as stack:
            programs = {"Lockgate": stack.enter_context(own_server(place)).program}
            if context.peers and serverless_offline.is_installed():
                peer = stack.enter_context(serverless_offline.ServerlessOffline(place.folder))
                programs["serverless-offline"] = peer.program
            if context.peers and emulator.is_installed():
                programs["AWS RIE"] = stack.enter_context(emulator.Emulator(place.folder)).program
            time.sleep(_SETTLE_S)
            for name, program in programs.items():
                for label, memory in parts(name, program).items():
                    found.setdefault(label, []).append(memory)
    return Table(
        title="Idle memory, no environment, MB",
        columns=("", "RSS", "PSS"),
        rows=[
            (label, Spread.of(one.rss for one in all_).text(), Spread.of(one.pss for one in all_).text())
            for label, all_ in found.items()
        ],
        notes=[
            "Budget: ≤ 95 MB RSS, all parts in one process, zygote apart. Linux 6; peers without a first call."
        ],
    )


def parts(name: str, program: Program) -> dict[str, processes.Memory]:
    first, *others = program.family()
    known = {f"{name}: server": processes.memory_mb([first])}
    if others:
        known[f"{name}: its {len(others)} other processes"] = processes.memory_mb(others)
    return known
