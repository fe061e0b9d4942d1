"""Dependencies of functions, installed once a content: the cache that requirements.txt and package.json share.

State: one immutable folder for each key below the root, with ``KEY.json`` beside it.
"""

import json
import shutil
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from executor.packages import folder
from executor.packages.draft import Draft
from executor.packages.installer import Installations
from executor.packages.listing import FileEntry, Limits

Install = Callable[[Path], None]
Finish = Callable[[Draft], None]


@dataclass(frozen=True, slots=True)
class Installed:
    """Dependencies that lie ready in a folder."""

    folder: Path
    listing: Mapping[str, FileEntry]


class DependencyCache:
    """:param root: a folder of ours. :param limits: what a package may be, holds for its dependencies alone, too."""

    def __init__(self, root: Path, limits: Limits) -> None:
        self._root = root
        self._limits = limits
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self.installations = Installations()

    def close(self) -> None:
        """Install nothing more; what is being installed ends at once, and its folder is not kept."""
        self.installations.close()

    def provide(self, key: str, source: Path, install: Install, finish: Finish = lambda _: None) -> Installed:
        """Return what is installed under `key`, or install it.

        :param source: the file that asks for it, for messages.
        :param install: fills an empty folder; only regular files in it count.
        :param finish: gets the checked copy, before it becomes immutable.
        :raises PackageError: also whatever `install` raises passes through.
        """
        with self._locks[key]:
            listing = self._read(key)
            if listing is None:
                listing = self._install(key, source, install, finish)
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

    def _install(self, key: str, source: Path, install: Install, finish: Finish) -> dict[str, FileEntry]:
        with (
            Draft(self._root, source, self._limits) as scratch,
            Draft(self._root, source, self._limits) as draft,
        ):
            install(scratch.folder)
            folder.fill(draft, list(folder.walk(scratch.folder, draft, skip=self._root)))
            draft.finish()
            finish(draft)
            listing = {name: entry for name, entry in draft.entries.items() if isinstance(entry, FileEntry)}
            raw = {name: (entry.sha256, entry.size, entry.executable) for name, entry in listing.items()}
            (self._root / f"{key}.json").write_text(json.dumps(raw))
            if (self._root / key).exists():  # its note was lost
                shutil.rmtree(self._root / key)
            draft.commit(self._root / key)
        return listing
