"""``lockgate logs [-f] [FN]``: what functions printed, read from the state folder; the server need not run."""

import argparse
from collections import deque
from collections.abc import Iterable
from itertools import chain
from pathlib import Path

from rich.console import Console

from executor.logs.reader import Follower, follow, read
from executor.logs.records import LogRecord
from executor.logs.render import as_json, as_text
from lockgate.errors import ExitCode, RuntimeFailure
from lockgate.state import State


def run(arguments: argparse.Namespace) -> int:
    root = State(Path(arguments.state)).logs
    function = arguments.function
    if function is not None and not (root / function).is_dir() and not arguments.follow:
        known = sorted(path.name for path in root.iterdir()) if root.is_dir() else []
        raise RuntimeFailure(
            f"Function {function!r} has no log in {root}.",
            f"There are logs of: {', '.join(known)}." if known else "No function has run yet.",
        )
    # The follower takes its place first, so that nothing falls between the two readers.
    follower = Follower(root, function) if arguments.follow else None
    past = deque(read(root, function), maxlen=max(0, arguments.lines))
    records: Iterable[LogRecord] = past
    if follower is not None:
        seen = set(past)
        new = (record for record in follower.read_new() if record not in seen)
        records = chain(past, new, follow(root, function, follower=follower))
    return show(records, as_json_lines=arguments.json, name_function=function is None)


def show(records: Iterable[LogRecord], *, as_json_lines: bool, name_function: bool) -> int:
    console = Console(highlight=False, soft_wrap=True)
    for record in records:
        if as_json_lines:
            print(as_json(record), flush=True)  # noqa: T201
        else:
            console.print(as_text(record, show_function=name_function))
    return ExitCode.OK
