"""The driver's side of one zygote: start it, speak with it, know when it is gone.

Starting is slow (150 ms: it imports what functions share), talking is not: messages are sent without waiting, and
those that do not fit into the socket are kept until they do. Nothing here knows environments.
"""

import asyncio
import json
import os
import socket
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from executor.drivers.process import wire
from executor.language import Installation

Mode = Literal["root", "user", "plain"]

HELLO_TIMEOUT_S = 15.0  # 0.15 s on an idle machine; a cold disk and a busy machine take a hundred times that
END_TIMEOUT_S = 5.0  # then it is killed, and the kernel takes everything below it
_HERE = Path(__file__).parent
OUR_FILES = tuple(_HERE / name for name in ("zygote.py", "wire.py", "kernel.py", "sandbox.py", "inside.py"))


class ZygoteRefused(Exception):  # it says that it cannot work here; nothing is broken
    """The zygote could not set itself up; the message is its reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ZygoteSetup:
    """:param mode: *root*: namespaces by right; *user*: by a user namespace; *plain*: none.
    :param bootstrap: our Runtime API client for its language, or None for executables.
    :param runtime: what AWS's runtimes bring along, seen at ``/var/runtime``.
    :param root: see `Sandbox`.
    :param has_spare: one environment is forked ahead, without anything of a function.
    :param prefixes: folders that the interpreter needs, shown at their own paths.
    :param program: what environments execute instead of going on as the zygote's interpreter; `files` are its own,
        and `links` (path → target) are in its environments.
    """

    mode: Mode
    interpreter: Path
    prefixes: tuple[Path, ...]
    language: Path | None
    bootstrap: Path | None
    runtime: Path | None
    root: Path
    mark: str
    preload: tuple[str, ...] = ()
    has_spare: bool = False
    program: Installation | None = None
    files: tuple[Path, ...] = ()
    links: Mapping[str, str] = field(default_factory=dict)

    def encode(self) -> wire.Message:
        files = [*OUR_FILES, *([self.bootstrap] if self.bootstrap else []), *self.files]
        return {
            "mode": self.mode,
            "prefixes": [str(folder) for folder in self.prefixes],
            "language": None if self.language is None else str(self.language),
            "bootstrap": None if self.bootstrap is None else str(self.bootstrap),
            "runtime": None if self.runtime is None else str(self.runtime),
            "root": str(self.root),
            "files": [str(file) for file in files],
            "preload": self.preload,
            "spare": self.has_spare,
            "links": dict(self.links),
        }


class ZygoteProcess:
    """:param heard: called with each message after the greeting.
    :param gone: called once when the zygote is not there any more, however that came.
    """

    def __init__(
        self,
        setup: ZygoteSetup,
        heard: Callable[[wire.Message], None],
        gone: Callable[["ZygoteProcess"], None],
    ) -> None:
        self.setup = setup
        self._heard = heard
        self._gone = gone
        self._loop = asyncio.get_running_loop()
        self._process: asyncio.subprocess.Process | None = None
        self._control: socket.socket | None = None
        self._inbox: wire.Inbox | None = None
        self._waiting: deque[tuple[bytes, list[int]]] = deque()
        self._hello: asyncio.Future[None] = self._loop.create_future()
        self.is_alive = False

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    async def start(self) -> None:
        """Return when it has greeted. :raises ZygoteRefused: it cannot work here, or did not answer in time."""
        ours, theirs = socket.socketpair()
        try:
            self._process = await self._spawn(theirs)
        except OSError as problem:
            ours.close()
            raise ZygoteRefused(f"{self.setup.interpreter}: {problem.strerror}") from problem
        finally:
            theirs.close()
        ours.setblocking(False)
        self._control = ours
        self._inbox = wire.Inbox(ours)
        self.is_alive = True
        self._loop.add_reader(ours.fileno(), self._read)
        try:
            self.send(self.setup.encode())
            await asyncio.wait_for(self._hello, HELLO_TIMEOUT_S)
        except TimeoutError:
            await self.close()
            raise ZygoteRefused(f"{self.setup.interpreter} did not start in {HELLO_TIMEOUT_S:g} s") from None
        except BaseException:
            await asyncio.shield(self.close())
            raise

    async def _spawn(self, theirs: socket.socket) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            self.setup.interpreter,
            "-I",
            "-S",
            str(OUR_FILES[0]),
            str(theirs.fileno()),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            cwd="/",
            env={
                "LOCKGATE_MARK": self.setup.mark,
                "LANG": "C.UTF-8",
                "LC_CTYPE": "C.UTF-8",
                "PATH": os.defpath,
            },
            start_new_session=True,  # Ctrl-C in a terminal is for the server alone
        )

    def send(self, message: wire.Message, fds: list[int] | None = None) -> None:
        """Send now, or as soon as there is room. `fds` are copied; the caller keeps and closes its own.

        :raises ZygoteRefused: it is gone.
        """
        if self._control is None or not self.is_alive:
            raise ZygoteRefused("the zygote is gone")
        copies = [os.dup(fd) for fd in fds or []]
        self._waiting.append((wire.encode(message, len(copies)), copies))
        if len(self._waiting) == 1:
            self._write()
        if not self.is_alive:  # the write has found it gone: nobody will speak of what this message was about
            raise ZygoteRefused("the zygote is gone")

    async def close(self) -> None:
        """End it with all its environments; return when it is gone. Idempotent."""
        self._lose()
        if self._process is None:
            return
        try:
            await asyncio.wait_for(self._process.wait(), END_TIMEOUT_S)
        except TimeoutError:
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()

    def _read(self) -> None:
        assert self._inbox is not None
        try:
            messages = self._inbox.receive()
        except BlockingIOError:
            return
        except (EOFError, OSError, ValueError):
            self._lose()
            return
        for message, _ in messages:
            if self._hello.done():
                self._heard(message)
            elif message["event"] == "hello":
                self._hello.set_result(None)
            else:
                self._hello.set_exception(ZygoteRefused(message.get("reason", "it gave no reason")))

    def _write(self) -> None:
        control = self._control
        if control is None:
            return
        while self._waiting:
            data, fds = self._waiting[0]
            try:
                sent = wire.send(control, data, fds)
            except BlockingIOError:
                self._loop.add_writer(control.fileno(), self._write)
                return
            except OSError:
                self._lose()
                return
            _close_all(fds)
            if sent < len(data):
                self._waiting[0] = (data[sent:], [])
            else:
                self._waiting.popleft()
        self._loop.remove_writer(control.fileno())

    def _lose(self) -> None:
        """Close our end: the zygote, if it lives, kills its environments and ends."""
        control, self._control = self._control, None
        if control is None:
            return
        self._loop.remove_reader(control.fileno())
        self._loop.remove_writer(control.fileno())
        control.close()
        while self._waiting:
            _close_all(self._waiting.popleft()[1])
        self.is_alive = False
        if not self._hello.done():
            self._hello.set_exception(ZygoteRefused(f"{self.setup.interpreter} ended before it had started"))
            self._hello.exception()  # `send` may have said it already
        self._gone(self)

    def __repr__(self) -> str:
        return f"<Zygote {self.setup.interpreter} {self.setup.mode} {'alive' if self.is_alive else 'gone'}>"


def remember(folder: Path, pid: int) -> Path:
    """Note a zygote, so that the next start finds it even where its environment cannot be read."""
    file = folder / f"zygote-{pid}.json"
    file.write_text(json.dumps({"pid": pid, "identity": process_identity(pid)}))
    return file


def process_identity(pid: int) -> str | None:
    """What no later process with the same number has: boot and start time. None: it has ended, or no /proc."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return None if fields[0] == "Z" else f"{boot} {fields[19]}"


def _close_all(fds: list[int]) -> None:
    for fd in fds:
        os.close(fd)
