"""Checks of the ``authorizers:`` section."""

from kit.positioned_yaml import KeyPath
from lockgate.config.checks.issuer import check_issuer
from lockgate.config.checks.references import check_function_name
from lockgate.config.declared import Declared
from lockgate.config.grammar.authorizers import (
    FUNCTION_AUTHORIZER_TIMEOUT_S,
    FunctionAuthorizer,
    JwtAuthorizer,
)
from lockgate.config.grammar.file import RoutesFile
from lockgate.config.grammar.scalars import closest
from lockgate.config.report import Report


def check_authorizers(file: RoutesFile, declared: Declared, report: Report) -> None:
    """Check each authorizer that the models accepted, and which of all are used."""
    for name, authorizer in file.authorizers.items():
        path: KeyPath = ("authorizers", name)
        if path in declared.skipped:
            continue
        if isinstance(authorizer, JwtAuthorizer):
            _check_jwt(file, authorizer, declared, path, report)
        else:
            _check_function(file, authorizer, declared, path, report)
    for name in declared.unused_authorizers():
        reason = f"no route has auth: {name}"
        report.add("unused-authorizer", ("authorizers", name), reason, "name it, or remove it", at="key")


def _check_jwt(
    file: RoutesFile, authorizer: JwtAuthorizer, declared: Declared, path: KeyPath, report: Report
) -> None:
    _check_algorithms(authorizer, path, report)
    for index, accepted in enumerate(authorizer.audience):
        if not accepted.strip() or accepted == "*":
            reason = "an audience is the exact text of aud; there are no wildcards"
            report.add("wrong-value", (*path, "audience", index), reason, "write the client's id")
    if authorizer.user_pool is not None:
        _check_pool(file, authorizer, declared, path, report)
        return
    if authorizer.clients:
        reason = "clients belong to a pool, and the authorizer names none"
        report.add(
            "pool-or-issuer", (*path, "clients"), reason, "write user_pool: NAME, or audience", at="key"
        )
    if authorizer.issuer is None:
        hint = "write issuer: https://…, exactly as in the iss of its tokens"
        report.add("jwt-needs-issuer", path, suggestion=hint, at="key")
    else:
        check_issuer(authorizer.issuer, (*path, "issuer"), report, allow_http=authorizer.allow_http)
    if not authorizer.audience:  # J11: a token for somebody else is not for us
        reason = "without an audience every token of the issuer would do, also those made for other programs"
        report.add("jwt-needs-audience", path, reason, "write audience: [CLIENT_ID]", at="key")


def _check_pool(
    file: RoutesFile, authorizer: JwtAuthorizer, declared: Declared, path: KeyPath, report: Report
) -> None:
    for key in ("issuer", "audience", "algorithms", "allow_http"):
        if key in authorizer.model_fields_set:
            reason = f"the pool decides this, and {key} is for other issuers"
            report.add("pool-or-issuer", (*path, key), reason, "remove it, or remove user_pool", at="key")
    assert authorizer.user_pool is not None
    pool = file.user_pools.get(authorizer.user_pool)
    if pool is None:
        names = declared.names("user_pools")
        if declared.is_readable("user_pools") and authorizer.user_pool not in names:
            reason = f'there is no user pool "{authorizer.user_pool}"'
            report.add("unknown-pool", (*path, "user_pool"), reason, closest(authorizer.user_pool, names))
        return
    if not pool.clients:
        reason = f"the pool {authorizer.user_pool} has no clients, so no token could be for one"
        report.add("unknown-client", (*path, "user_pool"), reason, "add clients to it")
    for index, name in enumerate(authorizer.clients):
        if name not in pool.clients:
            reason = f'the pool {authorizer.user_pool} has no client "{name[:80]}"'
            report.add("unknown-client", (*path, "clients", index), reason, closest(name, pool.clients))


def _check_algorithms(authorizer: JwtAuthorizer, path: KeyPath, report: Report) -> None:
    families = dict.fromkeys(algorithm[:2] for algorithm in authorizer.algorithms)
    if len(families) > 1:  # J1: one family per issuer
        kept = [name for name in authorizer.algorithms if name.startswith(next(iter(families)))]
        reason = f"{' and '.join(families)} are signatures of different kinds; an issuer has one"
        report.add("mixed-algorithms", (*path, "algorithms"), reason, f"write [{', '.join(kept)}]", at="key")


def _check_function(
    file: RoutesFile, authorizer: FunctionAuthorizer, declared: Declared, path: KeyPath, report: Report
) -> None:
    check_function_name(authorizer.function, declared, (*path, "function"), report)
    if authorizer.payload == "1.0" and authorizer.simple_responses:
        reason = "simple responses exist in format 2.0 only"
        hint = 'write simple_responses: false, or payload: "2.0"'
        report.add("simple-responses-format", (*path, "simple_responses"), reason, hint, at="key")
    # J19: one caller's answer is no other's
    if authorizer.ttl_s and not any(source.is_identity for source in authorizer.identity_source):
        reason = "an answer is kept for whoever sends the same identity source, and there is none"
        hint = "add identity_source: [$request.header.NAME], or remove ttl"
        if authorizer.identity_source:
            named = " and ".join(source.text for source in authorizer.identity_source)
            reason = f"an answer about one caller would be kept for all: they have {named} in common"
            hint = "add $request.header.NAME to identity_source, or remove ttl"
        report.add("ttl-needs-source", (*path, "ttl"), reason, hint, at="key")
    function = file.functions.get(authorizer.function)
    if function is None:
        return
    timeout_s = file.defaults.timeout_s if function.timeout_s is None else function.timeout_s
    if timeout_s > FUNCTION_AUTHORIZER_TIMEOUT_S:
        limit = f"{FUNCTION_AUTHORIZER_TIMEOUT_S:g}s"
        reason = f"the gateway waits {limit} for an authorizer; {authorizer.function} may take {timeout_s:g}s"
        hint = f"write timeout: {limit} or less at functions.{authorizer.function}"
        report.add("slow-authorizer", (*path, "function"), reason, hint)
