"""Which zygotes there are: one for each interpreter, and one for executables; started when first needed.

A zygote that died is started again at the next call. Its environments are the driver's business.
"""

import asyncio
import logging
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from executor.driver import StartError
from executor.drivers.process.profile import Profile, host_paths
from executor.drivers.process.request import BOOTSTRAP
from executor.drivers.process.wire import Message
from executor.drivers.process.zygotes import Mode, ZygoteProcess, ZygoteRefused, ZygoteSetup, remember
from executor.interpreters import Interpreter, NoInterpreter, nearest
from executor.language import Installation, NotInstalled
from executor.language import nearest as nearest_installation
from executor.languages import language_of
from kit.names import Names

# Common modules of the standard library: 133 ms of imports and 13 MB, shared by all environments; a fork costs 0.6 ms
# with them, 0.2 ms without. Nothing of third parties: it would shadow what a package brings.
PRELOADED = (
    *("asyncio", "base64", "collections.abc", "concurrent.futures", "contextlib", "copy", "dataclasses"),
    *("datetime", "decimal", "email.message", "email.utils", "enum", "functools", "hashlib", "hmac"),
    *("http.client", "importlib.metadata", "inspect", "io", "itertools", "json", "logging", "operator", "os"),
    *(
        "pathlib",
        "pickle",
        "platform",
        "queue",
        "random",
        "re",
        "secrets",
        "shutil",
        "socket",
        "ssl",
        "string",
    ),
    *("struct", "subprocess", "tempfile", "textwrap", "threading", "time", "traceback", "types", "typing"),
    *("urllib.parse", "urllib.request", "uuid", "warnings", "weakref", "zoneinfo"),
)

log = logging.getLogger(__name__)

_PROVIDED = re.compile(r"provided(\..*)?")


def is_provided(runtime: str) -> bool:
    return _PROVIDED.fullmatch(runtime) is not None


class Nursery:
    """:param heard: gets what any zygote says of its environments.
    :param gone: called once for each zygote that is not there any more.
    """

    def __init__(
        self,
        *,
        names: Names,
        runtime_folder: Callable[[Interpreter | Installation], Path | None],
        state: Path,
        heard: Callable[[Message], None],
        gone: Callable[[ZygoteProcess], None],
    ) -> None:
        self._names = names
        self._runtime_folder = runtime_folder
        self._state = state
        self._heard = heard
        self._gone = gone
        self._found: tuple[Interpreter, ...] = ()
        self._installed: Mapping[str, tuple[Installation, ...]] = {}
        self._mode: Mode = "plain"
        self._zygotes: dict[Path | None, asyncio.Task[ZygoteProcess]] = {}  # None: for executables
        self._notes: dict[ZygoteProcess, Path] = {}

    def open(
        self,
        found: tuple[Interpreter, ...],
        installed: Mapping[str, tuple[Installation, ...]],
        profile: Profile,
    ) -> None:
        """:param installed: by the language's name."""
        self._found = found
        self._installed = installed
        self._mode = profile.mode

    async def zygote(self, runtime: str) -> ZygoteProcess:
        """:raises StartError: permanently, if no interpreter here runs it; else if the zygote does not start."""
        runner = self._runner(runtime)
        key = None if runner is None else runner.path
        task = self._zygotes.get(key)
        if task is None or not _is_useful(task):
            task = asyncio.create_task(self._start(self._setup(runner)), name=f"start zygote {key}")
            self._zygotes[key] = task
        try:
            return await asyncio.shield(task)  # others may wait for the same one
        except ZygoteRefused as problem:
            raise StartError(str(problem), permanent=False, error_type="Sandbox.Failure") from problem

    async def close(self) -> None:
        """End all zygotes with their environments."""
        tasks = list(self._zygotes.values())
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(result, ZygoteProcess):
                await result.close()
        self._zygotes.clear()

    def _runner(self, runtime: str) -> Interpreter | Installation | None:
        """What runs it; None for executables."""
        if is_provided(runtime):
            return None
        language = language_of(runtime)
        try:
            if language is not None:
                return nearest_installation(runtime, self._installed.get(language.name, ()), language)
            return nearest(runtime, self._found)
        except (NoInterpreter, NotInstalled) as problem:
            raise StartError(
                str(problem), permanent=True, error_type="Runtime.InvalidEntrypoint"
            ) from problem

    def _setup(self, runner: Interpreter | Installation | None) -> ZygoteSetup:
        plain = executables_setup(self._names, self._state, self._mode)
        if runner is None:
            return plain
        if isinstance(runner, Installation):
            return self._program_setup(plain, runner)
        return self._python_setup(runner)

    def _program_setup(self, plain: ZygoteSetup, program: Installation) -> ZygoteSetup:
        """As for executables, with the program, what it reads, and our files of its language."""
        language = language_of(program.language)
        assert language is not None
        folder = self._runtime_folder(program)
        if folder is None and language.needs_folder:
            message = f"{language.name} functions need what 'lockgate runtimes install' fetches: run it once"
            raise StartError(message, permanent=True, error_type="Runtime.InvalidEntrypoint")
        return replace(
            plain,
            prefixes=tuple(sorted({*plain.prefixes, program.home, program.path.parent})),
            language=program.home,
            runtime=folder,
            has_spare=True,
            program=program,
            files=language.files,
            links=language.links,
        )

    def _python_setup(self, interpreter: Interpreter) -> ZygoteSetup:
        return ZygoteSetup(
            mode=self._mode,
            interpreter=interpreter.path,
            prefixes=host_paths(interpreter),
            language=interpreter.prefix,
            bootstrap=BOOTSTRAP,
            runtime=self._runtime_folder(interpreter),
            root=skeleton_root(self._state),
            mark=zygote_mark(self._names),
            preload=PRELOADED,
            has_spare=True,
        )

    async def _start(self, setup: ZygoteSetup) -> ZygoteProcess:
        zygote = ZygoteProcess(setup, self._heard, self._forget)
        await zygote.start()
        assert zygote.pid is not None
        try:
            self._notes[zygote] = remember(self._state, zygote.pid)
        except OSError as problem:  # a full disk; its mark finds it, too
            log.warning("zygote %d could not be noted: %s", zygote.pid, problem)
        return zygote

    def _forget(self, zygote: ZygoteProcess) -> None:
        note = self._notes.pop(zygote, None)
        if note is not None:
            note.unlink(missing_ok=True)
        self._gone(zygote)


def executables_setup(names: Names, state: Path, mode: Mode) -> ZygoteSetup:
    """For `provided`: the server's own interpreter, never its virtual environment, only forks and mounts."""
    folders = {Path(sys.base_prefix).resolve(), Path(sys.base_exec_prefix).resolve()}
    return ZygoteSetup(
        mode=mode,
        interpreter=Path(sys._base_executable).resolve(),  # type: ignore[attr-defined]  # not in typeshed
        prefixes=tuple(sorted(folders)),
        language=None,
        bootstrap=None,
        runtime=None,
        root=skeleton_root(state),
        mark=zygote_mark(names),
    )


def zygote_mark(names: Names) -> str:
    return f"{names.instance}/{names.epoch}/zygote"


def skeleton_root(state: Path) -> Path:
    """An empty folder; what is mounted on it exists in zygotes' namespaces only."""
    root = state / "root"
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    return root


def _is_useful(task: asyncio.Task[ZygoteProcess]) -> bool:
    """Still starting, or alive."""
    if not task.done():
        return True
    return not task.cancelled() and task.exception() is None and task.result().is_alive
