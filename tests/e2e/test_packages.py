"""What functions may import: their requirements.txt, and boto3 from the runtime folder. With real pip."""

import subprocess
import sys

import httpx
import pytest

from tests.support.server import RunningServer

ROUTES = """
version: 1
defaults: {runtime: python3.11}
functions:
  needs: {code: needs, handler: app.handler}
  aws: {code: aws, handler: app.handler}
routes:
  GET /needs: {function: needs, public: true}
  GET /aws: {function: aws, public: true}
"""
NEEDS = """
import sys
import six

def handler(event, context):
    ours = [name for name in ("gateway", "executor", "kit") if name in sys.modules]
    return {"six": six.__version__, "file": six.__file__, "ours": ours}
"""
AWS = """
import boto3
import sys

def handler(event, context):
    client = boto3.client("sqs", aws_access_key_id="a", aws_secret_access_key="b")
    return {"file": boto3.__file__, "region": client.meta.region_name, "last": sys.path[-1]}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("packages")
    for name, text in (("needs", NEEDS), ("aws", AWS)):
        (folder / name).mkdir()
        (folder / name / "app.py").write_text(text)
    (folder / "needs" / "requirements.txt").write_text("six==1.17.0\n")
    (folder / "routes.yaml").write_text(ROUTES)
    state = folder / "state"
    subprocess.run(
        [sys.executable, "-m", "lockgate.cli", "runtimes", "install", "--state", str(state)],
        check=True,
        timeout=240,
    )
    with RunningServer(folder / "routes.yaml", state) as running:
        yield running


@pytest.mark.slow
@pytest.mark.timeout(300)  # pip downloads boto3 once
def test_requirements_beside_the_code_are_in_the_package(server):
    answer = httpx.get(f"{server.gateway}/needs", timeout=20).json()
    assert answer == {"six": "1.17.0", "file": "/var/task/six.py", "ours": []}


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_boto3_is_there_without_being_in_the_package_and_comes_last(server):
    answer = httpx.get(f"{server.gateway}/aws", timeout=20).json()
    assert answer == {"file": "/var/runtime/boto3/__init__.py", "region": "us-east-1", "last": "/var/runtime"}
