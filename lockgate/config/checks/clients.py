"""Checks of a pool's clients: flows and what they need, addresses, scopes, attributes, secrets."""

from auth.core.redirects import fault_of
from kit.positioned_yaml import KeyPath
from lockgate.config.grammar.identity import Client, UserPool
from lockgate.config.grammar.scalars import closest
from lockgate.config.report import Report

STANDARD_SCOPES = ("openid", "email", "phone", "profile", "aws.cognito.signin.user.admin")
READ_ONLY = ("sub", "email_verified", "phone_number_verified")
STANDARD_ATTRIBUTES = (
    "address", "birthdate", "email", "family_name", "gender", "given_name", "locale", "middle_name", "name", "nickname",
    "phone_number", "picture", "preferred_username", "profile", "updated_at", "website", "zoneinfo",
)  # fmt: skip
CUSTOM_TRIGGERS = ("define_auth_challenge", "create_auth_challenge", "verify_auth_challenge")
GENERATE = "generate"
MIN_SECRET_CHARS = 22  # 128 bit in base64url (A17)


def check_client(client: Client, pool: UserPool, path: KeyPath, report: Report) -> None:
    """:param path: of the client."""
    _check_flows(client, path, report)
    _check_triggers(client, pool, path, report)
    for key in ("redirect_uris", "logout_uris"):
        _check_uris(getattr(client, key), (*path, key), report)
    _check_scopes(client, pool, path, report)
    _check_attributes(client, pool, path, report)
    _check_secret(client, path, report)


def _check_flows(client: Client, path: KeyPath, report: Report) -> None:
    here: KeyPath = (*path, "flows")
    for index, flow in enumerate(client.flows):
        if flow in client.flows[:index]:
            report.add("wrong-value", (*here, index), f"{flow} is in the list already", "remove it")
    if "code" in client.flows and not client.redirect_uris:
        reason = "with the flow code users are sent back to the client, and it does not say where"
        report.add("flow-needs", here, reason, "add redirect_uris: [https://…]", at="key")
    if "client_credentials" not in client.flows:
        return
    others = [flow for flow in client.flows if flow != "client_credentials"]
    if others:  # A18: a machine is no user
        reason = f"client_credentials is for machines, {', '.join(others)} for people: a client is one or the other"
        report.add("mixed-flows", here, reason, "make a client for each", at="key")
    if client.secret is None:
        reason = "with client_credentials the secret is all that a client proves itself with"
        report.add("flow-needs", here, reason, "add secret: generate", at="key")


def _check_triggers(client: Client, pool: UserPool, path: KeyPath, report: Report) -> None:
    missing = [name for name in CUSTOM_TRIGGERS if name not in pool.triggers]
    if "custom" in client.flows and missing:
        reason = f"with the flow custom functions decide who is let in, and the pool has no {missing[0]}"
        hint = f"add triggers: {{{', '.join(f'{name}: FUNCTION' for name in missing)}}} to the pool"
        report.add("flow-needs", (*path, "flows"), reason, hint, at="key")


def _check_uris(uris: tuple[str, ...], path: KeyPath, report: Report) -> None:
    for index, uri in enumerate(uris):
        fault = fault_of(uri)
        if fault is not None:
            report.add("bad-redirect-uri", (*path, index), *fault)
        elif uri in uris[:index]:
            report.add("bad-redirect-uri", (*path, index), f"{uri} is in the list already", "remove it")


def _check_scopes(client: Client, pool: UserPool, path: KeyPath, report: Report) -> None:
    own = tuple(f"{server}/{scope}" for server, scopes in pool.resource_servers.items() for scope in scopes)
    is_machine = "client_credentials" in client.flows
    here: KeyPath = (*path, "scopes")
    for index, scope in enumerate(client.scopes):
        if scope in client.scopes[:index]:
            report.add("unknown-scope", (*here, index), f"{scope} is in the list already", "remove it")
        elif scope in own:
            continue
        elif is_machine and scope in STANDARD_SCOPES:  # A18
            reason = f"{scope} is about a user, and with client_credentials there is none"
            report.add("unknown-scope", (*here, index), reason, closest(scope, own))
        elif scope not in STANDARD_SCOPES:
            reason = f'no resource server of the pool has a scope "{scope[:80]}"'
            report.add("unknown-scope", (*here, index), reason, closest(scope, (*own, *STANDARD_SCOPES)))
    if is_machine and not client.scopes:
        reason = "with client_credentials a token is nothing but its scopes, and there are none"
        hint = (
            f"add scopes: [{own[0]}]"
            if own
            else "add resource_servers to the pool, then scopes: [SERVER/SCOPE]"
        )
        report.add("flow-needs", (*path, "flows"), reason, hint, at="key")


def _check_attributes(client: Client, pool: UserPool, path: KeyPath, report: Report) -> None:
    own = tuple(f"custom:{name}" for name in pool.attributes)
    for key, names in (("read", client.read_attributes or ()), ("write", client.write_attributes or ())):
        known = (*STANDARD_ATTRIBUTES, *own, *(READ_ONLY if key == "read" else ()))
        for index, name in enumerate(names):
            here: KeyPath = (*path, f"{key}_attributes", index)
            if name in names[:index]:
                report.add("client-attribute", here, f"{name} is in the list already", "remove it")
            elif name in READ_ONLY and key == "write":
                report.add("client-attribute", here, f"nobody changes {name} through a client", "remove it")
            elif name not in known:
                reason = f'users of this pool have no attribute "{name[:80]}"'
                report.add("client-attribute", here, reason, closest(name, known))
    if pool.self_sign_up and client.write_attributes is not None and "email" not in client.write_attributes:
        reason = "anybody may sign up, and through this client nobody could: they give their address"
        report.add("client-attribute", (*path, "write_attributes"), reason, "add email", at="key")


def _check_secret(client: Client, path: KeyPath, report: Report) -> None:
    here: KeyPath = (*path, "secret")
    if client.secret is None or client.secret == GENERATE:
        return
    if not report.is_reference(here):
        reason = "a secret that stands in the file is none"
        report.add("plain-secret", here, reason, 'write generate, or "${env:NAME}"')
    elif len(client.secret) < MIN_SECRET_CHARS:
        report.add("short-secret", here)
