"""What a newcomer does: clone, ``make run``, and the page that the banner shows. Nothing else is at hand."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from executor.drivers.process.reap import marked_processes
from tests.support.observed import wait_until

ROOT = Path(__file__).parents[2]
READY_S = 240.0  # nearly all of it is pip's
STOP_S = 40.0

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def run(*words: str | Path, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, capture_output=True, text=True, timeout=60, **options)  # type: ignore[call-overload, no-any-return]  # options are subprocess's own


def require_packages(folder: Path, environ: dict[str, str]) -> None:
    """Skip where pip reaches no index; fail in CI, where it must."""
    command = (sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, "h11")
    done = run(*command, env=environ)
    if done.returncode == 0:
        return
    reason = f"pip reaches no package index: {done.stderr.strip().splitlines()[-1:]}"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """An empty home, no settings but ports, and of the caller's own only what reaches the network."""
    home = tmp_path / "home"
    home.mkdir()
    kept = ("PATH", "TMPDIR", "LANG", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
    found = {name: value for name, value in os.environ.items() if name in kept}
    found |= {n: v for n, v in os.environ.items() if n.startswith("PIP_") or n.lower().endswith("_proxy")}
    ports = {f"LOCKGATE_{name}": "127.0.0.1:0" for name in ("GATEWAY", "CONTROL", "ADMIN", "AUTH")}
    return found | ports | {"HOME": str(home), "LOCKGATE_STATE": str(tmp_path / "state")}


def test_clone_make_run_and_the_shown_page(
    tmp_path: Path, environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    if shutil.which("make") is None or shutil.which("git") is None:
        pytest.skip("make or git is not installed")
    require_packages(tmp_path / "probe", environ)
    clone = tmp_path / "clone"
    assert run("git", "clone", "--quiet", ROOT, clone, env=environ).returncode == 0
    said, printed = tmp_path / "stderr", tmp_path / "stdout"

    began = time.monotonic()
    with said.open("wb") as stderr, printed.open("wb") as stdout:
        process = subprocess.Popen(
            ["make", "run"], cwd=clone, env=environ, stdout=stdout, stderr=stderr, stdin=subprocess.DEVNULL
        )
    try:
        wait_until(lambda: b"ready\n" in printed.read_bytes() or process.poll() is not None, "ready", READY_S)
        ready_s = time.monotonic() - began
        assert process.poll() is None, said.read_text()
        shown = re.search(
            r"^ {4}open (http://127.0.0.1:[0-9]+)/ in a browser$", said.read_text(), re.MULTILINE
        )
        assert shown is not None, said.read_text()
        page, notes = (run("curl", "-s", f"{shown[1]}{path}", env=environ) for path in ("/", "/notes"))
        answered_s = time.monotonic() - began
    finally:
        process.send_signal(signal.SIGTERM)
        code = process.wait(STOP_S)

    assert "<title>Notes</title>" in page.stdout, (page, said.read_text())
    assert notes.stdout == '{"message":"Unauthorized"}', (notes, said.read_text())
    assert code in (0, -signal.SIGTERM, 128 + signal.SIGTERM), said.read_text()  # make's own, or the server's
    assert printed.read_bytes().endswith(b"\nready\n")  # before it stands what make shows of its commands
    instance = json.loads((tmp_path / "state" / "instance.json").read_text())["instance"]
    wait_until(lambda: not marked_processes(instance), "the end of all processes")
    assert list(Path(environ["HOME"]).rglob("*lockgate*")) == []
    changed = run("git", "status", "--porcelain", cwd=clone, env=environ).stdout
    assert changed == "", f"files of the run are not ignored: {changed}"
    with capsys.disabled():
        print(f"\nfresh clone: ready after {ready_s:.1f} s, answered after {answered_s:.1f} s")
