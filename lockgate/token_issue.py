"""``lockgate token issue``: a token for a test or a machine, made by whoever may read the server's key. It is audited.

The token alone is on standard output, so that ``$(…)`` takes it.
"""

import argparse
import json
import uuid
from datetime import timedelta

from auth.client import Client
from auth.grant import Grant
from auth.pool import Pool
from auth.tokens.tokens import TokenSet
from lockgate.errors import ExitCode, RuntimeFailure, UsageError
from lockgate.pool_office import Office, open_office

AMR = ()  # nobody has proven anything


def run(arguments: argparse.Namespace) -> int:
    with open_office(arguments) as office:
        pool = office.pool(arguments.pool)
        client = office.client(pool, arguments.client)
        if pool.is_closed or client.is_closed:
            raise UsageError(
                f"{pool.name}.{client.name} is closed: no file declares it any more.", "Declare it."
            )
        scopes = _scopes(client, arguments.scope)
        office.keyring.ensure(pool.pool_id, office.now)
        if arguments.user is None:
            issued, subject = _of_client(office, pool, client, scopes), client.client_id
        else:
            issued, subject = _of_user(office, pool, client, scopes, arguments.user)
        office.record("token_issued", pool, subject, client.client_id)
    _show(issued, arguments)
    return ExitCode.OK


def _scopes(client: Client, wanted: list[str]) -> tuple[str, ...]:
    unknown = [scope for scope in wanted if scope not in client.scopes]
    if unknown:
        known = f"It has {', '.join(client.scopes)}." if client.scopes else "It has none."
        raise UsageError(f"The client {client.name} has no scope {unknown[0]!r}.", known)
    return tuple(dict.fromkeys(wanted)) or client.scopes


def _of_client(office: Office, pool: Pool, client: Client, scopes: tuple[str, ...]) -> TokenSet:
    if "client_credentials" not in client.flows:
        raise UsageError(f"The client {client.name} signs people in.", "Say for whom: --user NAME.")
    return office.tokens.of_client(pool, client, scopes, now=office.now)


def _of_user(
    office: Office, pool: Pool, client: Client, scopes: tuple[str, ...], name: str
) -> tuple[TokenSet, str]:
    if "client_credentials" in client.flows:
        raise UsageError(
            f"The client {client.name} is a machine: no user signs in to it.", "Leave --user out."
        )
    user = office.administration.show(pool, name)
    lifetimes = client.lifetimes or pool.lifetimes
    now = max(office.now, user.tokens_valid_from)
    grant = Grant(
        grant_id=str(uuid.uuid4()),
        pool_id=pool.pool_id,
        client_id=client.client_id,
        sub=user.sub,
        kind="issued",
        scopes=scopes,
        auth_time=now,
        amr=AMR,
        created_at=now,
        expires_at=now + timedelta(seconds=max(lifetimes.access_s, lifetimes.id_s)),
        event_id=str(uuid.uuid4()),
    )
    office.store.grants.start(grant, now)
    live = office.store.grants.live(grant.grant_id, now)
    if live is None:
        raise RuntimeFailure(
            f"{name} cannot sign in: they are disabled.", "lockgate user enable lets them in again."
        )
    return office.tokens.of_grant(pool, client, live, now=now), user.sub


def _show(issued: TokenSet, arguments: argparse.Namespace) -> None:
    if arguments.json:
        shown = {
            "access_token": issued.access_token,
            "id_token": issued.id_token,
            "token_type": "Bearer",
            "expires_in": issued.expires_in,
        }
        print(json.dumps({name: value for name, value in shown.items() if value is not None}, indent=2))  # noqa: T201
        return
    if arguments.id and issued.id_token is None:
        raise UsageError(
            "There is no ID token without the scope openid.", "Give the client openid, or leave --id out."
        )
    print(issued.id_token if arguments.id else issued.access_token)  # noqa: T201
