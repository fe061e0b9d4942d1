"""``lockgate doctor``: what this machine and its engine offer, what follows from what they lack, and what to do."""

import argparse
import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from rich.console import Console

from executor.drivers.docker.engine.address import EngineAddress
from executor.drivers.docker.engine.client import EngineClient
from executor.drivers.docker.engine.errors import EngineFault
from lockgate.config.grammar.file import RoutesFile
from lockgate.configuration import read
from lockgate.containers import engine_url
from lockgate.doctor import images, table
from lockgate.doctor.engine import engine_rows, no_engine
from lockgate.doctor.machine import bad_file, machine_rows
from lockgate.doctor.process import process_rows
from lockgate.doctor.row import Row, is_fit
from lockgate.doctor.trial import trial_rows
from lockgate.errors import ExitCode, UsageError
from lockgate.settings import config_paths


def run(arguments: argparse.Namespace) -> int:
    path = config_paths(arguments)[0]
    loaded = read([path]) if path.exists() else None
    file = None if loaded is None else loaded.file
    uid_base = _uid_base(arguments.uid_base)
    rows: list[Row] = []
    folders = {"state": Path(arguments.state).absolute()}
    if arguments.driver != "process":
        rows += _with_engine(engine_url(file), file, folders, uid_base, quiet=arguments.json)
    rows += machine_rows(folders)
    if loaded is not None and file is None:
        rows.append(bad_file(path))
    rows += process_rows(uid_base)
    if arguments.json:
        print(json.dumps({"ok": is_fit(rows), "checks": [row.as_json() for row in rows]}, indent=2))  # noqa: T201
    else:
        table.show(rows, Console(highlight=False))
    return ExitCode.OK if is_fit(rows) else ExitCode.RUNTIME


def _with_engine(
    address: str, file: RoutesFile | None, folders: dict[str, Path], uid_base: int, *, quiet: bool
) -> list[Row]:
    try:
        version, info = asyncio.run(_ask(address))
    except EngineFault as problem:
        return [no_engine(address, str(problem))]
    if address.startswith("unix:"):  # else its disk is another machine's
        folders["images"] = Path(info.get("DockerRootDir") or "/")
    if not quiet:
        print("Trying what the engine allows; this takes some seconds ...", file=sys.stderr)  # noqa: T201
    found = images.look(address, file)
    return [*engine_rows(address, version, info), *trial_rows(address, found.ids, uid_base), *found.rows]


async def _ask(address: str) -> tuple[dict[str, Any], dict[str, Any]]:
    client = EngineClient(EngineAddress.parse(address))
    try:
        await client.open()
        return dict(await client.request("GET", "/version")), await client.info()
    finally:
        await client.close()


def _uid_base(text: str) -> int:
    if not text.isdecimal() or not 1000 <= int(text) < 2**31:
        raise UsageError(f"--uid-base {text!r} is no user id.", "Write 1000 or more; 200000 is usual.")
    return int(text)
