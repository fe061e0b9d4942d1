"""Every snippet of docs/cognito-api.md, as it stands there: only addresses and ids are those of the server here."""

import os
import re
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from tests.support.cognito_site import PASSWORD, CognitoSite

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

ROOT = Path(__file__).parents[3]
SNIPPET = re.compile(r"^```(sh|python|js)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
SNIPPETS = [(kind, text) for kind, text in SNIPPET.findall((ROOT / "docs/cognito-api.md").read_text())]
# What each of them prints, in the page's order: somebody in a list, her status, her attributes, access tokens.
PRINTS = ('"Users": \\[\\s*\\{', "CONFIRMED", "'email'", "eyJ", "eyJ", "eyJ")
NODE = ROOT / "tests" / "node"
ENDS_S = 60.0


def environment(site: CognitoSite) -> dict[str, str]:
    """Of an operator's shell after ``eval "$(lockgate env)"``, which knows the state of this server."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "LOCKGATE_"))}
    access, secret = site.key
    return clean | {
        "PATH": f"{Path(sys.executable).parent}:{clean['PATH']}",
        "LOCKGATE_STATE": str(site.server.state),
        "AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER": site.control,
        "AWS_DEFAULT_REGION": site.region,
        "AWS_ACCESS_KEY_ID": access,
        "AWS_SECRET_ACCESS_KEY": secret,
    }


def command(kind: str, text: str) -> list[str]:
    if kind == "js":
        return ["node", "--input-type=module", "--eval", text]
    return ["sh", "-c", text] if kind == "sh" else [sys.executable, "-c", text]


def test_all_of_them_are_known_here() -> None:
    assert len(SNIPPETS) == len(PRINTS)


@pytest.mark.parametrize("number", range(len(PRINTS)))
def test_snippet_does_what_it_says(site: CognitoSite, number: int) -> None:
    kind, text = SNIPPETS[number]
    if kind == "js" and not (NODE / "node_modules" / "aws-amplify").is_dir():
        pytest.skip("needs node and `npm ci` in tests/node")
    ada = f"ada{uuid4().hex[:12]}@example.com"
    if "admin_create_user" not in text:
        site.add(ada, email=ada, email_verified="true")
    for documented, here in (
        ("us-east-1_Main00001", site.pool_id()),
        ("CLIENT_ID", site.client_id()),
        ("https://auth.example.com", site.url),
        ("ada@example.com", ada),
        ("correct horse battery", PASSWORD),
    ):
        text = text.replace(documented, here)
    done = subprocess.run(
        command(kind, text), capture_output=True, text=True, env=environment(site), cwd=NODE, timeout=ENDS_S,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert re.search(PRINTS[number], done.stdout), (done.stdout, done.stderr)
