"""The private file system of environments: a shared skeleton, built once, and a few mounts for each.

Loaded by path into the zygote: standard library only, Python 3.9. The zygote lives in the skeleton with the
host's tree at ``/.host``; an environment binds what it needs from there and then lets go of ``/.host``.
Everything but ``/tmp`` and volumes is read-only. This is privacy between functions, not a security boundary.
"""

from __future__ import annotations

import os
import shutil
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from executor.drivers.process.kernel import Kernel

HOST = "/.host"
CHANNEL = "/run/lockgate"
RUNTIME_FILES = "/run/runtime"  # our own files that a fresh interpreter runs; not on any module path
TASK = "/var/task"
RUNTIME = "/var/runtime"
LANGUAGE = "/var/lang"
VOLUMES = "/mnt"

_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
_LINKS = {
    "fd": "/proc/self/fd",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
    "stderr": "/proc/self/fd/2",
}
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/nix/store", "/gnu/store")
_FOLDERS = ("proc", "sys", "dev", "tmp", CHANNEL, RUNTIME_FILES, TASK, RUNTIME, "opt", VOLUMES, HOST)

# Flags of unshare and mount, see kernel.py
_NEWNS, _NEWUSER = 0x00020000, 0x10000000
_SLAVE, _REC, _NOSUID, _NODEV, _NOEXEC = 1 << 19, 16384, 2, 4, 8


class Sandbox:
    """
    :param root: an empty host folder that the skeleton is mounted on (in the zygote's own namespace only).
    :param unprivileged: make a user namespace first; all environments then have the server's uid.
    """

    def __init__(self, kernel: Kernel, root: str, *, unprivileged: bool) -> None:
        self._kernel = kernel
        self._root = root
        self._unprivileged = unprivileged

    def enter(
        self,
        *,
        prefixes: list[str],
        files: list[str],
        runtime: str | None,
        language: str | None,
        links: dict[str, str],
    ) -> None:
        """Build the skeleton and make it this process's root. :raises OSError: not allowed here.

        :param prefixes: folders visible at their own path (the interpreter).
        :param files: our own files, copied to `RUNTIME_FILES`.
        :param runtime: the folder shown at ``/var/runtime``.
        :param links: path → target.
        """
        self._separate()
        self._kernel.mount("tmpfs", self._root, "tmpfs", _NOSUID, "size=4m,mode=755")
        for folder in _FOLDERS:
            os.makedirs(self._inside(folder), mode=0o755, exist_ok=True)
        for path in _SYSTEM:
            self._show_system(path)
        for prefix in prefixes:
            self._show(prefix)
        self._show_resolver()
        self._make_devices()
        self._kernel.bind("/sys", self._inside("sys"), recursive=self._unprivileged)
        self._kernel.set_read_only(self._inside("sys"), recursive=True)
        for file in files:
            copy = os.path.join(self._inside(RUNTIME_FILES), os.path.basename(file))
            shutil.copyfile(file, copy)
            os.chmod(copy, 0o644)
        if runtime is not None:
            self._bind_read_only(runtime, self._inside(RUNTIME))
        if language is not None:
            os.symlink(language, self._inside(LANGUAGE))
        for path, destination in links.items():
            os.symlink(destination, self._inside(path))
        self._kernel.pivot_root(self._root, self._inside(HOST))
        os.chdir("/")
        self._kernel.set_read_only("/")

    def open_environment(self) -> None:
        """In the first process of an environment, in its own namespaces. :raises OSError:"""
        self._kernel.mount("proc", "/proc", "proc", _NOSUID | _NODEV | _NOEXEC)

    def mount_environment(self, request: dict[str, object]) -> None:
        """Add what is this environment's own, and let go of the host's tree. :raises OSError:"""
        kernel = self._kernel
        for source, target in request["binds"]:  # type: ignore[attr-defined]  # checked by the driver
            kernel.bind(HOST + source, target)
            kernel.set_read_only(target)
        kernel.mount("tmpfs", "/tmp", "tmpfs", _NOSUID | _NODEV, f"size={request['storage_mb']}m,mode=1777")  # noqa: S108
        volumes = request["volumes"]
        if volumes:
            self._mount_volumes(volumes)  # type: ignore[arg-type]  # name → host folder
        kernel.unmount(HOST)

    def _mount_volumes(self, volumes: dict[str, str]) -> None:
        # The skeleton's own tmpfs is shared by all environments, so mount points get one of their own.
        self._kernel.mount("tmpfs", VOLUMES, "tmpfs", _NOSUID | _NODEV, "size=64k,mode=755")
        for name, folder in volumes.items():
            target = os.path.join(VOLUMES, name)
            os.mkdir(target, 0o755)
            self._kernel.bind(HOST + folder, target)
            self._kernel.set_no_devices(target)
        self._kernel.set_read_only(VOLUMES)

    def _separate(self) -> None:
        uid, gid = os.getuid(), os.getgid()
        if self._unprivileged:
            self._kernel.unshare(_NEWUSER | _NEWNS)
            _write("/proc/self/setgroups", "deny")
            _write("/proc/self/uid_map", f"{uid} {uid} 1")
            _write("/proc/self/gid_map", f"{gid} {gid} 1")
        else:
            self._kernel.unshare(_NEWNS)
        # Slave: what the host mounts later appears here, nothing of ours appears on the host.
        self._kernel.mount("none", "/", "", _REC | _SLAVE)

    def _inside(self, path: str) -> str:
        return self._root + "/" + path.lstrip("/")

    def _show_system(self, path: str) -> None:
        if os.path.islink(path):
            os.symlink(os.readlink(path), self._inside(path))
        elif os.path.isdir(path):
            self._show(path)

    def _show(self, folder: str) -> None:
        """At its own path, read-only, unless a folder shown before has it already."""
        is_below = any(folder == path or folder.startswith(path + "/") for path in _SYSTEM)
        if is_below and os.path.lexists(self._inside(folder)):
            return
        target = self._inside(folder)
        os.makedirs(target, mode=0o755, exist_ok=True)
        self._bind_read_only(folder, target)

    def _bind_read_only(self, source: str, target: str) -> None:
        self._kernel.bind(source, target, recursive=True)
        self._kernel.set_read_only(target, recursive=True)

    def _show_resolver(self) -> None:
        # With systemd-resolved /etc/resolv.conf points into /run, which environments do not have.
        real = os.path.realpath("/etc/resolv.conf")
        if real.startswith("/etc/") or not os.path.isfile(real):
            return
        target = self._inside(real)
        os.makedirs(os.path.dirname(target), mode=0o755, exist_ok=True)
        _write(target, "")
        self._kernel.bind(real, target)
        self._kernel.set_read_only(target)

    def _make_devices(self) -> None:
        # No /dev/shm, as on Lambda.
        folder = self._inside("dev")
        for name in _DEVICES:
            self._make_device("/dev/" + name, os.path.join(folder, name))
        for name, target in _LINKS.items():
            os.symlink(target, os.path.join(folder, name))

    def _make_device(self, source: str, target: str) -> None:
        if not self._unprivileged:
            try:
                os.mknod(target, 0o666 | stat.S_IFCHR, os.stat(source).st_rdev)
            except PermissionError:  # no CAP_MKNOD, as in a container: bind it then
                pass
            else:
                os.chmod(target, 0o666)  # noqa: S103  # as /dev/null is
                return
        _write(target, "")
        self._kernel.bind(source, target)


def _write(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)
