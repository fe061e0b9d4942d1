"""Archives are made by hand here: the zipfile module would not write most of these."""

import random
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from executor.packages import PackageError, PackageStore
from executor.packages.listing import Limits

LIMITS = Limits(max_bytes=4 * 1024 * 1024, max_entries=50, max_ratio=100, ratio_floor_bytes=64 * 1024)


def entry(name: str, mode: int | None = None, *, system: int = 3) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system = system
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = (stat.S_IFREG | 0o644 if mode is None else mode) << 16
    return info


def make(path: Path, *members: tuple[zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for info, content in members:
            archive.writestr(info, content)
    return path


def one(info: zipfile.ZipInfo, content: bytes = b"x = 1\n") -> Callable[[Path], Path]:
    return lambda path: make(path, (entry("app.py"), b"ok = 1\n"), (info, content))


def renamed(name: bytes) -> Callable[[Path], Path]:
    """An entry whose name zipfile would not write: the bytes are put in afterwards, of equal length."""

    def build(path: Path) -> Path:
        placeholder = "A" * len(name)
        make(path, (entry(placeholder), b"x"))
        path.write_bytes(path.read_bytes().replace(placeholder.encode(), name))
        return path

    return build


@pytest.mark.filterwarnings("ignore:Duplicate name")
def doubled(path: Path) -> Path:
    make(path, (entry("app.py"), b"a"), (entry("bpp.py"), b"b"))
    path.write_bytes(path.read_bytes().replace(b"bpp.py", b"app.py"))
    return path


def overlapping(path: Path) -> Path:
    """Two directory entries for the same bytes, as in a bomb without nesting."""
    content = zlib.compress(b"\0" * 1000, 9)[2:-4]
    crc = zlib.crc32(b"\0" * 1000)
    local = struct.pack("<4s5H3L2H", b"PK\3\4", 20, 0, 8, 0, 33, crc, len(content), 1000, 1, 0)
    body = local + b"a" + content
    directory = b""
    for name in (b"a", b"b"):
        head = struct.pack(
            "<4s4B4H3L5H2L", b"PK\1\2", 20, 3, 20, 0, 0, 8, 0, 33, crc, len(content), 1000, 1, 0, 0, 0, 0,
            (stat.S_IFREG | 0o644) << 16, 0,
        )  # fmt: skip
        directory += head + name
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 2, 2, len(directory), len(body), 0)
    path.write_bytes(body + directory + end)
    return path


def lying_size(path: Path) -> Path:
    """The headers say 10 bytes, the stream has a megabyte."""
    make(path, (entry("app.py"), b"\0" * 1_000_000))
    data = path.read_bytes()
    path.write_bytes(data.replace(struct.pack("<L", 1_000_000), struct.pack("<L", 10)))
    return path


def truncated(path: Path) -> Path:
    make(path, (entry("app.py"), bytes(range(256)) * 40))
    path.write_bytes(path.read_bytes()[:-30])
    return path


def wrong_crc(path: Path) -> Path:
    make(path, (entry("app.py"), b"x = 1\n"))
    data = path.read_bytes()
    path.write_bytes(data.replace(struct.pack("<L", zlib.crc32(b"x = 1\n")), b"\1\2\3\4"))
    return path


def encrypted(path: Path) -> Path:
    make(path, (entry("app.py"), b"x = 1\n"))
    data = bytearray(path.read_bytes())
    data[6] |= 1
    data[data.rfind(b"PK\1\2") + 8] |= 1
    path.write_bytes(bytes(data))
    return path


def zip64(path: Path) -> Path:
    make(path, (entry("app.py"), b"x = 1\n"))
    data = path.read_bytes()
    at = data.rfind(b"PK\5\6")
    path.write_bytes(data[:at] + struct.pack("<4sLQL", b"PK\6\7", 0, 0, 1) + data[at:])
    return path


def huge_directory(path: Path) -> Path:
    make(path, (entry("app.py"), b"x = 1\n"))
    data = bytearray(path.read_bytes())
    at = data.rfind(b"PK\5\6")
    data[at + 12 : at + 16] = struct.pack("<L", 64 * 1024 * 1024)
    path.write_bytes(bytes(data))
    return path


def bzip2(path: Path) -> Path:
    info = entry("app.py")
    info.compress_type = zipfile.ZIP_BZIP2
    return make(path, (info, b"x = 1\n"))


def many(path: Path) -> Path:
    return make(path, *((entry(f"f{number}"), b"") for number in range(51)))


def link_chain(path: Path) -> Path:
    """Each link stays inside by its text; together they lead out."""
    link = stat.S_IFLNK | 0o777
    return make(
        path,
        (entry("d/e/keep"), b""),
        (entry("d/e/up", link), b"../.."),
        (entry("z", link), b"d/e/up/.."),
    )


ATTACKS = {
    "absolute": (one(entry("/etc/cron.d/x")), "unsafe-entry"),
    "parent": (one(entry("../x")), "unsafe-entry"),
    "parent-inside": (one(entry("a/../../x")), "unsafe-entry"),
    "backslash": (renamed(b"..\\x"), "unsafe-entry"),
    "drive": (one(entry("C:/x")), "unsafe-entry"),
    "nul": (renamed(b"app.py\0.txt"), "unsafe-entry"),
    "newline": (one(entry("a\nb")), "unsafe-entry"),
    "empty-part": (one(entry("a//b")), "unsafe-entry"),
    "symlink-absolute": (one(entry("l", stat.S_IFLNK | 0o777), b"/etc/passwd"), "unsafe-entry"),
    "symlink-out": (one(entry("d/l", stat.S_IFLNK | 0o777), b"../../x"), "unsafe-entry"),
    "symlink-chain": (link_chain, "unsafe-entry"),
    "file-through-link": (
        lambda path: make(path, (entry("l", stat.S_IFLNK | 0o777), b"d"), (entry("l/x"), b"")),
        "unsafe-entry",
    ),
    "file-in-file": (lambda path: make(path, (entry("a"), b""), (entry("a/b"), b"")), "unsafe-entry"),
    "device": (one(entry("d", stat.S_IFCHR | 0o644)), "unsafe-entry"),
    "fifo": (one(entry("p", stat.S_IFIFO | 0o644)), "unsafe-entry"),
    "socket": (one(entry("s", stat.S_IFSOCK | 0o644)), "unsafe-entry"),
    "setuid": (one(entry("s", stat.S_IFREG | 0o4755)), "unsafe-entry"),
    "setgid": (one(entry("s", stat.S_IFREG | 0o2755)), "unsafe-entry"),
    "doubled": (doubled, "unsafe-entry"),
    "doubled-by-dot": (one(entry("./app.py")), "unsafe-entry"),
    "overlapping": (overlapping, "unsafe-entry"),
    "folder-with-content": (one(entry("d", stat.S_IFDIR | 0o755), b"x"), "unsafe-entry"),
    "encrypted": (encrypted, "bad-archive"),
    "lying-size": (lying_size, "bad-archive"),
    "truncated": (truncated, "bad-archive"),
    "wrong-crc": (wrong_crc, "bad-archive"),
    "bzip2": (bzip2, "bad-archive"),
    "ratio": (one(entry("z"), b"\0" * 2_000_000), "too-large"),
    "bytes": (one(entry("z"), random.Random(1).randbytes(2 * 1024 * 1024 + 1).hex().encode()), "too-large"),
    "entries": (many, "too-large"),
    "zip64": (zip64, "too-large"),
    "huge-directory": (huge_directory, "too-large"),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_archive_is_refused_whole(tmp_path: Path, name: str) -> None:
    """P1: and nothing of it is left behind."""
    build, code = ATTACKS[name]
    archive = build(tmp_path / "code.zip")

    with pytest.raises(PackageError) as caught:
        PackageStore(tmp_path / "store", LIMITS).build(archive, interpreter=None)

    assert caught.value.code == code, caught.value.message
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["code.zip", "store"]


def test_not_a_zip_is_refused(tmp_path: Path) -> None:
    (tmp_path / "code.zip").write_text("hello")

    with pytest.raises(PackageError, match="not a zip file"):
        PackageStore(tmp_path / "store").build(tmp_path / "code.zip", interpreter=None)


def test_good_archive_is_unpacked_with_its_modes(tmp_path: Path) -> None:
    archive = make(
        tmp_path / "code.zip",
        (entry("lib/", stat.S_IFDIR | 0o700), b""),
        (entry("lib/data.txt", stat.S_IFREG | 0o600), b"d"),
        (entry("bootstrap", stat.S_IFREG | 0o711), b"#!/bin/sh\n"),
        (entry("windows.txt", 0, system=0), b"w"),
        (entry("latest", stat.S_IFLNK | 0o777), b"lib/data.txt"),
        (entry("__pycache__/app.cpython-312.pyc"), b"stale"),
    )

    package = PackageStore(tmp_path / "store").build(archive, interpreter=None)

    found = {
        path.relative_to(package.folder).as_posix(): oct(path.lstat().st_mode & 0o7777)
        for path in package.folder.rglob("*")
        if not path.is_symlink()
    }
    assert found == {
        "lib": "0o755", "lib/data.txt": "0o644", "bootstrap": "0o755", "windows.txt": "0o644",
    }  # fmt: skip
    assert (package.folder / "latest").read_text() == "d"
    assert (package.files, package.bytes) == (4, 12)


def test_folder_and_archive_of_equal_content_are_one_package(tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code/app.py").write_text("x = 1\n")
    archive = make(tmp_path / "code.zip", (entry("app.py"), b"x = 1\n"))
    store = PackageStore(tmp_path / "store")

    assert store.build(archive, interpreter=None) == store.build(tmp_path / "code", interpreter=None)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_damaged_archive_gives_a_package_or_a_typed_error(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    archive = make(folder / "code.zip", (entry("app.py"), b"x = 1\n" * 9), (entry("d/e.txt"), b"text"))
    raw = bytearray(archive.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    archive.write_bytes(bytes(raw))

    try:
        package = PackageStore(folder / "store", LIMITS).build(archive, interpreter=None)
    except PackageError:
        assert sorted(path.name for path in folder.iterdir()) == ["code.zip", "store"]
        assert list((folder / "store").iterdir()) == []
    else:
        assert package.folder.is_dir()
