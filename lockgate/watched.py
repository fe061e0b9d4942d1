"""Which files a routes file depends on, also while it is wrong: its code folders, and single files that it names.

The raw values are looked at, not the models, because the file that mends a mistake is often one that is not
there yet. Reads the routes file only.
"""

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from executor.packages.folder import IGNORED
from kit.positioned_yaml import MAX_BYTES, YamlValue, parse
from lockgate.config.grammar.file import RoutesFile
from lockgate.config.resolved import ARCHIVES

_FILE_REFERENCE = re.compile(r"\$\{file:([^{}]*)\}")
# What editors write beside the file that is being edited: vim, emacs, GNOME's and JetBrains' editors.
_EDITORS = re.compile(
    r"4913|.*~|\.#.*|#.*#|\..*\.sw[a-z]{1,2}|\.goutputstream-.*|.*___jb_(tmp|old)___", re.DOTALL
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """:param home: the routes file's folder. :param folders: with all that is in them. :param files: single ones.

    All are absolute; what does not exist yet is watched for.
    """

    home: Path
    folders: frozenset[Path]
    files: frozenset[Path]
    ignored: frozenset[Path]

    def __or__(self, other: "Watched") -> "Watched":
        return Watched(
            home=self.home,
            folders=self.folders | other.folders,
            files=self.files | other.files,
            ignored=self.ignored | other.ignored,
        )

    def deep_roots(self) -> list[str]:
        """Existing folders to watch with all that is below them."""
        return sorted(str(folder) for folder in self.folders if folder.is_dir())

    def flat_roots(self) -> list[str]:
        """Folders to watch for their own entries: those in which a watched name may appear, vanish or be replaced."""
        places: set[Path] = set()
        for path in self.folders | self.files:
            below_home = [parent for parent in path.parents if parent.is_relative_to(self.home)]
            places.update(below_home or [path.parent])
        return sorted({str(_existing(place)) for place in places})

    def is_root(self, changed: Path) -> bool:
        """Whether it is a watched folder or around one: when it comes or goes, the watch on it goes with it."""
        return any(each.is_relative_to(changed) for each in self.folders) or any(
            each.parent.is_relative_to(changed) for each in self.files
        )

    def concerns(self, changed: Path) -> bool:
        if changed in self.files or self.is_root(changed):
            return True
        if any(changed.is_relative_to(place) for place in self.ignored) or _EDITORS.fullmatch(changed.name):
            return False
        return any(
            IGNORED.isdisjoint(changed.relative_to(folder).parts)
            for folder in self.folders
            if changed.is_relative_to(folder)
        )


def watched_by(config: Path, *, ignored: Iterable[Path] = ()) -> Watched:
    """What *config* names as it lies there now; itself alone when it is no YAML.

    :param ignored: folders of ours, which may lie inside of the code.
    """
    config = Path(os.path.abspath(config))
    home = config.parent
    files = {config, config.resolve()}
    folders: set[Path] = set()
    value = _value(config)
    for text in _named_files(value):
        files |= {Path(os.path.abspath(home / text)), (home / text).resolve()}
    for text in _code(value):
        code = home / text
        files.add(Path(os.path.abspath(code)))  # a link that leads elsewhere tomorrow
        (files if code.suffix in ARCHIVES else folders).add(code.resolve())
    return Watched(
        home=home,
        folders=frozenset(folders),
        files=frozenset(files),
        ignored=frozenset(path.resolve() for path in ignored),
    )


def watched_files(file: RoutesFile, *, home: Path) -> Watched:
    """The same of a file that was loaded: references in paths are resolved in it."""
    code = {function.code for function in file.resolved_functions().values() if function.code is not None}
    answers = {route.respond.file for route in file.resolved_routes() if route.respond and route.respond.file}
    archives = frozenset(path for path in code if path.suffix in ARCHIVES)
    return Watched(
        home=home, folders=frozenset(code) - archives, files=archives | answers, ignored=frozenset()
    )


def _value(config: Path) -> dict[str, YamlValue]:
    try:
        with config.open("rb") as file:
            value = parse(file.read(MAX_BYTES)).value
    except OSError:
        return {}
    return value if isinstance(value, dict) else {}


def _code(value: dict[str, YamlValue]) -> Iterator[str]:
    for function in _entries(value, "functions"):
        code = function.get("code")
        if isinstance(code, str) and "${" not in code and "\0" not in code:
            yield code


def _named_files(value: dict[str, YamlValue]) -> Iterator[str]:
    for route in _entries(value, "routes"):
        respond = route.get("respond")
        file = respond.get("file") if isinstance(respond, dict) else None
        if isinstance(file, str) and "${" not in file and "\0" not in file:
            yield file
    for text in _texts(value):
        yield from (path for path in _FILE_REFERENCE.findall(text) if "\0" not in path)


def _entries(value: dict[str, YamlValue], section: str) -> Iterator[dict[str, YamlValue]]:
    entries = value.get(section)
    for entry in entries.values() if isinstance(entries, dict) else ():
        if isinstance(entry, dict):
            yield entry


def _texts(value: YamlValue) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)


def _existing(place: Path) -> Path:
    """*place*, or the nearest folder around it that is there."""
    while not place.is_dir() and place != place.parent:
        place = place.parent
    return place
