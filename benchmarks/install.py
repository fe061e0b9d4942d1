"""Install the peers and py-spy into ``.venv/bench``, which git ignores: pinned, by hash, once.

python benchmarks/install.py
"""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

PLACE = Path(__file__).parent.parent / ".venv" / "bench"
LOCKS = Path(__file__).parent / "peers"
_MARK = PLACE / "installed"


def installed() -> bool:
    return _MARK.is_file() and _MARK.read_text() == _digest()


def install() -> None:
    """:raises subprocess.CalledProcessError: pip or npm failed; its words are on stderr."""
    if installed():
        return
    shutil.rmtree(PLACE, ignore_errors=True)
    node = PLACE / "node"
    node.mkdir(parents=True)
    _pip(PLACE / "awslambdaric", LOCKS / "awslambdaric.txt")
    _pip(PLACE / "tools", LOCKS / "tools.txt", "--no-deps")
    _pip(PLACE / "moto", LOCKS / "moto.txt")
    _pip(PLACE / "ministack", LOCKS / "ministack.txt")
    if shutil.which("npm") is not None:
        for name in ("package.json", "package-lock.json"):
            shutil.copyfile(LOCKS / name, node / name)
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=node, check=True)
    _MARK.write_text(_digest())


def boto3() -> Path:
    """A folder with boto3 and what it needs, installed once. :raises subprocess.CalledProcessError: pip failed."""
    target = PLACE / "boto3"
    lock = Path(__file__).parent.parent / "executor" / "runtimes" / "python" / "requirements.txt"
    mark = target / ".installed"
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    if not mark.is_file() or mark.read_text() != wanted:
        shutil.rmtree(target, ignore_errors=True)
        _pip(target, lock)
        mark.write_text(wanted)
    return target


def _pip(target: Path, lock: Path, *extra: str) -> None:
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--only-binary", ":all:", "--require-hashes"]
    subprocess.run([*pip, *extra, "--target", str(target), "-r", str(lock)], check=True)


def _digest() -> str:
    locks = sorted(path for path in LOCKS.iterdir() if path.suffix in (".txt", ".json"))
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in locks)).hexdigest()


if __name__ == "__main__":
    install()
    print(f"peers are in {PLACE}")
