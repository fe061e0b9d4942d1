"""What the command line works with when it administers user pools: the server's own database and key, opened beside it.

The server may run meanwhile: it sees what is changed here within seconds. Whatever changes something is audited as
done by ``operator``.
"""

import argparse
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from auth.audit import Action, Audit
from auth.client import Client
from auth.directory import Directory
from auth.errors import AuthError, NotAuthorized, Unavailable
from auth.flows.administration import Administration
from auth.flows.password_hasher import PasswordHasher
from auth.flows.tools import Tools
from auth.mail.message import Message
from auth.mail.sender import SendFailed
from auth.mail.smtp import SmtpSender
from auth.pool import Pool
from auth.store.sql.store import SqlStore
from auth.tokens.keyring import KeyRing
from auth.tokens.tokens import Tokens
from lockgate.config.grammar.file import RoutesFile
from lockgate.config.grammar.scalars import closest
from lockgate.configuration import load_or_explain
from lockgate.errors import CommandError, ExitCode, RuntimeFailure, UsageError
from lockgate.mail import smtp_server
from lockgate.people import database_url, declaration_refused, decoy_key, has_people, open_people
from lockgate.settings import config_paths
from lockgate.state import State

ACTOR = "operator"
DEFAULT_AUTH_URL = "http://127.0.0.1:8081"  # where a server listens that nobody told otherwise


class NotAllowed(CommandError):
    exit_code = ExitCode.AUTHORIZATION


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """:param file: None: there is no routes file here. :param auth_url: what issuers begin with."""

    file: RoutesFile | None
    store: SqlStore
    directory: Directory
    administration: Administration
    keyring: KeyRing
    tokens: Tokens
    audit: Audit
    now: datetime
    mails: list[Message] = field(default_factory=list, repr=False)

    def pool(self, name: str | None) -> Pool:
        """By name or id; the only one where none is named. :raises UsageError: which one?"""
        pools = self.directory.pools()
        found = [pool for pool in pools if name in (None, pool.name, pool.pool_id)]
        if len(found) == 1:
            return found[0]
        if name is not None:
            raise UsageError(f"There is no user pool {name!r}.", closest(name, [pool.name for pool in pools]))
        if not pools:
            raise UsageError(
                "There are no user pools yet.",
                "Declare them in routes.yaml and start the server: it makes them.",
            )
        raise UsageError("Which user pool?", f"Say --pool {' or '.join(pool.name for pool in pools)}.")

    def client(self, pool: Pool, name: str) -> Client:
        """By name or id. :raises UsageError: there is none."""
        clients = self.directory.clients(pool.pool_id)
        for client in clients:
            if name in (client.name, client.client_id):
                return client
        hint = closest(name, [client.name for client in clients])
        raise UsageError(f"The pool {pool.name} has no client {name!r}.", hint)

    def may_invite(self, attributes: Mapping[str, str]) -> None:
        """:raises UsageError: nobody would get the mail. Functions run in the server: `server.mail` is no way here."""
        if self.file is None or self.file.server.smtp is None:
            raise UsageError(
                "An invitation needs a mail server: server.smtp is not set.",
                "--temporary prints the first password instead.",
            )
        if not attributes.get("email"):
            raise UsageError("There is no address to invite.", "Say --email ADDRESS, or --temporary.")

    def send_mail(self) -> str:
        """Hand what the flows have posted to the mail server. :returns: why it was not taken; "" when it was."""
        assert self.file is not None
        assert self.file.server.smtp is not None
        sender = SmtpSender(smtp_server(self.file.server.smtp))
        mails, self.mails[:] = tuple(self.mails), []
        try:
            for mail in mails:
                sender.send(mail)
        except SendFailed as error:
            return error.reason
        return ""

    def record(self, action: Action, pool: Pool, target: str, detail: str = "") -> None:
        self.audit.record(
            action, "ok", self.now, pool_id=pool.pool_id, actor=ACTOR, target=target, detail=detail
        )


@contextmanager
def open_office(arguments: argparse.Namespace) -> Iterator[Office]:
    """:raises CommandError: whatever goes wrong, also within."""
    state = Path(arguments.state).absolute()
    file = _file(arguments)
    url = database_url(file, state)
    if url.startswith("sqlite:") and not has_people(state):
        raise RuntimeFailure(
            f"There are no user pools in {state} yet.",
            "Start the server once: it makes those of routes.yaml. Or name its state folder with --state.",
        )
    store = open_people(url, state)
    try:
        with _translated():
            yield _office(file, store, state)
    finally:
        store.close()


def _office(file: RoutesFile | None, store: SqlStore, state: Path) -> Office:
    now = datetime.now(UTC)
    audit = Audit(store.audit)
    mails: list[Message] = []  # sent by who asks for it; other passwords operators hand over themselves
    tools = Tools(
        store=store, hasher=PasswordHasher(), audit=audit, post=mails.append, decoy_key=decoy_key(state)
    )
    directory, keyring = Directory(store.pools), KeyRing(store.keys)
    directory.refresh(now)
    published = State(state).endpoints() or {}
    auth_url = (file.server.auth_url if file else None) or published.get("auth") or DEFAULT_AUTH_URL
    return Office(
        file=file,
        store=store,
        directory=directory,
        administration=Administration(tools, actor=ACTOR),
        keyring=keyring,
        tokens=Tokens(keyring, lambda pool_id: f"{auth_url}/{pool_id}"),
        audit=audit,
        now=now,
        mails=mails,
    )


def _file(arguments: argparse.Namespace) -> RoutesFile | None:
    """The routes file says where the database is; without one it is the state's own."""
    paths = config_paths(arguments)
    if not paths[0].exists() and "LOCKGATE_CONFIG" not in os.environ and str(paths[0]) == "routes.yaml":
        return None
    return load_or_explain(paths)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except Unavailable as error:
        raise declaration_refused(error) from error
    except NotAuthorized as error:
        raise NotAllowed(_sentence(error)) from error
    except AuthError as error:
        raise UsageError(_sentence(error)) from error


def _sentence(error: AuthError) -> str:
    text = str(error).rstrip(".")
    return f"{text}."
