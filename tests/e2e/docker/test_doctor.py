"""`lockgate doctor` on a real engine, without one, and with one that lacks an image."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lockgate.cli import main
from tests.support.engine import Engine

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]
ROUTES = """\
version: 1
server: {{images: {{python3.11: "{image}"}}, pull: never}}
functions:
  hello: {{code: ./code, handler: app.handler, runtime: python3.11}}
routes:
  GET /: {{function: hello, public: true}}
"""
Doctor = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def doctor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Doctor:
    """Runs it with ``--json``: its exit code and what it printed."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "app.py").write_text("def handler(event, context):\n    return 1\n")

    def run(*words: str, image: str = "") -> tuple[int, dict[str, Any]]:
        if image:
            (tmp_path / "routes.yaml").write_text(ROUTES.format(image=image))
        code = main(["doctor", "--json", *words])
        printed = capsys.readouterr()
        assert printed.err == ""
        return code, json.loads(printed.out)

    return run


def by_check(found: dict[str, Any]) -> dict[str, dict[str, str]]:
    return {f"{row['group']}: {row['check']}": row for row in found["checks"]}


def test_an_engine_that_serves_is_fit(
    engine: Engine, doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C11: and a call goes from the engine to a runtime and back."""
    monkeypatch.setenv("DOCKER_HOST", engine.address)
    before = containers(engine)
    code, found = doctor(image=engine.tag("python3.11"))
    rows = by_check(found)
    assert (code, found["ok"]) == (0, True)
    assert rows["containers: round trip"]["verdict"] == "ok"
    assert rows["images: python3.11"]["found"] == engine.tag("python3.11")
    assert rows["engine: seccomp"]["verdict"] == "ok"
    assert rows["without an engine: interpreters"]["verdict"] == "ok"
    if os.geteuid() == 0:
        assert rows["containers: egress rules"]["verdict"] == "ok"
    assert containers(engine) == before


def containers(engine: Engine) -> set[str]:
    """Those of a doctor's trials: each is an instance of its own and leaves nothing."""
    client = engine.client()
    try:
        found = client.containers.list(all=True, filters={"label": "lockgate.function=doctor"})
        return {str(each.id) for each in found}
    finally:
        client.close()


def test_an_image_that_is_missing_is_exit_5(
    engine: Engine, doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", engine.address)
    code, found = doctor(image="lockgate-test/nobody:offline")
    assert (code, found["ok"]) == (5, False)
    assert by_check(found)["images: python3.11"]["verdict"] == "missing"


def test_a_routes_file_with_mistakes_is_exit_5(doctor: Doctor) -> None:
    Path("routes.yaml").write_text("version: 1\nroutes: 7\n")
    code, found = doctor("--driver", "process")
    assert (code, found["ok"]) == (5, False)
    assert by_check(found)["machine: routes file"]["do"] == "`lockgate check` shows them."


def test_no_engine_is_exit_5(doctor: Doctor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """C11: its twin is `--driver process`, which needs none."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    code, found = doctor()
    assert (code, found["ok"]) == (5, False)
    row = by_check(found)["engine: engine"]
    assert row["verdict"] == "missing"
    assert "none.sock" in row["found"]
    code, found = doctor("--driver", "process")
    assert (code, found["ok"]) == (0, True)
    assert not any(check.startswith("engine") for check in by_check(found))


def test_an_address_that_is_none_is_exit_5(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DOCKER_HOST", "ssh://elsewhere")
    assert main(["doctor"]) == 5
    assert "unix:///path/docker.sock" in capsys.readouterr().err


def test_a_person_reads_a_table(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["doctor", "--driver", "process"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("Machine\n")
    assert "✓ ok" in shown
