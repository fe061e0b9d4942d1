"""The Node.js runtime as a process of its own, driven over a real channel; or AWS's own client beside it."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from executor.runtime_api.channel import PortChannel
from executor.runtime_api.server import RuntimeApi
from executor.runtimes.node.language import BOOTSTRAP
from tests.support.runtime_process import RuntimeProcess
from tests.support.runtime_wire import Sink

NODE = os.environ.get("LOCKGATE_TEST_NODE") or shutil.which("node")  # another version, for a run by hand
CASES = Path(__file__).parents[1] / "e2e" / "node_functions" / "cases"
PEERS = Path(__file__).parents[1] / "node" / "node_modules"
OFFICIAL = PEERS / "aws-lambda-ric" / "bin" / "index.mjs"
OFFICIAL_IS_BUILT = (OFFICIAL.parents[1] / "dist" / "rapid-client.node").is_file()  # a native module


def lay_out_cases(target: Path) -> Path:
    """Copy the cases' functions; ``*.txt`` are files that tools must not read as JavaScript."""
    shutil.copytree(CASES, target)
    for path in target.rglob("*.txt"):
        path.rename(path.with_suffix(""))
    return target


@asynccontextmanager
async def start_node(
    folder: Path,
    handler: str,
    work: Path,
    *,
    official: bool = False,
    port: bool = False,
    variables: Mapping[str, str] | None = None,
) -> AsyncIterator[RuntimeProcess]:
    """Run our bootstrap on a socket or a port, or aws-lambda-ric on a port.

    :param work: gets socket and output; a socket's path is short.
    """
    work.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240  # a test's own folder
    sink = Sink()
    api = RuntimeApi(sink, work)
    channel = await (api.open_port(1) if official or port else api.open_socket(1))
    environment = node_environment(folder, handler) | dict(variables or {})
    if isinstance(channel, PortChannel):
        environment["AWS_LAMBDA_RUNTIME_API"] = f"127.0.0.1:{channel.port}"
    else:
        environment["LOCKGATE_RUNTIME_SOCKET"] = os.fspath(channel.folder / "api.sock")
    assert NODE is not None
    command = [NODE, os.fspath(OFFICIAL), handler] if official else [NODE, os.fspath(BOOTSTRAP)]
    log = work / "output"
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *command,
            env=environment,
            cwd=folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    runtime = RuntimeProcess(process, channel, sink, log)
    try:
        yield runtime
    finally:
        await runtime.close()


def node_environment(folder: Path, handler: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "TZ": ":UTC",
        "_HANDLER": handler,
        "LAMBDA_TASK_ROOT": os.fspath(folder),
        "AWS_EXECUTION_ENV": "AWS_Lambda_nodejs20.x",
        "AWS_LAMBDA_FUNCTION_NAME": "f",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/f",
        "AWS_LAMBDA_LOG_STREAM_NAME": "2026/01/01/[$LATEST]0123456789abcdef0123456789abcdef",
    }
