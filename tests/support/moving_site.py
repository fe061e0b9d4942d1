"""A state with user pools and no server, for `lockgate user export` and `import`; and who can sign in there."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import pytest

from auth.audit import Audit
from auth.core.steps import Origin, SignedIn, Step
from auth.directory import Directory
from auth.errors import NotAuthorized
from auth.flows.password_hasher import PasswordHasher
from auth.flows.sign_in import SignIn
from auth.flows.tools import Tools
from auth.store.sql.store import SqlStore
from auth.user import User
from lockgate.cli import main
from lockgate.configuration import load_or_explain
from lockgate.declared_pools import declared_pools
from lockgate.people import database_url, open_people
from lockgate.pool_names import pool_names

PASSWORD = "correct horse battery"
CHEAP = PasswordHasher(memory_kib=8, passes=1)
HASH = CHEAP.hash(PASSWORD)
_ORIGIN = Origin(address="192.0.2.7")


class MovingSite:
    """:param pool: changes of ``main``, as the file writes them. :param database: ``sqlite``: in the state."""

    def __init__(self, folder: Path, *, database: str = "sqlite", **pool: Any) -> None:
        folder.mkdir(exist_ok=True)
        self.folder, self.state, self.config = folder, folder / "state", folder / "routes.yaml"
        self.state.mkdir(mode=0o700)
        client = {
            "flows": ["code", "password"],
            "redirect_uris": ["http://localhost:8080/"],
            "scopes": ["openid"],
        }
        main_pool = {
            "sign_in_with": ["username", "email"],
            "groups": ["admins"],
            "attributes": {"tier": {}, "seats": {"type": "number"}},
            "clients": {"web": client},
        }
        file = {
            "version": 1,
            "server": {"database": database},
            "user_pools": {"main": main_pool | pool},
            "routes": {"GET /open": {"public": True, "respond": {"body": "open"}}},
        }
        self.config.write_text(json.dumps(file))
        read = load_or_explain([self.config])
        self._url = database_url(read, self.state)
        with self.store() as store:
            store.pools.declare(declared_pools(read, pool_names(read)), datetime.now(UTC))

    @contextmanager
    def store(self) -> Any:  # Any: a generator of SqlStore
        store: SqlStore = open_people(self._url, self.state)
        try:
            yield store
        finally:
            store.close()

    # --- commands ---

    def words(self, *words: str) -> list[str]:
        return ["user", *words, "-c", str(self.config), "--state", str(self.state)]

    def run(self, *words: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """In this process: a fresh interpreter for each takes a second."""
        out, err = io.TextIOWrapper(io.BytesIO()), io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            patch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin)))
            code = main(self.words(*words))
            out.flush()
            written: Any = out.buffer
            return subprocess.CompletedProcess(words, code, written.getvalue(), err.getvalue().encode())

    def told(self, *words: str, stdin: bytes = b"", code: int = 0) -> Any:  # Any: JSON
        done = self.run(*words, "--json", stdin=stdin)
        assert done.returncode == code, done.stderr + done.stdout
        return json.loads(done.stdout)

    def begin(self, *words: str) -> subprocess.Popen[bytes]:
        """In a process of its own, which the caller ends."""
        return subprocess.Popen(
            [sys.executable, "-m", "lockgate.cli", *self.words(*words)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ | {},
        )  # fmt: skip

    def bring(self, *people: Mapping[str, Any], **how: Any) -> Any:  # Any: JSON
        """Import them from a file. :param how: of `told`; ``words``: more of the command."""
        more = how.pop("words", ())
        return self.told("import", "main", self.file(people), *more, **how)

    def file(self, people: Iterable[Mapping[str, Any]], name: str = "users.jsonl") -> str:
        path = self.folder / name
        path.write_text("".join(json.dumps(person) + "\n" for person in people))
        return str(path)

    def exported(self, *words: str) -> list[dict[str, Any]]:
        done = self.run("export", "main", *words)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    # --- people ---

    def count(self) -> int:
        with self.store() as store:
            (pool,) = store.pools.pools()
            return int(store.pools.count_users(pool.pool_id))

    def log_in(self, username: str, password: str = PASSWORD) -> Step:
        with self._flows() as (sign_in, directory):
            (pool,) = directory.pools()
            (client,) = directory.clients(pool.pool_id)
            return sign_in.begin(pool, client, username, password, origin=_ORIGIN, now=datetime.now(UTC))

    def lets_in(self, username: str, password: str = PASSWORD) -> bool:
        try:
            return isinstance(self.log_in(username, password), SignedIn)
        except NotAuthorized:
            return False

    def person(self, key: str) -> User:
        with self.store() as store:
            (pool,) = store.pools.pools()
            found = store.users.find(pool.pool_id, key)
            assert found is not None, key
            user: User = found[0]
            return user

    @contextmanager
    def _flows(self) -> Any:  # Any: a generator
        with self.store() as store:
            directory = Directory(store.pools)
            directory.refresh(datetime.now(UTC))
            tools = Tools(
                store=store,
                hasher=CHEAP,
                audit=Audit(store.audit),
                post=lambda _: None,
                decoy_key=b"a key of this test, and no other",
            )
            yield SignIn(tools), directory

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None


def person(name: str, **changes: Any) -> dict[str, Any]:
    """Somebody with a password and a verified address, as a line has them."""
    own = {"email": f"{name}@example.com", "email_verified": "true"}
    return {"username": name, "attributes": own, "password_hash": HASH} | changes
