"""``lockgate runtimes install``: what AWS's Python runtimes bring along (boto3), for the Pythons of this machine."""

import argparse
import json
from pathlib import Path

from executor.interpreters import Interpreter, find_interpreters
from executor.packages.errors import PackageError
from executor.runtimes import folder
from lockgate.errors import ExitCode, RuntimeFailure
from lockgate.state import State


def run(arguments: argparse.Namespace) -> int:
    state = State(Path(arguments.state))
    state.open()
    interpreters = find_interpreters(state.root)
    if not interpreters:
        raise RuntimeFailure(
            "No Python is on this machine that could run functions.", "Install Python 3.9 or newer."
        )
    if arguments.action == "install":
        for interpreter in interpreters:
            install(state, interpreter, quiet=arguments.json)
    show(state, interpreters, as_json=arguments.json)
    return ExitCode.OK


def install(state: State, interpreter: Interpreter, *, quiet: bool) -> None:
    def say(text: str) -> None:
        if not quiet:
            print(f"python{interpreter.minor}: {text}", flush=True)  # noqa: T201

    try:
        folder.install(state.root, interpreter, say)
    except PackageError as error:
        raise RuntimeFailure(
            f"boto3 for python{interpreter.minor} could not be installed: {error}",
            "Functions run without it; those that import boto3 need it in their requirements.txt.",
        ) from error


def show(state: State, interpreters: tuple[Interpreter, ...], *, as_json: bool) -> None:
    rows = [
        {
            "runtime": f"python{interpreter.minor}",
            "interpreter": str(interpreter.path),
            "release": interpreter.release,
            "boto3": folder.installed(state.root, interpreter) is not None,
        }
        for interpreter in interpreters
    ]
    if as_json:
        print(json.dumps(rows, indent=2))  # noqa: T201
        return
    for row in rows:
        boto3 = "with boto3" if row["boto3"] else "without boto3"
        print(f"{row['runtime']:<12} {row['release']:<9} {boto3:<14} {row['interpreter']}")  # noqa: T201
