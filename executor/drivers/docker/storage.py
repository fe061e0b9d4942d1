"""``/tmp`` as disk: a sparse ext4 file for each environment, mounted by a loop device, full at its size.

One template for each size is made with mkfs; environments get copies of it, which are a few hundred KiB of data.
A copy is unlinked as soon as it is mounted: with the mount everything is gone, whatever happened to the server.
State: the templates in *folder*. Calls block on disk: worker threads only.
"""

import os
import shutil
import subprocess
import threading
from contextlib import suppress
from pathlib import Path

from executor.drivers.docker import kernel

_MKFS_TIMEOUT_S = 30.0  # 20 ms on an idle disk
_OPTIONS = (
    *("-q", "-F", "-m", "0"),  # no blocks for root: the function may use them all
    *("-O", "^has_journal,^resize_inode"),  # it is thrown away, never repaired
    *("-E", "lazy_itable_init=1,nodiscard"),
    *("-i", "16384", "-b", "4096"),
)
# What the file system keeps for itself, so that `storage` MB can be written: inodes (1/64), bitmaps, descriptors.
_OWN_SHARE = 24
_OWN_MB = 2


class Storage:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._templates: dict[int, Path] = {}

    def mount(self, size_mb: int, target: Path) -> None:
        """:raises OSError: the disk is full, or loop mounts are not allowed here."""
        template = self._template(size_mb)
        image = self._folder / f"{target.parent.name}.img"
        try:
            _copy_sparse(template, image)
            kernel.mount_image(image, target)
        finally:
            image.unlink(missing_ok=True)

    def _template(self, size_mb: int) -> Path:
        with self._lock:
            found = self._templates.get(size_mb)
            if found is None:
                found = self._templates[size_mb] = self._make_template(size_mb)
            return found

    def _make_template(self, size_mb: int) -> Path:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft, mounted = self._folder / f"{size_mb}.draft", self._folder / f"{size_mb}.mounted"
        with draft.open("wb") as file:
            file.truncate((size_mb + size_mb // _OWN_SHARE + _OWN_MB) << 20)
        program = shutil.which("mkfs.ext4", path=f"{os.defpath}:/usr/sbin:/sbin")
        if program is None:
            raise FileNotFoundError("mkfs.ext4 is not installed")
        try:
            subprocess.run(
                [program, *_OPTIONS, str(draft)],
                check=True, timeout=_MKFS_TIMEOUT_S, stdin=subprocess.DEVNULL, capture_output=True,
            )  # fmt: skip
        except subprocess.SubprocessError as error:
            raise OSError(f"mkfs.ext4 failed: {error}") from error
        mounted.mkdir(exist_ok=True)
        kernel.mount_image(draft, mounted)
        try:
            (mounted / "lost+found").rmdir()
            mounted.chmod(0o1777)
        finally:
            kernel.unmount(mounted)
            mounted.rmdir()
        template = self._folder / f"{size_mb}.template"
        with draft.open("rb") as file:
            os.fsync(
                file.fileno()
            )  # the mount's last writes go through a loop device that may still be closing
        draft.rename(template)
        return template

    def close(self) -> None:
        with suppress(OSError):
            shutil.rmtree(self._folder)


def _copy_sparse(source: Path, target: Path) -> None:
    """Copy what is data; holes stay holes."""
    with source.open("rb", buffering=0) as reader, target.open("wb", buffering=0) as writer:
        size = os.fstat(reader.fileno()).st_size
        writer.truncate(size)
        at = 0
        while at < size:
            try:
                at = os.lseek(reader.fileno(), at, os.SEEK_DATA)
            except OSError:  # ENXIO: only a hole is left
                return
            end = os.lseek(reader.fileno(), at, os.SEEK_HOLE)
            while at < end:
                at += os.copy_file_range(reader.fileno(), writer.fileno(), end - at, at, at)
