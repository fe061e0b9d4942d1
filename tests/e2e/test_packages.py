"""What functions may import: their requirements.txt; boto3 or @aws-sdk from the runtime folder. With pip and npm."""

import shutil
import subprocess
import sys

import httpx
import pytest

from tests.support.node_runtime import NODE
from tests.support.server import RunningServer

ROUTES = """
version: 1
defaults: {runtime: python3.11}
functions:
  needs: {code: needs, handler: app.handler}
  aws: {code: aws, handler: app.handler}
  sdk: {code: sdk, handler: app.handler, runtime: nodejs22.x}
  require: {code: sdk, handler: common.handler, runtime: nodejs22.x}
routes:
  GET /needs: {function: needs, public: true}
  GET /aws: {function: aws, public: true}
  GET /sdk: {function: sdk, public: true}
  GET /require: {function: require, public: true}
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


SDK = """
import { S3Client } from "@aws-sdk/client-s3";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";

export const handler = async () => ({
  region: await new S3Client({}).config.region(),
  from: typeof DynamoDBDocumentClient.from,
});
"""
COMMON = """
exports.handler = async () => require.resolve("@aws-sdk/client-sqs");
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("packages")
    for name, text in (("needs", NEEDS), ("aws", AWS)):
        (folder / name).mkdir()
        (folder / name / "app.py").write_text(text)
    (folder / "sdk").mkdir()
    (folder / "sdk" / "app.mjs").write_text(SDK)
    (folder / "sdk" / "common.js").write_text(COMMON)
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


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.skipif(NODE is None or shutil.which("npm") is None, reason="there is no npm")
def test_the_sdk_is_there_for_import_and_for_require_without_being_in_the_package(server):
    for _ in range(2):  # the same environment: what the SDK reads after its first call must not end it
        answer = httpx.get(f"{server.gateway}/sdk", timeout=20).json()
        assert answer == {"region": "us-east-1", "from": "function"}
    place = httpx.get(f"{server.gateway}/require", timeout=20).text
    assert place == "/var/runtime/node_modules/@aws-sdk/client-sqs/dist-cjs/index.js"
