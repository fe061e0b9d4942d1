"""Images that cannot be used: what the operator is told, at a start and at a reload, and what goes on serving."""

import json
from pathlib import Path

import pytest

from tests.support.engine import Engine
from tests.support.plain_http import address_of, call
from tests.support.server import RunningServer, lockgate

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

FILE = """\
version: 1
server: {pull: never}
functions:
  hello: {%s, %s}
routes:
  GET /: {function: hello, public: true}
"""
CODE = "code: hello, handler: app.handler"
ANY_PORTS = ("--gateway", "127.0.0.1:0", "--control", "127.0.0.1:0", "--admin", "127.0.0.1:0")


def write(folder: Path, *, code: str = CODE, rest: str = "runtime: python3.11") -> Path:
    (folder / "hello").mkdir(exist_ok=True)
    (folder / "hello/app.py").write_text("def handler(event, context):\n    return 'hello'\n")
    (folder / "routes.yaml").write_text(FILE % (code, rest))
    return folder / "routes.yaml"


@pytest.mark.parametrize(
    ("code", "rest", "words"),
    [
        pytest.param(
            CODE,
            "runtime: python3.10",
            ("no image python:3.10-slim-bookworm", "images build python3.11"),
            id="runtime",
        ),
        pytest.param(
            "image: 'lockgate-tests/none:1'",
            "memory: 256",
            ("no image lockgate-tests/none:1", "docker load"),
            id="image",
        ),
    ],
)
def test_start_ends_with_5_and_what_to_do(
    engine: Engine, tmp_path: Path, code: str, rest: str, words: tuple[str, str]
) -> None:
    done = lockgate(
        "serve", "--driver", "docker", "-c", write(tmp_path, code=code, rest=rest),
        "--state", tmp_path / "state", *ANY_PORTS, env={"DOCKER_HOST": engine.address},
    )  # fmt: skip
    said = done.stderr.decode()
    assert (done.returncode, [word for word in words if word not in said]) == (5, []), said


def test_reload_to_an_image_that_is_not_there_is_refused_and_the_old_one_serves(
    engine: Engine, tmp_path: Path
) -> None:
    env = {"DOCKER_HOST": engine.address}
    config = write(tmp_path)
    with RunningServer(config, tmp_path / "state", extra=("--driver", "docker"), env=env) as server:
        assert call(address_of(server.gateway), "/", timeout_s=60).status == 200
        write(tmp_path, code="image: 'lockgate-tests/none:1'", rest="memory: 256")
        refused = lockgate("reload", "--json", "--state", tmp_path / "state")
        assert refused.returncode == 3
        assert "no image lockgate-tests/none:1" in (refused.stdout + refused.stderr).decode()
        assert call(address_of(server.gateway), "/", timeout_s=60).body == b"hello"
        write(tmp_path, rest="runtime: python3.11, memory: 512")
        applied = lockgate("reload", "--json", "--state", tmp_path / "state")
        assert applied.returncode == 0, applied.stderr
        assert json.loads(applied.stdout)["generation"] == 2
        assert server.stop() == 0
