"""A runtime as a process of its own, driven over a real channel."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from executor.runtime_api.channel import PortChannel, SocketChannel
from executor.runtime_api.server import RuntimeApi
from tests.support.runtime_wire import ARN, TRACE, Sink, delivery

BOOTSTRAP = Path(__file__).parents[2] / "executor" / "runtimes" / "python" / "bootstrap.py"
_ENDS = ("response_ended", "error_posted", "init_error_posted", "response_too_large")


@dataclass
class Answer:
    """`kind` is the name of the sink's call, or ``exited`` with the exit code as `body`."""

    kind: str
    body: bytes


class RuntimeProcess:
    def __init__(
        self, process: asyncio.subprocess.Process, channel: SocketChannel | PortChannel, sink: Sink, log: Path
    ) -> None:
        self.process = process
        self.channel = channel
        self.sink = sink
        self._log = log
        self._exit = asyncio.ensure_future(process.wait())

    async def invoke(
        self,
        payload: bytes,
        *,
        request_id: str,
        timeout_s: float = 10.0,
        client_context: str | None = None,
        cognito_identity: str | None = None,
    ) -> Answer:
        """Deliver one event as soon as the runtime asks, and return how it ended."""
        asked = await self._first("next_asked")
        if asked is not None:
            return asked
        self.sink.calls.clear()
        assert self.channel.deliver(
            delivery(
                payload,
                request_id=request_id,
                deadline_ms=int((time.time() + timeout_s) * 1000),
                function_arn=ARN,
                trace=TRACE,
                client_context=client_context,
                cognito_identity=cognito_identity,
            )
        )
        answer = await self._first(*_ENDS)
        assert answer is not None
        self.sink.calls[:] = [call for call in self.sink.calls if call[0] == "next_asked"]
        return answer

    async def _first(self, *names: str) -> Answer | None:
        """None for ``next``, else the call, an init error or the exit: whichever is there first."""
        while True:
            for call in self.sink.calls:
                if call[0] == "next_asked" and "next_asked" in names:
                    return None
                if call[0] in _ENDS:
                    return Answer(call[0], _body(call))
            if self._exit.done():
                return Answer("exited", str(self._exit.result()).encode())
            self.sink.changed.clear()
            waiter = asyncio.ensure_future(self.sink.changed.wait())
            await asyncio.wait({waiter, self._exit}, return_when=asyncio.FIRST_COMPLETED)
            waiter.cancel()

    async def exit_code(self) -> int:
        return await self._exit

    def output(self) -> str:
        return self._log.read_bytes().decode(errors="surrogateescape")

    async def close(self) -> None:
        self.channel.close()
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGKILL)
        await self._exit


def _body(call: tuple[object, ...]) -> bytes:
    return next((part for part in call if isinstance(part, bytes)), b"")


@asynccontextmanager
async def start_runtime(
    folder: Path,
    handler: str,
    work: Path,
    *,
    python: str = sys.executable,
    script: Path = BOOTSTRAP,
    official: bool = False,
    port: bool = False,
    variables: Mapping[str, str] | None = None,
) -> AsyncIterator[RuntimeProcess]:
    """Run our bootstrap on a socket or a port, or awslambdaric on a port.

    :param work: gets socket and output; a socket's path is short.
    """
    work.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240  # a test's own folder
    sink = Sink()
    api = RuntimeApi(sink, work)
    channel = await (api.open_port(1) if official or port else api.open_socket(1))
    environment = _environment(folder, handler) | dict(variables or {})
    if isinstance(channel, PortChannel):
        environment["AWS_LAMBDA_RUNTIME_API"] = f"127.0.0.1:{channel.port}"
    else:
        environment["LOCKGATE_RUNTIME_SOCKET"] = os.fspath(channel.folder / "api.sock")
    command = [python, "-m", "awslambdaric", handler] if official else [python, os.fspath(script)]
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


def _environment(folder: Path, handler: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "PYTHONDONTWRITEBYTECODE": "1",
        "_HANDLER": handler,
        "LAMBDA_TASK_ROOT": os.fspath(folder),
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
        "AWS_LAMBDA_FUNCTION_NAME": "f",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/f",
        "AWS_LAMBDA_LOG_STREAM_NAME": "2026/01/01/[$LATEST]0123456789abcdef0123456789abcdef",
    }
