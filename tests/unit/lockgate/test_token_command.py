"""``lockgate token``: where a token comes from, what is shown of it, and the exit codes that scripts rely on."""

import io
import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from gateway.issuers.key_cache import KeyCache
from gateway.issuers.source import Published
from lockgate.cli import main
from lockgate.commands.token import parse_moment
from lockgate.errors import UsageError
from lockgate.token_input import MAX_BYTES, read_token_text
from tests.support.jwt_world import (
    AUDIENCE,
    ISSUER,
    NOW_S,
    claims,
    compact,
    ec_key,
    header,
    jwks,
    make_token,
    rsa_key,
)
from tests.support.routes_file import write_routes
from tests.support.server import lockgate

CANARY = "canary19aa"


class Shell:
    """:ivar folder: where the token, the keys and the routes file are."""

    def __init__(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.folder = folder
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def run(self, *words: str | Path, stdin: str | bytes = "") -> tuple[int, str, str]:
        data = stdin.encode() if isinstance(stdin, str) else stdin
        self._monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        code = main([str(word) for word in words])
        out, err = self._capsys.readouterr()
        return code, out, err

    def json(self, *words: str | Path, stdin: str | bytes = "") -> tuple[int, Any]:
        code, out, _ = self.run(*words, "--json", stdin=stdin)
        return code, json.loads(out)

    def keep(self, *keys: Any, issuer: str = ISSUER, age_s: float = 60) -> None:
        """Leave keys as a server does."""
        published = Published.read(f"{ISSUER}/keys", jwks(*keys), ("RS256",))
        KeyCache(self.folder / "state" / "issuers").save(issuer, published, time.time() - age_s)

    def routes(self) -> Path:
        jwt = {"type": "jwt", "issuer": ISSUER, "audience": [AUDIENCE]}
        return write_routes(
            self.folder,
            functions={},
            authorizers={"main": jwt, "others": jwt | {"audience": ["other"]}},
            routes={
                "GET /a": {"auth": "main", "respond": {"body": "{}"}},
                "GET /b": {"auth": "others", "respond": {"body": "{}"}},
            },
        )


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    for name in ("LOCKGATE_CONFIG", "LOCKGATE_STATE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return Shell(tmp_path, monkeypatch, capsys)


def test_decode_shows_all_but_the_signature_and_says_that_nothing_was_verified(shell: Shell) -> None:
    token = make_token(payload=claims(exp=int(time.time()) - 750))
    code, out, err = shell.run("token", "decode", stdin=f"Bearer {token}\n")
    assert (code, err) == (0, "")
    assert out.startswith("Not verified: anybody could have written this.")
    assert '  sub: "user-1"' in out
    assert "12 minutes" in out
    assert not any(part in out for part in token.split("."))


def test_decode_as_json(shell: Shell) -> None:
    code, found = shell.json("token", "decode", stdin=make_token())
    assert code == 0
    assert set(found) == {
        *(
            "verified",
            "well_formed",
            "refusal",
            "faults",
            "segments",
            "header",
            "claims",
            "times",
            "signature_bytes",
        )
    }
    assert (found["verified"], found["well_formed"], found["claims"]) == (False, True, claims())
    assert set(found["times"]) == {"iat", "exp"}


def test_decode_of_a_bad_token_says_what_is_wrong(shell: Shell) -> None:
    code, out, _ = shell.run("token", "decode", stdin=f"{make_token()}=")
    assert code == 1
    assert "signature: it ends with =" in out
    assert "a gateway says: the token is malformed" in out


@pytest.mark.parametrize("payload", [b"{", b"[]", rb'{"sub":"\ud800"}', b'{"a":1,"a":2}'])
def test_decode_of_a_payload_that_no_gateway_reads(shell: Shell, payload: bytes) -> None:
    """Half a surrogate pair, which JSON can spell and no output can write, ended `--json` with a traceback."""
    token = compact(rsa_key(), json.dumps(header(rsa_key())).encode(), payload)
    code, found = shell.json("token", "decode", stdin=token)
    assert (code, found["well_formed"]) == (1, False)
    assert "its payload cannot be read" in found["refusal"]
    assert shell.run("token", "decode", stdin=token)[0] == 1


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_what_the_output_cannot_write_is_spelled(tmp_path: Path, encoding: str) -> None:
    """In a place without UTF-8 a name beyond ASCII ended the command with a traceback."""
    (tmp_path / "token").write_text(make_token(payload=claims(sub="\u2192\xe9")))
    text, data = (
        lockgate("token", "decode", tmp_path / "token", *more, env={"PYTHONIOENCODING": encoding})
        for more in ((), ("--json",))
    )
    assert (text.returncode, data.returncode) == (0, 0)
    assert rb"\u2192" in text.stdout
    assert json.loads(data.stdout)["claims"]["sub"] == "\u2192\xe9"


def test_a_token_cannot_drive_the_terminal(shell: Shell) -> None:
    evil = make_token(payload=claims(sub="\x1b[31mred\u202e", iss="\x1b]0;x\x07"))
    _, out, _ = shell.run("token", "decode", stdin=evil)
    assert "\x1b" not in out
    assert "\u202e" not in out


def test_a_file_and_its_absence(shell: Shell) -> None:
    (shell.folder / "token").write_text(make_token() + "\n")
    assert shell.run("token", "decode", "token")[0] == 0
    code, out, err = shell.run("token", "decode", CANARY)
    assert (code, out) == (2, "")
    assert CANARY not in err


@pytest.mark.parametrize("source", [make_token(), f"Bearer {make_token()}", "aaaaaaaa.bbbb.cccc", "x" * 5000])
def test_a_token_as_an_argument_is_refused_and_not_repeated(source: str) -> None:
    """L2."""
    with pytest.raises(UsageError) as refused:
        read_token_text(source)
    assert source not in f"{refused.value.what} {refused.value.instead}"


@pytest.mark.parametrize("data", [b"", b"  \n", b"Bearer \n", b"a" * (MAX_BYTES + 1)])
def test_nothing_and_too_much_are_usage_errors(shell: Shell, data: bytes) -> None:
    assert shell.run("token", "decode", stdin=data)[0] == 2


def test_verify_tells_which_authorizer_would_accept(shell: Shell) -> None:
    shell.keep(rsa_key())
    words = ("token", "verify", "-c", shell.routes(), "--state", "state", "--at", str(NOW_S))
    code, found = shell.json(*words, stdin=make_token())
    assert code == 0
    assert (found["verdict"], found["at"]) == ("accepted", "2026-07-10T19:19:05Z")
    rows = {row["authorizer"]: row for row in found["authorizers"]}
    assert {name: row["verdict"] for name, row in rows.items()} == {"main": "accepted", "others": "refused"}
    assert rows["others"]["reason"] == "audience_wrong"
    assert rows["main"]["keys"].startswith("1 key, fetched 1 minute")
    assert set(rows["main"]) == {
        *("authorizer", "issuer", "audience", "verdict", "reason", "sentence", "note", "keys", "checks"),
        *("claims", "other_claims"),
    }
    assert shell.run(*words, "--authorizer", "others", stdin=make_token())[0] == 4
    code, out, _ = shell.run(*words, "--authorizer", "main", stdin=make_token())
    assert code == 0
    assert "lifetime    it expires in 1 hour" in out


def test_verify_shows_people_only_on_demand(shell: Shell) -> None:
    shell.keep(rsa_key())
    words = ("token", "verify", "-c", shell.routes(), "--state", "state", "--at", str(NOW_S))
    token = make_token(payload=claims(sub=CANARY))
    out = shell.run(*words, stdin=token)[1] + json.dumps(shell.json(*words, stdin=token)[1])
    assert CANARY not in out
    assert "and sub: --claims shows them" in out
    assert CANARY in shell.run(*words, "--claims", stdin=token)[1]


def test_verify_without_keys_cannot_tell(shell: Shell) -> None:
    words = ("token", "verify", "-c", shell.routes(), "--state", "state", "--at", str(NOW_S))
    code, out, _ = shell.run(*words, stdin=make_token())
    assert code == 5
    assert "--fetch asks the issuer" in out
    assert shell.run(*words, stdin="nonsense")[0] == 4  # for which no key is needed
    shell.keep(rsa_key(), age_s=25 * 3600)
    code, out, _ = shell.run(*words, stdin=make_token())
    assert (code, "older than a day" in out) == (5, True)
    (next((shell.folder / "state" / "issuers").glob("*.json"))).write_text("{}")
    code, out, _ = shell.run(*words, stdin=make_token())
    assert (code, "cannot be used" in out) == (5, True)


def test_verify_with_a_key_file(shell: Shell) -> None:
    (shell.folder / "keys.json").write_bytes(jwks(rsa_key()))
    words = ("token", "verify", "--jwks", "keys.json", "--at", str(NOW_S))
    code, out, _ = shell.run(*words, stdin=make_token())
    assert code == 0
    assert "iss and aud taken from the token itself, so not checked" in out
    assert shell.run(*words, stdin=make_token(rsa_key("b")))[0] == 4
    assert shell.run(*words, "--issuer", ISSUER, "--audience", AUDIENCE, stdin=make_token())[0] == 0
    assert shell.run(*words, "--issuer", ISSUER, "--audience", "x", stdin=make_token())[0] == 4
    (shell.folder / "keys.json").write_bytes(jwks(ec_key()))
    assert shell.run(*words, stdin=make_token(ec_key()))[0] == 0
    code, out, _ = shell.run(*words, stdin=make_token())  # no key of that kind
    assert (code, "holds no key that can be used" in out) == (5, True)


@pytest.mark.parametrize(
    "words",
    [
        ("--issuer", ISSUER),
        ("--audience", AUDIENCE),
        ("--authorizer", "main", "--issuer", ISSUER, "--audience", AUDIENCE),
        ("--authorizer", "nobody"),
        ("--jwks", "absent.json"),
        ("--jwks", "routes.yaml"),
        ("--at", "yesterday"),
        ("--at", "999999999999999"),
        ("--at", "99999999999999999999"),
        ("--at", "0001-01-01T00:00:00+23:00"),
        ("--at", "2026-07-10T19:19:05"),
    ],
)
def test_what_was_named_wrongly_is_a_usage_error(shell: Shell, words: tuple[str, ...]) -> None:
    shell.routes()
    code, out, err = shell.run("token", "verify", *words, stdin=make_token())
    assert (code, out) == (2, "")
    assert err.startswith("lockgate: ")


def test_a_moment_is_seconds_or_iso() -> None:
    assert parse_moment(str(NOW_S)) == parse_moment("2026-07-10T19:19:05Z") == NOW_S
    assert parse_moment("2026-07-10T21:19:05+02:00") == NOW_S
    with pytest.raises(UsageError):
        parse_moment("9" * 400)
