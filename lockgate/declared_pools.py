"""From the file's user pools to what the store is told to hold. A mapping only: the file has been checked."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from auth.client import Client
from auth.flows.triggers import TriggerName
from auth.pool import AttributeRule, Brand, ClaimsEvent, FirstFactor, Lifetimes, MfaKind, PasswordPolicy, Pool
from auth.store.ports import Declared
from lockgate.config.checks.clients import GENERATE
from lockgate.config.grammar import identity as grammar
from lockgate.config.grammar.file import RoutesFile
from lockgate.pool_names import PoolName, PoolNames

_MFA_KINDS: Mapping[str, MfaKind] = {"authenticator": "software_token", "email": "email"}
_FIRST_FACTORS: Mapping[str, FirstFactor] = {"password": "PASSWORD", "email": "EMAIL_OTP"}

_TRIGGERS: Mapping[str, TriggerName] = {"verify_auth_challenge": "verify_auth_challenge_response"}
_VERSIONS: Mapping[int, ClaimsEvent] = {1: "1", 2: "2", 3: "3"}


def declared_pools(file: RoutesFile, names: PoolNames) -> tuple[Declared, ...]:
    return tuple(
        _declared(name, pool, names.pools[name], file.folder) for name, pool in file.user_pools.items()
    )


def _declared(name: str, pool: grammar.UserPool, names: PoolName, folder: Path) -> Declared:
    secrets = {
        names.clients[each]: client.secret
        for each, client in pool.clients.items()
        if client.secret is not None and client.secret != GENERATE
    }
    return Declared(
        pool=_pool(name, pool, names.pool_id, folder),
        clients=tuple(_client(each, client, names) for each, client in pool.clients.items()),
        secrets=secrets,
    )


def _pool(name: str, pool: grammar.UserPool, pool_id: str, folder: Path) -> Pool:
    lifetimes = pool.token_lifetimes
    return Pool(
        pool_id=pool_id,
        name=name,
        source="file",
        sign_in_with=frozenset(pool.sign_in_with),
        self_sign_up=pool.self_sign_up,
        is_case_sensitive=pool.case_sensitive,
        password=PasswordPolicy(
            min_length=pool.password.min_length,
            require=frozenset(pool.password.require),
            temporary_s=pool.password.temporary_s,
        ),
        mfa=pool.mfa,
        mfa_kinds=frozenset(_MFA_KINDS[each] for each in pool.mfa_methods),
        first_factors=tuple(_FIRST_FACTORS[each] for each in pool.first_factors),
        attributes=tuple(
            AttributeRule(name=each, type=rule.type, is_mutable=rule.mutable)
            for each, rule in pool.attributes.items()
        ),
        groups=pool.groups,
        resource_servers={server: dict(scopes) for server, scopes in pool.resource_servers.items()},
        lifetimes=Lifetimes(
            id_s=lifetimes.id_s,
            access_s=lifetimes.access_s,
            refresh_s=lifetimes.refresh_s,
            refresh_grace_s=lifetimes.refresh_grace_s,
        ),
        triggers={_TRIGGERS.get(each, each): asked.function for each, asked in pool.triggers.items()},
        claims_event=_claims_event(pool),
        brand=Brand(
            name=pool.brand.name or name,
            colour=pool.brand.colour or "",
            logo="" if pool.brand.logo is None else str((folder / pool.brand.logo).resolve()),
        ),
    )


def _claims_event(pool: grammar.UserPool) -> ClaimsEvent:
    trigger = pool.triggers.get("pre_token_generation")
    return "1" if trigger is None else _VERSIONS[trigger.version]


def _client(name: str, client: grammar.Client, names: PoolName) -> Client:
    is_code = "code" in client.flows
    return Client(
        client_id=names.clients[name],
        pool_id=names.pool_id,
        name=name,
        source="file",
        flows=frozenset(_with_refresh(client.flows)),
        redirect_uris=client.redirect_uris,
        logout_uris=client.logout_uris,
        scopes=client.scopes,
        rotates_refresh=is_code if client.rotate_refresh is None else client.rotate_refresh,
        has_secret=client.secret is not None,
        hides_users=client.hides_users,
        read_attributes=_names(client.read_attributes),
        write_attributes=_names(client.write_attributes),
    )


def _names(listed: tuple[str, ...] | None) -> frozenset[str] | None:
    return None if listed is None else frozenset(listed)


def _with_refresh(flows: Iterable[grammar.Flow]) -> set[grammar.Flow]:
    """Cognito gives a refresh token with every code."""
    return {*flows, "refresh"} if "code" in flows else set(flows)
