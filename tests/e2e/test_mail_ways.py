"""How a real server delivers mail: by a function, by a mail server, and by another one after a reload."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lockgate.cli import main
from tests.support.mail_server import MailServer
from tests.support.observed import events, metrics, wait_until
from tests.support.person import Person
from tests.support.routes_file import write_routes
from tests.support.server import RunningServer, lockgate

pytestmark = pytest.mark.timeout(90)

HOME = "http://localhost:8080"
POST = """import json, os

def handler(event, context):
    path = os.path.join(os.environ["BOX"], event["to"])
    with open(path + ".part", "w") as file:
        json.dump(event, file)
    os.rename(path + ".part", path)
"""
POOL = {
    "sign_in_with": ["email"],
    "self_sign_up": True,
    "clients": {
        "web": {
            "id": "notesweb",
            "flows": ["code"],
            "redirect_uris": [f"{HOME}/"],
            "scopes": ["openid", "email", "notes/read", "notes/write"],
        }
    },
    "resource_servers": {"notes": {"read": "Read", "write": "Write"}},
}


@dataclass(frozen=True)
class Site:
    auth: str
    gateway: str = HOME


class Post:
    """A server with a pool, and the folder that its function writes mails into."""

    def __init__(self, folder: Path, *extra: str) -> None:
        self.folder = folder
        (folder / "post").mkdir()
        (folder / "post/app.py").write_text(POST)
        self.write(mail={"function": "post"})
        self.server = RunningServer(folder / "routes.yaml", folder / "state", extra=extra)

    def write(self, **server: Any) -> None:
        function = {"code": "post", "handler": "app.handler", "volumes": {"BOX": "box"}}
        pools = {"main": POOL}
        write_routes(self.folder, functions={"post": function}, user_pools=pools, server=server)

    def mail(self, address: str) -> dict[str, Any]:
        path = self.folder / "box" / address
        wait_until(path.exists, f"mail to {address}")
        event: dict[str, Any] = json.loads(path.read_text())
        return event

    def code(self, address: str) -> str:
        lines = [line.strip() for line in self.mail(address)["text"].split("\n")]
        (code,) = (line for line in lines if line.isdigit() and len(line) == 6)
        return code


@pytest.fixture(scope="module", params=[(), ("--workers", "1")], ids=["one-process", "edge"])
def post(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Post]:
    post = Post(tmp_path_factory.mktemp("mail"), *request.param)
    with post.server:
        yield post


def sign_up(post: Post, email: str) -> None:
    with Person(Site(post.server.endpoints["auth"]), email) as person:
        person.sign_up(lambda: post.code(email))


def warnings(post: Post) -> int:
    return len([each for each in events(post.server, "warning") if "codes reach nobody" in each["message"]])


def test_function_delivers_the_code_that_confirms_a_sign_up(post: Post) -> None:
    before = warnings(post)
    sign_up(post, "ada@example.com")
    mail = post.mail("ada@example.com")
    assert (mail["purpose"], mail["pool_id"]) == (
        "sign_up",
        post.server.endpoints["user_pools"]["main"]["id"],
    )
    assert warnings(post) == before


def test_reload_changes_the_way_of_mail(post: Post) -> None:
    sign_up(post, "bob@example.com")
    with MailServer() as arriving:
        post.write(smtp={"host": "127.0.0.1", "port": arriving.port, "from": "hello@example.com"})
        done = lockgate("reload", "--state", post.server.state)
        assert (done.returncode, b"server.smtp" in done.stderr + done.stdout) == (0, True)
        with Person(Site(post.server.endpoints["auth"]), "eve@example.com") as person:
            person.sign_up(lambda: arriving.arrived().code)
    assert not (post.folder / "box/eve@example.com").exists()
    post.write(mail={"function": "post"})
    assert lockgate("reload", "--state", post.server.state).returncode == 0
    sign_up(post, "kay@example.com")


def test_reload_to_no_way_at_all_is_said(post: Post) -> None:
    before = warnings(post)
    post.write()
    assert lockgate("reload", "--state", post.server.state).returncode == 0
    wait_until(lambda: warnings(post) == before + 1, "the warning")
    post.write(mail={"function": "post"})
    assert lockgate("reload", "--state", post.server.state).returncode == 0


def test_operator_invites_by_smtp(post: Post, capsys: pytest.CaptureFixture[str]) -> None:
    """The command mails by itself; what a mail server does not take the operator is told, and nobody else."""
    words = ["user", "add", "-c", str(post.server.config), "--state", str(post.server.state), "--invite"]
    assert main([*words, "max@example.com"]) == 2  # a function delivers here
    assert "--temporary" in capsys.readouterr().err
    with MailServer() as arriving:
        post.write(smtp={"host": "127.0.0.1", "port": arriving.port, "from": "hello@example.com"})
        try:
            assert main([*words, "max@example.com"]) == 0
            printed = capsys.readouterr().out
            mail = arriving.arrived()
            arriving.says.append("550 no")
            assert main([*words, "moe@example.com"]) == 0
        finally:
            post.write(mail={"function": "post"})
    assert mail.recipients == ("max@example.com",)
    assert "on its way to max@example.com" in printed
    assert "first password, to be changed" not in printed
    told = capsys.readouterr()
    assert "was not sent" in told.err
    assert "first password, to be changed" in told.out


def test_tokens_are_counted_by_grant(post: Post) -> None:
    """L3: a grant that nobody knows is `other`."""
    with Person(Site(post.server.endpoints["auth"]), "zoe@example.com") as person:
        for grant in ("authorization_code", "made-up-by-a-client"):
            assert person.ask_for_tokens(grant_type=grant).status_code == 400
    found = metrics(post.server)
    for grant in ("authorization_code", "other"):
        labels = (f'grant_type="{grant}"', 'outcome="refused"')
        assert [
            value
            for name, value in found.items()
            if name.startswith("lockgate_auth_token_requests_total") and all(each in name for each in labels)
        ] == [1.0]
    assert not [name for name in found if "made-up" in name]
