"""Whether each throttle can tell the callers apart that it counts."""

from kit.positioned_yaml import KeyPath
from lockgate.config.declared import Declared
from lockgate.config.grammar.authorizers import FunctionAuthorizer
from lockgate.config.grammar.file import RoutesFile
from lockgate.config.grammar.throttle import Throttle
from lockgate.config.report import Report


def check_throttles(file: RoutesFile, declared: Declared, report: Report) -> None:
    """Report throttles by a claim where nobody's claims are known."""
    for text, route in file.routes.items():
        path: KeyPath = ("routes", text)
        if path in declared.skipped or not _counts_by_claim(route.throttle):
            continue
        if route.auth is None:
            reason = "the route asks for no token, so there are no claims"
            _report(path, reason, report)
        elif isinstance(file.authorizers.get(route.auth), FunctionAuthorizer):
            _report(path, f"{route.auth} is a function: there is no token, so there are no claims", report)
    for name, throttle in file.stage_throttles.items():
        if _counts_by_claim(throttle):
            reason = "a stage's throttle comes before the authorizer: the claims are not known yet"
            _report(("stages", name), reason, report)


def _counts_by_claim(throttle: Throttle | None) -> bool:
    return throttle is not None and throttle.by is not None and throttle.by.kind == "claim"


def _report(path: KeyPath, reason: str, report: Report) -> None:
    hint = "write by: source_ip, or throttle a route with a jwt authorizer"
    report.add("claim-needs-jwt", (*path, "throttle", "by"), reason, hint)
