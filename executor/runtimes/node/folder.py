"""The runtime folder of Node.js functions: ``@aws-sdk/*`` v3, at ``/var/runtime``, last on the path.

Installed once from a lock with hashes (``package-lock.json`` beside this file; its ``package.json`` names the
clients), shared by all versions that they support. State: ``STATE/runtimes/nodejs/KEY/node_modules``.
"""

import hashlib
import os
import shutil
from pathlib import Path

from executor.language import Installation
from executor.packages.draft import Draft
from executor.packages.installer import Progress
from executor.packages.listing import Limits
from executor.packages.npm import FILE, MODULES, run_npm

HERE = Path(__file__).parent
LOCK = HERE / "package-lock.json"
OLDEST = (20,)  # the clients' own "engines"
LIMITS = Limits()


def supports(node: Installation) -> bool:
    return node.version >= OLDEST


def installed(state: Path, node: Installation) -> Path | None:
    """The folder, when it is there and its clients work with this version."""
    folder = _folder(state)
    return folder if supports(node) and folder.is_dir() else None


def install(state: Path, node: Installation, on_progress: Progress = lambda _: None) -> Path:
    """Make the folder, or find it. Blocks on npm for seconds.

    :raises PackageError: npm cannot.
    """
    folder = _folder(state)
    if folder.is_dir():
        return folder
    on_progress("installing @aws-sdk")
    with Draft(folder.parent, LOCK, LIMITS) as draft:
        for name in (FILE, LOCK.name):
            shutil.copyfile(HERE / name, draft.folder / name)
        run_npm(
            ["ci", "--omit=dev", "--ignore-scripts"],
            node=node,
            cwd=draft.folder,
            source=LOCK,
            on_progress=on_progress,
        )
        _prune(draft.folder / MODULES)
        for name in (FILE, LOCK.name):
            (draft.folder / name).unlink()
        draft.commit(folder)
    return folder


def _prune(modules: Path) -> None:
    """Remove what only compilers and developers read, a third of it, and open the rest to environments' users."""
    for place, folders, files in os.walk(modules):
        for name in [name for name in folders if name in ("dist-types", ".bin")]:
            shutil.rmtree(os.path.join(place, name))
            folders.remove(name)
        for name in files:
            path = os.path.join(place, name)
            if name.endswith(".d.ts"):
                os.unlink(path)
            else:
                os.chmod(path, 0o644)


def _folder(state: Path) -> Path:
    return state / "runtimes" / "nodejs" / hashlib.sha256(LOCK.read_bytes()).hexdigest()[:16]
