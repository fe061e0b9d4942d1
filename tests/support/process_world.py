"""A process driver with its packages and channels, for tests that start real environments.

Most functions here say what they see by printing JSON while they are imported; no Runtime API is needed for that.
"""

import asyncio
import json
import os
import shutil
import socket
import tempfile
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from executor.driver import (
    Capabilities,
    ChannelAddress,
    ChannelKind,
    EnvironmentShape,
    ExitReport,
    StartSpec,
)
from executor.drivers.process.driver import ProcessDriver
from executor.drivers.process.reap import marked_processes
from executor.revision import FunctionConfig, Revision
from kit.names import Names

WAIT_S = 10.0
HANDLER = "\ndef handler(event, context):\n    return None\n"


class Recorder:
    """A driver's sink that keeps everything and lets a test wait for it."""

    def __init__(self) -> None:
        self.output: dict[int, bytearray] = defaultdict(bytearray)
        self.exits: dict[int, ExitReport] = {}
        self.keeps_output = True
        self.printed_bytes = 0
        self._changed = asyncio.Event()

    def exited(self, environment: int, report: ExitReport) -> None:
        assert environment not in self.exits, "reported twice"
        self.exits[environment] = report
        self._changed.set()

    def printed(self, environment: int, chunk: bytes) -> None:
        self.printed_bytes += len(chunk)
        if self.keeps_output:
            self.output[environment] += chunk
        self._changed.set()

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until something that the driver told makes `condition` true."""
        async with asyncio.timeout(WAIT_S):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def exit_of(self, environment: int) -> ExitReport:
        await self.until(lambda: environment in self.exits)
        return self.exits[environment]

    async def line_of(self, environment: int) -> str:
        """The first line that an environment printed."""
        await self.until(lambda: b"\n" in self.output[environment])
        return self.output[environment].split(b"\n")[0].decode()

    async def said_by(self, environment: int) -> Any:
        """The first line, which is JSON."""
        line = await self.line_of(environment)
        assert line[:1] in '{["0123456789tfn', self.output[environment].decode()
        return json.loads(line)


class ProcessWorld:
    """One instance with its driver. Use ``async with``; leaving it checks that nothing is left."""

    def __init__(self, instance: str = "", epoch: int = 1, uid_base: int = 200_000) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="lg")).resolve()  # short: a socket's path has 107 bytes
        self.folder.chmod(0o755)
        instance = instance or os.urandom(4).hex()
        self.names = Names(instance=instance, epoch=epoch)
        self.sink = Recorder()
        self.driver = ProcessDriver(
            names=self.names,
            packages=lambda digest: self.folder / "packages" / digest,
            runtime_folder=lambda interpreter: None,
            state=self.folder / "state",
            uid_base=uid_base,
        )
        self.capabilities: Capabilities
        self._next = 0
        self._servers: list[asyncio.Server] = []
        self.first_bytes: dict[int, bytes] = {}

    async def __aenter__(self) -> "ProcessWorld":
        self.capabilities = await self.driver.open(self.sink)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.driver.close()
        await self.close_channels()
        left = marked_processes(self.names.instance)
        shutil.rmtree(self.folder)
        assert left == [], "processes outlived their driver"

    async def close_channels(self) -> None:
        while self._servers:
            server = self._servers.pop()
            server.close()
            await server.wait_closed()

    def package(self, files: Mapping[str, str | bytes], executable: str = "") -> str:
        digest = os.urandom(8).hex()
        folder = self.folder / "packages" / digest
        for name, content in files.items():
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content if isinstance(content, bytes) else content.encode())
            file.chmod(0o755 if name == executable else 0o644)
        return digest

    def spec(self, package: str, *, variables: Mapping[str, str] | None = None, **config: Any) -> StartSpec:
        self._next += 1
        settings: dict[str, Any] = {"runtime": "python3.13", "memory_mb": 256, "storage_mb": 64} | config
        full = FunctionConfig(name="f", handler="app.handler", **settings)
        own = {"_HANDLER": "app.handler", "AWS_EXECUTION_ENV": f"AWS_Lambda_{full.runtime}"}
        return StartSpec(
            environment=self._next,
            mark=self.names.environment_mark(self._next),
            shape=EnvironmentShape(runtime=full.runtime, storage_mb=full.storage_mb),
            revision=Revision.of(full, package),
            variables=own | dict(full.environment) | dict(variables or {}),
        )

    async def channel(self, spec: StartSpec) -> ChannelAddress:
        """A channel on which every runtime waits for ever; `first_bytes` tells what it asked."""
        number = spec.environment

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.first_bytes.setdefault(number, await reader.read(65536))
            self.sink.printed(0, b"")  # wake who waits
            await reader.read(-1)
            writer.close()

        kind = self.driver.channel_kind(spec.revision.config.runtime)
        if kind is ChannelKind.SOCKET:
            folder = self.folder / "e" / str(number)
            folder.mkdir(mode=0o700, parents=True)
            self._servers.append(await asyncio.start_unix_server(answer, folder / "api.sock"))
            (folder / "api.sock").chmod(0o666)
            return ChannelAddress(kind=kind, folder=folder)
        server = await asyncio.start_server(answer, "127.0.0.1", 0, family=socket.AF_INET)
        self._servers.append(server)
        return ChannelAddress(kind=kind, port=server.sockets[0].getsockname()[1])

    async def start(self, spec: StartSpec) -> int:
        await self.driver.prepare(spec.revision)
        await self.driver.start(spec, await self.channel(spec))
        return spec.environment

    async def run(self, code: str, **config: Any) -> int:
        """Start an environment whose module is `code`, which runs when it is imported."""
        return await self.start(self.spec(self.package({"app.py": code + HANDLER}), **config))

    async def say(self, expression: str, **config: Any) -> Any:
        """What an expression is inside an environment."""
        code = f"import json, os, sys\nprint(json.dumps({expression}))"
        return await self.sink.said_by(await self.run(code, **config))

    async def asked(self, environment: int) -> bytes:
        """The first bytes that its runtime sent."""
        await self.sink.until(lambda: environment in self.first_bytes)
        return self.first_bytes[environment]
