"""The Linux system calls that Python has no function for, by ctypes.

Loaded by path into the zygote, so: standard library only, Python 3.9. On other systems `Kernel()` raises OSError.
Source: mount(2), mount_setattr(2), pivot_root(2), unshare(2), prctl(2), capabilities(7).
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import signal
import sys

CLONE_NEWNS = 0x00020000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000

MS_RDONLY = 1
MS_NOSUID = 2
MS_NODEV = 4
MS_NOEXEC = 8
MS_REMOUNT = 32
MS_BIND = 4096
MS_REC = 16384
MS_SLAVE = 1 << 19
MNT_DETACH = 2

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_CAPBSET_DROP = 24
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38

_AT_FDCWD = -100
_AT_RECURSIVE = 0x8000
_MOUNT_ATTR_RDONLY = 1
_MOUNT_ATTR_NOSUID = 2
_MOUNT_ATTR_NODEV = 4
_SYS_CLONE3 = 435
_SYS_MOUNT_SETATTR = 442  # numbers above 424 are the same on every architecture
_SYS_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41, "riscv64": 41, "armv7l": 218, "ppc64le": 203, "s390x": 217}
_CAPABILITY_VERSION_3 = 0x20080522
_LAST_CAPABILITY = 63


class Kernel:
    """One loaded libc. Every method raises OSError, with the call's name in it."""

    def __init__(self) -> None:
        if sys.platform != "linux":
            raise OSError(errno.ENOSYS, "namespaces are a Linux feature")
        # PyDLL: the zygote has one thread, so giving up the GIL for a call would only cost time.
        self._libc = ctypes.PyDLL(None, use_errno=True)

    def mount(self, source: str, target: str, kind: str = "", flags: int = 0, options: str = "") -> None:
        encode = os.fsencode
        result = self._libc.mount(
            encode(source), encode(target), encode(kind), ctypes.c_ulong(flags), encode(options)
        )
        self._check(result, f"mount {source} on {target}")

    def bind(self, source: str, target: str, *, recursive: bool = False) -> None:
        self.mount(source, target, "", MS_BIND | (MS_REC if recursive else 0))

    def set_read_only(self, target: str, *, recursive: bool = False) -> None:
        """Make a mount read-only and without set-uid programs; other flags stay as they are."""
        self._set_attributes(
            target, _MOUNT_ATTR_RDONLY | _MOUNT_ATTR_NOSUID, MS_RDONLY | MS_NOSUID, recursive
        )

    def set_no_devices(self, target: str) -> None:
        self._set_attributes(target, _MOUNT_ATTR_NOSUID | _MOUNT_ATTR_NODEV, MS_NOSUID | MS_NODEV, False)

    def _set_attributes(self, target: str, attributes: int, flags: int, recursive: bool) -> None:
        request = (ctypes.c_uint64 * 4)(attributes, 0, 0, 0)
        result = self._libc.syscall(
            _SYS_MOUNT_SETATTR,
            _AT_FDCWD,
            os.fsencode(target),
            _AT_RECURSIVE if recursive else 0,
            ctypes.byref(request),
            ctypes.c_size_t(ctypes.sizeof(request)),
        )
        if result != 0 and ctypes.get_errno() == errno.ENOSYS:  # before Linux 5.12
            self._remount(target, flags)
            return
        self._check(result, f"mount_setattr {target}")

    def _remount(self, target: str, flags: int) -> None:
        # statvfs has the values of MS_RDONLY … MS_NOEXEC; what is locked must be named again or it is EPERM.
        kept = os.statvfs(target).f_flag & (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC)
        self.mount("none", target, "", MS_BIND | MS_REMOUNT | kept | flags)

    def unmount(self, target: str) -> None:
        self._check(self._libc.umount2(os.fsencode(target), MNT_DETACH), f"umount {target}")

    def pivot_root(self, new_root: str, put_old: str) -> None:
        number = _SYS_PIVOT_ROOT.get(platform.machine())
        if number is None:
            raise OSError(errno.ENOSYS, f"pivot_root is not known on {platform.machine()}")
        result = self._libc.syscall(number, os.fsencode(new_root), os.fsencode(put_old))
        self._check(result, f"pivot_root {new_root}")

    def unshare(self, flags: int) -> None:
        self._check(self._libc.unshare(flags), "unshare")

    def fork_into(self, namespaces: int) -> int:
        """``os.fork``, but the child is in new namespaces; of a process namespace it is the first process.

        Not unshare and fork: the way back to one's own process namespace needs rights in the user namespace that
        owns it, which an unprivileged user does not have. The child should fork before it does much: glibc
        has not heard of this one, and remembers the parent's thread id.
        """
        request = (ctypes.c_uint64 * 8)(namespaces, 0, 0, 0, signal.SIGCHLD, 0, 0, 0)
        ctypes.pythonapi.PyOS_BeforeFork()
        pid = self._libc.syscall(_SYS_CLONE3, ctypes.byref(request), ctypes.c_size_t(ctypes.sizeof(request)))
        number = ctypes.get_errno()
        if pid == 0:
            ctypes.pythonapi.PyOS_AfterFork_Child()
            return 0
        ctypes.pythonapi.PyOS_AfterFork_Parent()
        if pid < 0:
            raise OSError(number, f"clone3: {os.strerror(number)}")
        return int(pid)

    def die_with_parent(self, number: int) -> None:
        self._prctl(_PR_SET_PDEATHSIG, number, "PR_SET_PDEATHSIG")

    def set_dumpable(self, dumpable: bool) -> None:
        self._prctl(_PR_SET_DUMPABLE, int(dumpable), "PR_SET_DUMPABLE")

    def become_subreaper(self) -> None:
        self._prctl(_PR_SET_CHILD_SUBREAPER, 1, "PR_SET_CHILD_SUBREAPER")

    def forbid_new_privileges(self) -> None:
        self._prctl(_PR_SET_NO_NEW_PRIVS, 1, "PR_SET_NO_NEW_PRIVS")

    def drop_bounding_set(self) -> None:
        """No program that is started from here on can gain a capability."""
        for capability in range(_LAST_CAPABILITY + 1):
            if self._libc.prctl(_PR_CAPBSET_DROP, ctypes.c_ulong(capability), 0, 0, 0) != 0:
                if ctypes.get_errno() == errno.EINVAL:  # past the kernel's last capability
                    return
                self._check(-1, "PR_CAPBSET_DROP")

    def drop_capabilities(self) -> None:
        header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
        nothing = (ctypes.c_uint32 * 6)()
        self._check(self._libc.capset(ctypes.byref(header), ctypes.byref(nothing)), "capset")

    def _prctl(self, option: int, value: int, name: str) -> None:
        self._check(self._libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0), name)

    def _check(self, result: int, what: str) -> None:
        if result != 0:
            number = ctypes.get_errno()
            raise OSError(number, f"{what}: {os.strerror(number)}")
