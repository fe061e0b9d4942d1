"""An issuer that others wrote: npm's oidc-provider, on loopback, for as long as a test needs it."""

import json
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest

_FOLDER = Path(__file__).parent.parent / "node"
_CLIENT = ("notes-app", "a-secret-of-the-tests-only")

AUDIENCE = "https://api.example.com"


class ForeignIssuer:
    """:ivar issuer: its URL, the ``iss`` of its tokens. :ivar kids: of its keys; it signs with the first."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.issuer, self.kids = self._state()

    def token(self, *scopes: str) -> str:
        """A JWT access token of the client-credentials grant; its audience is `AUDIENCE`."""
        form = {"grant_type": "client_credentials", "scope": " ".join(scopes)}
        answer = httpx.post(
            f"{self.issuer}/token",
            content=urlencode(form),
            headers={"content-type": "application/x-www-form-urlencoded"},
            auth=_CLIENT,
            trust_env=False,
        )
        assert answer.status_code == 200, answer.text
        token: str = answer.json()["access_token"]
        return token

    def rotate(self) -> None:
        """Sign with a new key from now on; the old ones stay published."""
        self._process.send_signal(signal.SIGUSR2)
        _, self.kids = self._state()

    def kill(self) -> None:
        """It is gone, and connections are refused when this returns."""
        self._process.kill()
        self._process.wait(10)

    def _state(self) -> tuple[str, list[str]]:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("{"):  # it prints advice, too
                state = json.loads(line)
                return state["issuer"], state["kids"]
        raise AssertionError(f"oidc-provider ended with {self._process.wait()}")


@contextmanager
def foreign_issuer(port: int = 0) -> Iterator[ForeignIssuer]:
    """Start one and end it. Skips the test where Node or the packages are missing.

    :param port: where it listens; 0: anywhere.
    """
    node = shutil.which("node")
    if node is None or not (_FOLDER / "node_modules" / "oidc-provider").is_dir():
        pytest.skip("oidc-provider is not installed: make .venv/node")
    with subprocess.Popen(
        [node, "oidc_provider.mjs", str(port)],
        cwd=_FOLDER,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            yield ForeignIssuer(process)
        finally:
            process.kill()
