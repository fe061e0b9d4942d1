"""``lockgate runtimes install``: what AWS's runtimes bring along, for this machine's programs.

boto3 for Python, @aws-sdk for Node.js, and for Java the client without which no function runs.
"""

import argparse
import json
from collections.abc import Callable, Mapping
from pathlib import Path

from executor.interpreters import Interpreter, find_interpreters
from executor.language import Installation, runtime_name
from executor.languages import find_programs
from executor.packages.errors import PackageError
from executor.packages.npm import has_npm
from executor.runtimes import folder
from executor.runtimes.java import folder as java_folder
from executor.runtimes.node import folder as node_folder
from lockgate.errors import ExitCode, RuntimeFailure
from lockgate.state import State


def run(arguments: argparse.Namespace) -> int:
    state = State(Path(arguments.state))
    state.open()
    interpreters = find_interpreters(state.root)
    programs = find_programs(state.root)
    nodes, javas = programs.get("nodejs", ()), programs.get("java", ())
    if arguments.action == "install" and arguments.language == "java":
        _install_java(state, quiet=arguments.json)
    elif not interpreters and not nodes and not javas:
        raise RuntimeFailure(
            "Neither Python, Node.js nor Java is on this machine to run functions.",
            "Install Python 3.9 or newer. For Java functions in containers: lockgate runtimes install java",
        )
    elif arguments.action == "install":
        for interpreter in interpreters:
            _install_boto3(state, interpreter, quiet=arguments.json)
        newest = next((node for node in nodes if node_folder.supports(node)), None)
        if newest is not None:  # one folder serves them all
            _install_sdk(state, newest, quiet=arguments.json)
        if javas:
            _install_java(state, quiet=arguments.json)
    rows = [*_python_rows(state, interpreters), *_node_rows(state, nodes), *_java_rows(state, javas)]
    show(rows, as_json=arguments.json)
    return ExitCode.OK


def _install_boto3(state: State, interpreter: Interpreter, *, quiet: bool) -> None:
    name = f"python{interpreter.minor}"
    try:
        folder.install(state.root, interpreter, _say(name, quiet))
    except PackageError as error:
        raise _failure("boto3", name, "requirements.txt", error) from error


def _install_sdk(state: State, node: Installation, *, quiet: bool) -> None:
    name = runtime_name(node)
    if not has_npm(
        node
    ):  # Debian has Node.js without it, and whoever wants Python only never asked for either
        _say(name, quiet)("without @aws-sdk, because npm is not on this machine")
        return
    try:
        node_folder.install(state.root, node, _say(name, quiet))
    except PackageError as error:
        raise _failure("@aws-sdk", name, "package.json", error) from error


def _install_java(state: State, *, quiet: bool) -> None:
    try:
        java_folder.install(state.root, _say("java", quiet))
    except PackageError as error:
        raise RuntimeFailure(
            f"What Java functions need could not be fetched: {error}",
            f"Java functions do not run without it. A mirror of Maven Central: {java_folder.REPOSITORY_VARIABLE}=https://…",
        ) from error


def _say(name: str, quiet: bool) -> Callable[[str], None]:
    def say(text: str) -> None:
        if not quiet:
            print(f"{name}: {text}", flush=True)  # noqa: T201

    return say


def _failure(what: str, name: str, file: str, error: PackageError) -> RuntimeFailure:
    return RuntimeFailure(
        f"{what} for {name} could not be installed: {error}",
        f"Functions run without it; those that import it need it in their {file}.",
    )


def _python_rows(state: State, interpreters: tuple[Interpreter, ...]) -> list[Mapping[str, object]]:
    return [
        {
            "runtime": f"python{interpreter.minor}",
            "interpreter": str(interpreter.path),
            "release": interpreter.release,
            "boto3": folder.installed(state.root, interpreter) is not None,
        }
        for interpreter in interpreters
    ]


def _node_rows(state: State, nodes: tuple[Installation, ...]) -> list[Mapping[str, object]]:
    return [
        {
            "runtime": runtime_name(node),
            "interpreter": str(node.path),
            "release": node.release,
            "@aws-sdk": node_folder.installed(state.root, node) is not None,
        }
        for node in nodes
    ]


def _java_rows(state: State, javas: tuple[Installation, ...]) -> list[Mapping[str, object]]:
    """One for the containers' Java where this machine has none."""
    client = java_folder.installed(state.root) is not None
    if not javas and client:
        return [{"runtime": "java", "interpreter": "(of the image)", "release": "", "client": True}]
    return [
        {
            "runtime": runtime_name(java),
            "interpreter": str(java.path),
            "release": java.release,
            "client": client,
        }
        for java in javas
    ]


def show(rows: list[Mapping[str, object]], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(rows, indent=2))  # noqa: T201
        return
    for row in rows:
        what = next(name for name in ("boto3", "@aws-sdk", "client") if name in row)
        has = f"{'with' if row[what] else 'without'} {what}"
        print(f"{row['runtime']:<12} {row['release']:<9} {has:<17} {row['interpreter']}")  # noqa: T201
