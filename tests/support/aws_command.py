"""The AWS command line, unmodified, beside a real server: its answers, and what it prints when it is refused."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.support.server import RunningServer

AWS = Path(sys.executable).with_name("aws")
_ENDS_S = 60.0  # an interpreter and botocore's models, on a loaded machine


class AwsCommand:
    """``aws cognito-idp`` with the addresses and keys that ``lockgate env`` prints, and no others."""

    def __init__(self, server: RunningServer) -> None:
        found = server.endpoints
        clean = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        self._nobodys = clean | {
            "AWS_DEFAULT_REGION": found["region"],
            "AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER": found["endpoints"]["cognito_idp"],
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        self._operators = self._nobodys | {
            "AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER": found["endpoints"]["cognito_idp_admin"],
            "AWS_ACCESS_KEY_ID": found["access_key_id"],
            "AWS_SECRET_ACCESS_KEY": found["secret_access_key"],
        }

    def __call__(self, action: str, *words: str) -> Any:
        """As an operator. :returns: its answer, ``{}`` where it prints nothing."""
        return _answer(_run(self._operators, action, *words))

    def public(self, action: str, *words: str) -> Any:
        """As an application: on the public listener, without keys."""
        return _answer(_run(self._nobodys, action, *words))

    def refused(self, action: str, *words: str) -> str:
        """:returns: what it printed, as an operator."""
        return _refusal(_run(self._operators, action, *words))

    def refused_publicly(self, action: str, *words: str) -> str:
        return _refusal(_run(self._nobodys, action, *words))


def _run(env: dict[str, str], action: str, *words: str) -> subprocess.CompletedProcess[str]:
    command = [AWS, "cognito-idp", action, *words, "--output", "json"]
    return subprocess.run(command, capture_output=True, text=True, env=env, timeout=_ENDS_S, check=False)


def _answer(done: subprocess.CompletedProcess[str]) -> Any:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout) if done.stdout.strip() else {}


def _refusal(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode != 0, done.stdout
    return done.stderr.strip().removeprefix("aws: [ERROR]: ")
