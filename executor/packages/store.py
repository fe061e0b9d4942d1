"""Keeps packages: immutable folders named by the digest of what is in them.

A digest's folder appears whole, by one rename, and never changes. Environments run only from here. State:
``DIGEST/`` with ``DIGEST.json`` beside it (files, bytes; its time is the last use), ``deps/``, ``zips/``.
Calls block on disk and pip: they belong on a worker thread. Any thread may call.
"""

import hashlib
import json
import os
import re
import shutil
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from executor.interpreters import Interpreter
from executor.language import Installation
from executor.packages import archive, folder, npm, requirements
from executor.packages.bytecode import compile_files
from executor.packages.dependency_cache import DependencyCache, Installed
from executor.packages.draft import DRAFT_PREFIX, Draft
from executor.packages.errors import PackageError
from executor.packages.installer import Progress
from executor.packages.listing import Limits, digest_of, size_of

DRAFT_AGE_S = 24 * 3600.0  # no build takes a day: what is older was left by a process that died
_DIGEST = re.compile(r"[0-9a-f]{32}")

Runner = Interpreter | Installation


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """:param folder: what an environment sees as ``/var/task``. :param bytes: of all its files."""

    digest: str
    folder: Path
    files: int
    bytes: int


class PackageStore:
    """:param root: a folder that only this server writes."""

    def __init__(self, root: Path, limits: Limits | None = None) -> None:
        self._root = root
        self._limits = limits or Limits()
        self._dependencies = DependencyCache(root / "deps", self._limits)
        # Between "it is there" and "it is in use" the janitor must not come.
        self._lock = threading.Lock()

    def build(
        self,
        code: Path,
        *,
        interpreter: Interpreter | None,
        program: Installation | None = None,
        on_progress: Progress = lambda _: None,
    ) -> Package:
        """Make a folder or a ``.zip`` file a package, or find the package that it already is.

        :param interpreter: compiles, and gets the dependencies of, a Python function; else None.
        :param program: gets the dependencies of a Node.js function; else it, too, may be None.
        :raises PackageError: the code is refused; the store is as it was.
        """
        runner = interpreter or program
        try:
            if code.is_dir():
                return self._build_folder(code, runner, on_progress)
            if code.is_file():
                return self._build_archive(code, runner, on_progress)
        except OSError as error:
            message = f"{error.strerror}: {error.filename}" if error.filename else str(error)
            raise PackageError("system", message, code) from error
        raise PackageError("missing", f"{code} is neither a folder nor a .zip file", code)

    def open(self, digest: str) -> Package | None:
        """Find a package by its digest, and count that as a use of it."""
        with self._lock:
            return self._open(digest)

    def close(self) -> None:
        """Install no dependencies any more: builds that need some fail, also those that run."""
        self._dependencies.close()

    def collect(self, keep: set[str], max_age_s: float, *, now: float | None = None) -> list[str]:
        """Remove packages and dependencies that are not in `keep` and were not used for `max_age_s`.

        :param keep: digests of all packages that some revision names.
        :param now: Unix seconds.
        :returns: the removed digests.
        """
        oldest = (time.time() if now is None else now) - max_age_s
        removed = []
        for note in sorted(self._root.glob("*.json")):
            if note.stem not in keep and self._retire(note, oldest):
                removed.append(note.stem)
        for note in sorted((self._root / "deps").glob("*.json")):
            self._retire(note, oldest)
        for note in sorted((self._root / "zips").glob("*")):
            if not (self._root / note.read_text()).is_dir():
                note.unlink()
        self._sweep_drafts(oldest + max_age_s - DRAFT_AGE_S)
        return removed

    def _build_folder(self, code: Path, runner: Runner | None, on_progress: Progress) -> Package:
        with Draft(self._root, code, self._limits) as draft:
            found = list(folder.walk(code.resolve(), draft, skip=self._root.resolve()))
            dependencies = self._provide(code, runner, on_progress)
            listing = folder.hash_listing(found)
            if dependencies is not None:
                listing = {**dependencies.listing, **listing}
            known = self.open(digest_of(listing, _bytecode(runner)))
            if known is not None:
                return known
            folder.fill(draft, found)
            return self._finish(draft, dependencies, runner)

    def _build_archive(self, code: Path, runner: Runner | None, on_progress: Progress) -> Package:
        if code.stat().st_size > self._limits.max_bytes:
            raise PackageError("too-large", "the archive alone is over the limit of a package", code)
        with code.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        note = self._root / "zips" / f"{content[:32]}-{_kind(runner)}"
        known = self._open_noted(note)
        if known is not None:
            return known
        with Draft(self._root, code, self._limits) as draft:
            archive.fill(draft, code, self._limits)
            package = self._finish(draft, self._provide(draft.folder, runner, on_progress), runner)
        note.parent.mkdir(exist_ok=True)
        _write_whole(note, package.digest)
        return package

    def _provide(self, code: Path, runner: Runner | None, on_progress: Progress) -> Installed | None:
        if isinstance(runner, Interpreter):
            return requirements.provide(self._dependencies, code, runner, on_progress)
        if runner is not None and runner.language == npm.LANGUAGE:
            return npm.provide(self._dependencies, code, runner, on_progress)
        return None

    def _finish(self, draft: Draft, dependencies: Installed | None, runner: Runner | None) -> Package:
        """Name the draft by what was really written, even if the source has changed since it was hashed."""
        own = list(draft.entries)
        if dependencies is not None:
            draft.add_tree(dependencies.folder, dependencies.listing)
        draft.finish()
        if isinstance(runner, Interpreter):
            compile_files(draft.folder, own, runner)
        digest = digest_of(draft.entries, _bytecode(runner))
        count = {"files": len(draft.entries), "bytes": size_of(draft.entries)}
        with self._lock:
            _write_whole(self._root / f"{digest}.json", json.dumps(count))
            draft.commit(self._root / digest)
        return Package(digest=digest, folder=self._root / digest, **count)

    def _open(self, digest: str) -> Package | None:
        place = self._root / digest
        if not _DIGEST.fullmatch(digest) or not place.is_dir():
            return None
        note = self._root / f"{digest}.json"
        try:
            count = json.loads(note.read_bytes())
            note.touch()
            return Package(digest=digest, folder=place, files=int(count["files"]), bytes=int(count["bytes"]))
        except (OSError, ValueError, KeyError, TypeError):  # damaged by hand: building again mends it
            return None

    def _open_noted(self, note: Path) -> Package | None:
        try:
            return self.open(note.read_text())
        except (OSError, ValueError):
            return None

    def _retire(self, note: Path, oldest: float) -> bool:
        """Remove one package or one dependency folder, unless it was used meanwhile."""
        with self._lock:
            if note.stat().st_mtime > oldest:
                return False
            place = note.with_suffix("")
            # First out of sight, then out of the world: a half-removed package is never opened.
            grave = Path(tempfile.mkdtemp(prefix=DRAFT_PREFIX, dir=note.parent))
            if place.is_dir():
                place.rename(grave / "gone")
            note.unlink()
        shutil.rmtree(grave)
        return True

    def _sweep_drafts(self, oldest: float) -> None:
        for place in (self._root, self._root / "deps"):
            for draft in place.glob(f"{DRAFT_PREFIX}*"):
                if draft.stat().st_mtime < oldest:
                    shutil.rmtree(draft, ignore_errors=True)


def _bytecode(runner: Runner | None) -> str | None:
    return runner.magic if isinstance(runner, Interpreter) else None


def _kind(runner: Runner | None) -> str:
    """What an archive's package depends on beside its content."""
    if runner is None:
        return "plain"
    return runner.magic if isinstance(runner, Interpreter) else f"{runner.language}{runner.version[0]}"


def _write_whole(path: Path, text: str) -> None:
    draft = path.with_name(f"{DRAFT_PREFIX}{path.name}.{os.getpid()}.{threading.get_ident()}")
    draft.write_text(text)
    draft.replace(path)
