"""``lockgate keys``: what pools sign tokens with, and its exchange while the server runs (J17)."""

import argparse
import json
from datetime import datetime

from auth.pool import Pool
from auth.store.ports import KeyUse, StoredKey
from auth.tokens.keyring import PUBLISHED_S
from auth.tokens.ring import USES
from lockgate.commands.user import table
from lockgate.errors import ExitCode, RuntimeFailure
from lockgate.pool_office import Office, open_office


def run(arguments: argparse.Namespace) -> int:
    with open_office(arguments) as office:
        if arguments.action == "rotate":
            _rotate(office, office.pool(arguments.pool), arguments)
        else:
            pools = office.directory.pools() if arguments.pool is None else (office.pool(arguments.pool),)
            _list(office, pools, as_json=arguments.json)
    return ExitCode.OK


def _list(office: Office, pools: tuple[Pool, ...], *, as_json: bool) -> None:
    keys = [(pool, key) for pool in pools for key in _in_order(office.store.keys.keys(pool.pool_id))]
    if as_json:
        print(json.dumps([_described(pool, key) for pool, key in keys], indent=2))  # noqa: T201
        return
    rows = [(pool.name, key.use, key.state, _when(key), key.kid) for pool, key in keys]
    for line in table(("pool", "signs", "state", "since", "kid"), rows):
        print(line)  # noqa: T201


def _rotate(office: Office, pool: Pool, arguments: argparse.Namespace) -> None:
    uses: tuple[KeyUse, ...] = USES if arguments.use is None else (arguments.use,)
    office.keyring.ensure(pool.pool_id, office.now)
    published_s = 0.0 if arguments.now else PUBLISHED_S
    for use in uses:
        if not office.keyring.rotate(pool.pool_id, use, office.now, published_s=published_s):
            raise RuntimeFailure(
                f"The next key for {use} tokens was published less than {PUBLISHED_S / 60:g} minutes ago: "
                "verifiers may not know it yet.",
                "Wait, or say --now where the current key must go at once.",
            )
        kid = office.keyring.signer(pool.pool_id, use).kid
        office.record("key_rotated", pool, kid, use)
        if not arguments.json:
            print(f"{pool.name}: {kid} signs {use} tokens from now on; the server follows within 5 s.")  # noqa: T201
    if arguments.json:
        _list(office, (pool,), as_json=True)


def _in_order(keys: tuple[StoredKey, ...]) -> list[StoredKey]:
    states = {"current": 0, "next": 1, "retired": 2}
    return sorted(keys, key=lambda key: (key.use, states[key.state], key.published_at))


def _described(pool: Pool, key: StoredKey) -> dict[str, str | None]:
    def text(at: datetime | None) -> str | None:
        return None if at is None else at.isoformat()

    return {
        "pool": pool.name,
        "kid": key.kid,
        "use": key.use,
        "state": key.state,
        "published_at": text(key.published_at),
        "activated_at": text(key.activated_at),
        "retired_at": text(key.retired_at),
        "expires_at": text(key.expires_at),
    }


def _when(key: StoredKey) -> str:
    at = {"current": key.activated_at, "retired": key.retired_at}.get(key.state) or key.published_at
    return f"{at:%Y-%m-%d %H:%M} UTC"
