"""From what the executor wants (`StartSpec`) to what a zygote is told: folders, variables, limits, program.

Also opens what the environment's user must reach: its channel's folder and its volumes. Paths inside are Lambda's
where file systems are private, else the host's.
"""

import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from executor.driver import ChannelAddress, StartSpec
from executor.drivers.process import cgroup
from executor.drivers.process.profile import Profile
from executor.drivers.process.sandbox import CHANNEL, RUNTIME, RUNTIME_FILES, TASK, VOLUMES
from executor.drivers.process.variables import (
    Layout,
    all_variables,
    has_shared_libraries,
    needs_fresh_interpreter,
    python_variables,
)
from executor.drivers.process.wire import Message
from executor.drivers.process.zygotes import OUR_FILES, ZygoteSetup
from executor.language import Place
from executor.languages import language_of
from executor.revision import FunctionConfig

BOOTSTRAP = Path(__file__).parents[2] / "runtimes" / "python" / "bootstrap.py"
# RLIMIT_DATA counts what is reserved, not what is used: 8 MiB for every thread's stack, the allocator's arenas.
_RESERVED_MB = 128
_UMASK = 0o022
_SHARED_UMASK = 0o002  # what one environment writes into a volume the others may change
_PROVIDED_SHOWN = ("/var/task/bootstrap", "/opt/bootstrap", "/var/runtime/bootstrap")


def start_request(
    spec: StartSpec,
    channel: ChannelAddress,
    *,
    profile: Profile,
    setup: ZygoteSetup,
    package: Path,
    slot: int,
    temporary: Path | None,
    has_group: bool,
) -> Message:
    """:param has_group: a cgroup limits memory and processes; else resource limits do what they can.
    :raises OSError: a volume or the channel cannot be opened for the environment's user.
    """
    config = spec.revision.config
    uid = profile.volume_uid if config.volumes else profile.uid(slot)
    _open_channel(channel, uid)
    for folder in config.volumes.values():
        _open_volume(Path(folder), profile)
    layout = _layout(spec, channel, profile=profile, setup=setup, package=package, temporary=temporary)
    language = _language_variables(spec.revision.config, layout, setup)
    return {
        "do": "start",
        "number": spec.environment,
        "uid": uid,
        "gid": profile.gid,
        "umask": _SHARED_UMASK if config.volumes else _UMASK,
        # A uid's processes are counted over everything it runs: a limit only where the uid is its own.
        "processes": cgroup.MAX_PROCESSES if profile.own_uid and not config.volumes else None,
        "data_bytes": None if has_group else (config.memory_mb + _RESERVED_MB) << 20,
        "storage_mb": spec.shape.storage_mb,
        "binds": _binds(channel, package),
        "volumes": dict(config.volumes),
        "cwd": layout.task,
        "variables": all_variables(spec, channel, layout, locale=profile.locale, language=language),
        "program": _program(spec, layout, setup=setup, package=package),
    }


def probe_request(number: int, profile: Profile, storage_mb: int) -> Message:
    """An environment that does everything up to the program, and then ends with status 0."""
    return {
        "do": "start",
        "number": number,
        "uid": profile.uid(0),
        "gid": profile.gid,
        "umask": _UMASK,
        "processes": None,
        "data_bytes": None,
        "storage_mb": storage_mb,
        "binds": [],
        "volumes": {},
        "cwd": "/",
        "variables": {},
        "program": {"kind": "probe"},
    }


def make_temporary(spec: StartSpec, profile: Profile, prefix: str) -> Path | None:
    """The environment's own folder for temporary files, where it cannot have its own ``/tmp``."""
    if profile.is_private:
        return None
    folder = Path(tempfile.mkdtemp(prefix=f"{prefix}{spec.environment}-"))
    uid = profile.uid(0)
    if uid is not None:
        os.chown(folder, -1, profile.gid)
        folder.chmod(0o770)
    return folder


def remove_temporaries(prefix: str) -> None:
    for folder in Path(tempfile.gettempdir()).glob(prefix + "*"):
        shutil.rmtree(folder, ignore_errors=True)


def _layout(
    spec: StartSpec,
    channel: ChannelAddress,
    *,
    profile: Profile,
    setup: ZygoteSetup,
    package: Path,
    temporary: Path | None,
) -> Layout:
    volumes = spec.revision.config.volumes
    if profile.is_private:
        return Layout(
            private=True,
            task=TASK,
            runtime=None if setup.runtime is None else RUNTIME,
            channel=CHANNEL if channel.folder is not None else None,
            volumes={name: f"{VOLUMES}/{name}" for name in volumes},
        )
    return Layout(
        private=False,
        task=str(package),
        runtime=None if setup.runtime is None else str(setup.runtime),
        channel=None if channel.folder is None else str(channel.folder),
        volumes=dict(volumes),
        temporary=str(temporary),
        language=None if setup.language is None else str(setup.language / "bin"),
    )


def _language_variables(config: FunctionConfig, layout: Layout, setup: ZygoteSetup) -> dict[str, str]:
    if setup.program is not None:
        language = language_of(config.runtime)
        assert language is not None
        return language.variables(setup.program, _place(layout, setup), config)
    return python_variables(layout) if setup.bootstrap is not None else {}


def _place(layout: Layout, setup: ZygoteSetup) -> Place:
    ours = RUNTIME_FILES if layout.private else str(setup.files[0].parent) if setup.files else ""
    return Place(files=ours, task=layout.task, runtime=layout.runtime)


def _binds(channel: ChannelAddress, package: Path) -> list[tuple[str, str]]:
    binds = [(str(package), TASK)]
    if channel.folder is not None:
        binds.append((str(channel.folder), CHANNEL))
    return binds


def _program(spec: StartSpec, layout: Layout, *, setup: ZygoteSetup, package: Path) -> Message:
    own = spec.revision.config.environment
    if setup.program is not None:
        return _exec(_language_command(spec.revision.config, layout, setup), own)
    if setup.bootstrap is None:
        return {"kind": "bootstrap", "candidates": _candidates(layout)}
    if not needs_fresh_interpreter(own) and not _shared_libraries(package):
        return {"kind": "warm"}
    ours = Path(RUNTIME_FILES) if layout.private else OUR_FILES[0].parent
    bootstrap = ours / setup.bootstrap.name if layout.private else setup.bootstrap
    command = [str(setup.interpreter), "-s", "-S", str(ours / "zygote.py"), "--function", str(bootstrap)]
    return _exec(command, own)


def _language_command(config: FunctionConfig, layout: Layout, setup: ZygoteSetup) -> list[str]:
    language = language_of(config.runtime)
    assert language is not None
    assert setup.program is not None
    return language.command(setup.program, _place(layout, setup), config)


def _exec(command: list[str], environment: Mapping[str, str]) -> Message:
    wrapper = environment.get("AWS_LAMBDA_EXEC_WRAPPER")
    return {"kind": "exec", "command": [wrapper, *command] if wrapper else command}


def _candidates(layout: Layout) -> list[tuple[str, str]]:
    """Where an executable runtime is looked for, and how Lambda calls that place."""
    if layout.private:
        return [(path, path) for path in _PROVIDED_SHOWN]
    return [(f"{layout.task}/bootstrap", _PROVIDED_SHOWN[0])]


def _open_channel(channel: ChannelAddress, uid: int | None) -> None:
    if channel.folder is not None and uid is not None:
        os.chown(channel.folder, uid, -1)
    if channel.admit is not None and uid is not None:
        channel.admit(uid)


def _open_volume(folder: Path, profile: Profile) -> None:
    """:raises OSError: also when the path leads through a link, which was resolved when the file was read: a
    function has put it there, and its target would be opened to functions.
    """
    if folder.resolve() != folder:
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(folder))
    folder.mkdir(parents=True, exist_ok=True)
    if not profile.own_uid:
        return
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.fchown(fd, -1, profile.gid)
        os.fchmod(fd, stat.S_IMODE(os.fstat(fd).st_mode) | stat.S_ISGID | stat.S_IRWXG)
    finally:
        os.close(fd)


@lru_cache(maxsize=1024)
def _shared_libraries(package: Path) -> bool:
    return has_shared_libraries(package)  # a package never changes
