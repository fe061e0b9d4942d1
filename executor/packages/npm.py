"""The dependencies of a Node.js function: ``package.json`` beside its code, installed by npm, once a content.

With a lock (package-lock.json, npm-shrinkwrap.json) exactly what it names, else what npm chooses now; while that
is cached, it stays. Install scripts do not run: they are code of packages, and would run as the user of this server.
A ``.npmrc`` beside package.json that says ``ignore-scripts=false`` wants them all the same. A folder that brings its
``node_modules`` is taken as it is.
"""

import hashlib
import json
import os
import re
import shutil
import sysconfig
from collections.abc import Iterator, Mapping
from pathlib import Path

from executor.language import Installation
from executor.packages import installer, npmrc
from executor.packages.dependency_cache import DependencyCache, Installed
from executor.packages.errors import PackageError
from executor.packages.installer import Installations, Progress

LANGUAGE = "nodejs"
FILE = "package.json"
LOCKS = ("npm-shrinkwrap.json", "package-lock.json")  # npm reads the first that is there
OTHER_LOCKS = ("yarn.lock", "pnpm-lock.yaml", "bun.lock", "bun.lockb")
MODULES = "node_modules"
KEPT_LINES = 200  # it explains a lock that does not fit before a page of help
MAX_FILE_BYTES = 16 * 1024 * 1024  # the lock of a thousand packages has half of one

_RUN_TIME = ("dependencies", "optionalDependencies")
_LOCAL = re.compile(r"(?:file|link|workspace|portal|git\+file):|\.{0,2}/")
_UNREACHABLE = re.compile(
    r"\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT|EIDLETIMEOUT)\b"
)
_OUT_OF_STEP = re.compile(r"\bEUSAGE\b")


def provide(
    cache: DependencyCache, code: Path, node: Installation, on_progress: Progress
) -> Installed | None:
    """Return the installed ``node_modules``; None where the code needs none, or has them.

    :raises PackageError: npm could not install them.
    """
    source = code / FILE
    if (code / MODULES).exists() or not source.is_file():
        return None
    manifest = _manifest(source)
    if not any(manifest.get(kind) for kind in _RUN_TIME):
        return None
    _refuse_local(manifest, source)
    lock = next((name for name in LOCKS if (code / name).is_file()), None)
    if lock is None:
        _refuse_other_locks(code)
    files = {
        name: _read(code / name, source)
        for name in (FILE, lock, npmrc.FILE)
        if name and (code / name).is_file()
    }
    npmrc.check(files.get(npmrc.FILE, b""), code / npmrc.FILE)
    if lock is not None:
        _refuse_local_in_lock(files[lock], code / lock)

    def fill(target: Path) -> None:
        with_what = lock or f"{FILE} (without a lock: as npm chooses now)"
        on_progress(f"installing {with_what} for nodejs{node.version[0]}")
        _install(target, files, node, lock=lock, on_progress=on_progress, installations=cache.installations)

    return cache.provide(_key(files, node), source, fill)


def _install(
    target: Path,
    files: Mapping[str, bytes],
    node: Installation,
    *,
    lock: str | None,
    on_progress: Progress,
    installations: Installations,
) -> None:
    for name, content in files.items():
        (target / name).write_bytes(content)
    wants_scripts = npmrc.wants_scripts(files.get(npmrc.FILE, b""))
    arguments = ["ci"] if lock is not None else ["install", "--no-package-lock"]
    run_npm(
        [*arguments, "--omit=dev", *([] if wants_scripts else ["--ignore-scripts"])],
        node=node,
        cwd=target,
        source=target / FILE,
        on_progress=on_progress,
        installations=installations,
        scripts=wants_scripts,
    )
    for name in files:
        (target / name).unlink(missing_ok=True)
    for links in list(target.rglob(".bin")):
        shutil.rmtree(links)  # programs for developers, as links
    (target / MODULES / ".package-lock.json").unlink(missing_ok=True)


def run_npm(
    arguments: list[str],
    *,
    node: Installation,
    cwd: Path,
    source: Path,
    on_progress: Progress,
    installations: Installations | None = None,
    scripts: bool = False,
) -> None:
    """:param source: the file that asks for it. :raises PackageError: npm is missing, or ended with an error."""
    command = [*find_npm(node, source), *arguments, "--no-audit", "--no-fund", "--no-update-notifier"]
    status, last = installer.run(
        command,
        cwd=cwd,
        environment=_environment(node) | npmrc.pinned(os.environ, scripts=scripts),
        on_progress=on_progress,
        installations=installations,
        kept_lines=KEPT_LINES,
    )
    if status != 0:
        raise PackageError("dependencies", _reason(last, status), source)


def has_npm(node: Installation) -> bool:
    return _npm_program(node) is not None


def find_npm(node: Installation, source: Path) -> list[str]:
    """The npm beside the program, else the one on PATH; always run by the function's own Node.js.

    :raises PackageError: there is none.
    """
    found = _npm_program(node)
    if found is None:
        message = f"npm is not on this machine: install it, or put {MODULES} beside {FILE}"
        raise PackageError("dependencies", message, source)
    script = Path(os.path.realpath(found))
    return [str(node.path), str(script)] if script.suffix == ".js" else [str(script)]


def _npm_program(node: Installation) -> str | None:
    beside = (node.path.parent / "npm", node.home / "bin" / "npm")
    return next((str(path) for path in beside if path.is_file()), None) or shutil.which("npm")


def _reason(last: list[str], status: int) -> str:
    """npm's last lines, after a sentence that says what is to be done."""
    text = "\n".join(line for line in last if "A complete log of this run" not in line)
    if _OUT_OF_STEP.search(text) is not None:
        what, _, _help = text.partition("npm error Clean install a project")
        return f"{FILE} and its lock say different things: run npm install where they are\n{what.strip()}"
    text = "\n".join(text.split("\n")[-installer.KEPT_LINES :])
    if (unreachable := _UNREACHABLE.search(text)) is not None:
        return f"npm could not reach its registry ({unreachable[1]}):\n{text}"
    return f"npm could not install {FILE}:\n{text or f'npm ended with {status}'}"


def _manifest(source: Path) -> dict[str, object]:
    try:
        manifest = json.loads(_read(source, source))
    except ValueError as error:
        raise PackageError("dependencies", f"{FILE} is not JSON: {error}", source) from error
    if not isinstance(manifest, dict):
        raise PackageError("dependencies", f"{FILE} is not a JSON object", source)
    return manifest


def _refuse_local(manifest: dict[str, object], source: Path) -> None:
    """A folder outside of package.json may change without a trace in it."""
    for name, wanted in _wanted(manifest):
        if _LOCAL.match(wanted):
            message = (
                f"{name}: {wanted!r} is a folder or a file of this machine: put its code into the function's folder, "
                f"or bundle it, or bring {MODULES}"
            )
            raise PackageError("dependencies", message, source)


def _wanted(manifest: dict[str, object]) -> Iterator[tuple[str, str]]:
    for kind in _RUN_TIME:
        section = manifest.get(kind)
        if isinstance(section, dict):
            yield from ((str(name), str(wanted)) for name, wanted in section.items())


def _refuse_local_in_lock(text: bytes, source: Path) -> None:
    """The same of what a lock names: npm takes a package from where the lock says that it is."""
    try:
        pending: list[object] = [json.loads(text)]
    except ValueError:
        return  # npm says what is wrong with it
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            pending += value.values()
            for key in ("resolved", "version"):
                where = value.get(key)
                if isinstance(where, str) and _LOCAL.match(where):
                    message = f"{where!r} is a folder or a file of this machine: bring {MODULES}"
                    raise PackageError("dependencies", message, source)


def _refuse_other_locks(code: Path) -> None:
    for name in OTHER_LOCKS:
        if (code / name).is_file():
            message = (
                f"{name} is no lock of npm, which would choose other versions: run npm install --package-lock-only, "
                f"or bring {MODULES}"
            )
            raise PackageError("dependencies", message, code / name)


def _key(files: Mapping[str, bytes], node: Installation) -> str:
    identity = hashlib.sha256(f"npm\0{node.version[0]}\0{sysconfig.get_platform()}\0".encode())
    for name, text in files.items():
        identity.update(f"{name}\0{len(text)}\0".encode() + text)
    return identity.hexdigest()[:32]


def _read(path: Path, source: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise PackageError("dependencies", f"{path.name} is larger than {MAX_FILE_BYTES:,} bytes", source)
        return path.read_bytes()
    except OSError as error:
        raise PackageError("dependencies", f"{path}: {error.strerror}", source) from error


def _environment(node: Installation) -> dict[str, str]:
    """npm_config_* (a registry, a proxy) is the operator's wish; NODE_* would change how npm itself runs."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("NODE_")}
    return kept | {"PATH": f"{node.path.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
