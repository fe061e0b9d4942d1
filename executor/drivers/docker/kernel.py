"""Mounts and loop devices, by the kernel's own calls: what `mount` and `losetup` do, without starting them.

Linux only; each call needs CAP_SYS_ADMIN and raises OSError without. A mount takes 20 µs to some milliseconds:
call from a worker thread.
"""

import ctypes
import errno
import fcntl
import os
import struct
from pathlib import Path

# <sys/mount.h>, <linux/mount.h>; the numbers of newer system calls are the same on every architecture
_MS_NOSUID, _MS_NODEV, _MS_NOATIME = 2, 4, 1024
_MS_BIND, _MS_PRIVATE, _MS_SHARED = 4096, 1 << 18, 1 << 20
_MNT_DETACH, _UMOUNT_NOFOLLOW = 2, 8
_SYS_OPEN_TREE, _SYS_MOVE_MOUNT, _SYS_MOUNT_SETATTR = 428, 429, 442
_OPEN_TREE_CLONE, _OPEN_TREE_CLOEXEC = 1, os.O_CLOEXEC
_AT_FDCWD, _AT_EMPTY_PATH = -100, 0x1000
_MOVE_MOUNT_F_EMPTY_PATH = 4
_MOUNT_ATTR_RDONLY, _MOUNT_ATTR_NOSUID, _MOUNT_ATTR_NODEV = 1, 2, 4
# <linux/loop.h>
_LOOP_CTL_GET_FREE, _LOOP_CONFIGURE = 0x4C82, 0x4C0A
_LO_FLAGS_AUTOCLEAR = 4
_LOOP_CONFIG = struct.Struct("=II 5QIIII 64s64s32s2Q 8Q")
_LOOP_TRIES = 32  # between finding a free device and taking it another program may take it

_libc = ctypes.CDLL(None, use_errno=True)


def bind_shared(folder: Path) -> None:
    """Make the folder a mount of its own, whose later mounts containers can get. Idempotent is the caller's part."""
    _mount(folder, folder, None, _MS_BIND)
    _mount(None, folder, None, _MS_PRIVATE)  # else it would stay one with the mount that it lies in
    _mount(None, folder, None, _MS_SHARED)


def bind_read_only(source: Path, target: Path) -> None:
    """Show *source* at *target*, read-only, without setuid and devices, also in every copy that propagates.

    Flags set after a mount do not propagate: so the mount gets them before it has a place.
    """
    attributes = _MOUNT_ATTR_RDONLY | _MOUNT_ATTR_NOSUID | _MOUNT_ATTR_NODEV
    wanted = struct.pack("=4Q", attributes, 0, _MS_PRIVATE, 0)
    flags = _OPEN_TREE_CLONE | _OPEN_TREE_CLOEXEC
    fd = _call(_libc.syscall(_SYS_OPEN_TREE, _AT_FDCWD, os.fsencode(source), flags), source)
    try:
        size = ctypes.c_size_t(len(wanted))
        _call(_libc.syscall(_SYS_MOUNT_SETATTR, fd, b"", _AT_EMPTY_PATH, wanted, size), source)
        to = os.fsencode(target)
        _call(_libc.syscall(_SYS_MOVE_MOUNT, fd, b"", _AT_FDCWD, to, _MOVE_MOUNT_F_EMPTY_PATH), target)
    finally:
        os.close(fd)


def mount_image(image: Path, target: Path) -> None:
    """Mount an ext4 file, without setuid and devices; its loop device goes away with the mount."""
    with _loop_device(image) as device:
        flags = _MS_NOSUID | _MS_NODEV | _MS_NOATIME
        # Nothing of it outlives a crash of the machine, so it need not be written in order.
        _mount(Path(device.name), target, "ext4", flags, "barrier=0")


def unmount(target: Path) -> None:
    """Every mount on *target*, busy or not. Idempotent: none is left, or the folder is gone."""
    while _libc.umount2(os.fsencode(target), _MNT_DETACH | _UMOUNT_NOFOLLOW) == 0:
        pass
    code = ctypes.get_errno()
    if code not in (errno.EINVAL, errno.ENOENT):
        raise OSError(code, os.strerror(code), str(target))


def mounts_below(folder: Path) -> list[Path]:
    """Mount points in and at *folder*, the last one made first."""
    text = Path("/proc/self/mountinfo").read_text()
    points = [Path(_unescape(line.split()[4])) for line in text.splitlines()]
    return [point for point in reversed(points) if point.is_relative_to(folder)]


def is_shared(folder: Path) -> bool:
    """Whether what is mounted below *folder* shows in other places of the system as well."""
    lines = (line.split() for line in Path("/proc/self/mountinfo").read_text().splitlines())
    around = [line for line in lines if folder.resolve().is_relative_to(_unescape(line[4]))]
    nearest = max(
        reversed(around), key=lambda line: len(line[4])
    )  # the last one on a point covers the others
    return any(field.startswith("shared:") for field in nearest[6 : nearest.index("-")])


def _unescape(path: str) -> str:
    return path.encode().decode("unicode_escape").encode("latin-1").decode(errors="surrogateescape")


class _loop_device:  # noqa: N801  # used like a function
    """A loop device over a file, open while it is mounted: until then only this descriptor keeps it."""

    def __init__(self, image: Path) -> None:
        self._image = image

    def __enter__(self):  # type: ignore[no-untyped-def]  # a raw binary file
        backing = os.open(self._image, os.O_RDWR | os.O_CLOEXEC)
        try:
            self._device = _attach(backing, self._image)
        finally:
            os.close(backing)
        return self._device

    def __exit__(self, *_: object) -> None:
        self._device.close()


def _attach(backing: int, image: Path):  # type: ignore[no-untyped-def]
    name = os.fsencode(image)[-63:]
    config = _LOOP_CONFIG.pack(
        backing, 0, 0, 0, 0, 0, 0, 0, 0, 0, _LO_FLAGS_AUTOCLEAR, name, b"", b"", 0, 0, *(0,) * 8
    )
    control = os.open("/dev/loop-control", os.O_RDWR | os.O_CLOEXEC)
    try:
        for _ in range(_LOOP_TRIES):
            number = fcntl.ioctl(control, _LOOP_CTL_GET_FREE)
            device = open(f"/dev/loop{number}", "r+b", buffering=0)  # noqa: SIM115  # returned
            try:
                fcntl.ioctl(device, _LOOP_CONFIGURE, config)
            except OSError as error:
                device.close()
                if error.errno != errno.EBUSY:
                    raise
            else:
                return device
    finally:
        os.close(control)
    raise OSError(errno.EBUSY, "no loop device could be had", str(image))


def _mount(
    source: Path | None, target: Path, kind: str | None, flags: int, options: str | None = None
) -> None:
    result = _libc.mount(
        None if source is None else os.fsencode(source),
        os.fsencode(target),
        None if kind is None else kind.encode(),
        ctypes.c_ulong(flags),
        None if options is None else options.encode(),
    )
    _call(result, target)


def _call(result: int, path: Path) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), str(path))
    return result
