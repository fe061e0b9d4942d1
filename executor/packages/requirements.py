"""The dependencies of a Python function: ``requirements.txt`` beside its code, installed once a content.

The cache is found by the text of the file and of all that it includes, by interpreter version and platform.
It is also the lock: as long as it is there, unpinned names keep the versions of the first time.
"""

import hashlib
import json
import re
import shutil
import sysconfig
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from executor.interpreters import Interpreter
from executor.packages import folder
from executor.packages.bytecode import compile_files
from executor.packages.draft import Draft
from executor.packages.errors import PackageError
from executor.packages.listing import FileEntry, Limits
from executor.packages.pip import Installations, PipFailed, Progress, install

FILE = "requirements.txt"
_INCLUDE = re.compile(r"(?:-r|--requirement|-c|--constraint)[ =]*(\S+)")
_EDITABLE = re.compile(r"(?:-e|--editable)\b")
_PATH = re.compile(r"(?:\.{1,2}/|/|file:)\S*|\S+\.(?:whl|tar\.gz|zip)$")
_URL = re.compile(r"[a-z][a-z0-9+.-]*://")
MAX_INCLUDES = 32


@dataclass(frozen=True, slots=True)
class Installed:
    """Dependencies that lie ready, compiled, in a folder."""

    folder: Path
    listing: Mapping[str, FileEntry]


class Dependencies:
    """The cache. State: one immutable folder for each key below `root`, with ``KEY.json`` beside it."""

    def __init__(self, root: Path, limits: Limits) -> None:
        self._root = root
        self._limits = limits
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._installations = Installations()

    def close(self) -> None:
        """Install nothing more; what is being installed ends at once, and its folder is not kept."""
        self._installations.close()

    def provide(self, code: Path, interpreter: Interpreter, on_progress: Progress) -> "Installed | None":
        """Return the installed dependencies; None without a ``requirements.txt``.

        :raises PackageError: pip could not install them.
        """
        if not (code / FILE).is_file():
            return None
        key = _key(code, interpreter)
        with self._locks[key]:
            listing = self._read(key)
            if listing is None:
                on_progress(f"installing {FILE} for python{interpreter.minor}")
                listing = self._install(key, code, interpreter, on_progress)
        return Installed(self._root / key, listing)

    def _read(self, key: str) -> dict[str, FileEntry] | None:
        note = self._root / f"{key}.json"
        try:
            raw = json.loads(note.read_bytes())
            listing = {
                str(name): FileEntry(str(sha), int(size), bool(x)) for name, (sha, size, x) in raw.items()
            }
            note.touch()  # the janitor removes what nobody has asked for in a long time
        except (OSError, ValueError, TypeError, AttributeError):
            return None
        return listing if (self._root / key).is_dir() else None

    def _install(
        self, key: str, code: Path, interpreter: Interpreter, on_progress: Progress
    ) -> dict[str, FileEntry]:
        source = code / FILE
        with (
            Draft(self._root, source, self._limits) as scratch,
            Draft(self._root, source, self._limits) as draft,
        ):
            try:
                install(
                    # Wheels only: building runs the package's code as the user of this server. A file that
                    # wants it for one package says `--no-binary NAME`.
                    ["--only-binary", ":all:", "-r", str(source)],
                    target=scratch.folder,
                    interpreter=interpreter,
                    cwd=code,
                    on_progress=on_progress,
                    installations=self._installations,
                )
            except PipFailed as error:
                raise PackageError(
                    "dependencies", f"pip could not install {FILE}:\n{error}", source
                ) from error
            shutil.rmtree(scratch.folder / "bin", ignore_errors=True)  # scripts that name our interpreter
            folder.fill(draft, list(folder.walk(scratch.folder, draft, skip=self._root)))
            draft.finish()
            compile_files(draft.folder, draft.entries, interpreter)
            listing = {name: entry for name, entry in draft.entries.items() if isinstance(entry, FileEntry)}
            raw = {name: (entry.sha256, entry.size, entry.executable) for name, entry in listing.items()}
            (self._root / f"{key}.json").write_text(json.dumps(raw))
            if (self._root / key).exists():  # its note was lost
                shutil.rmtree(self._root / key)
            draft.commit(self._root / key)
        return listing


def _key(code: Path, interpreter: Interpreter) -> str:
    identity = hashlib.sha256(f"{interpreter.magic}\0{sysconfig.get_platform()}\0".encode())
    for path, text in _included(code / FILE, code):
        identity.update(f"{path}\0{len(text)}\0".encode() + text)
    return identity.hexdigest()[:32]


def _included(top: Path, code: Path) -> Iterator[tuple[str, bytes]]:
    """Every file whose content decides what is installed: the included ones, and wheels named by path."""
    pending, seen = [top], set[Path]()
    while pending:
        path = pending.pop()
        if path in seen:
            continue
        seen.add(path)
        if len(seen) > MAX_INCLUDES:
            raise PackageError("dependencies", f"{FILE} includes more than {MAX_INCLUDES} files", top)
        text = _read_bytes(path, top)
        yield path.name, text
        for number, line in enumerate(text.decode("utf-8", "replace").splitlines(), 1):
            requirement = line.partition(" #")[0].strip()
            where = f"{path.name}:{number}"
            if match := _INCLUDE.match(requirement):
                if not _URL.match(match[1]):
                    pending.append(path.parent / match[1])
            elif local := _local_path(requirement, where, top):
                yield local, _read_bytes(code / local.removeprefix("file:"), top)


def _local_path(requirement: str, where: str, top: Path) -> str | None:
    """The path that a requirement names. :raises PackageError: it is a folder, whose changes we can't see."""
    if _EDITABLE.match(requirement):
        raise PackageError("dependencies", f"{where}: an editable requirement cannot be packaged", top)
    if requirement.startswith(("#", "-")):
        return None
    name = requirement.partition(";")[0].rpartition("@ ")[2].split(" ")[0].strip()
    if not _PATH.fullmatch(name) or (_URL.match(name) and not name.startswith("file:")):
        return None
    if not name.endswith((".whl", ".tar.gz", ".zip")):
        message = f"{where}: {name!r} is a folder: put its code into the function's folder, or build a wheel"
        raise PackageError("dependencies", message, top)
    return name.replace("file://", "file:")


def _read_bytes(path: Path, top: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise PackageError("dependencies", f"{path}: {error.strerror}", top) from error
