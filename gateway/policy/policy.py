"""A policy document, compiled once and asked for one ARN at a time.

An explicit Deny wins, no match denies. What is not understood is refused when the document is read, never passed over:
a Deny that nobody reads would open what it was to close.
Source: IAM User Guide, "Policy evaluation logic" and "IAM JSON policy elements".
"""

from collections.abc import Callable
from dataclasses import dataclass

import orjson

from gateway.policy.pattern import Pattern, PatternError

ACTION = "execute-api:invoke"  # lower case: letters of actions count alike in either case

# 8 KiB: API Gateway's quota for an authorizer's result, where it states one. It bounds what one evaluation costs.
MAX_DOCUMENT_BYTES = 8 * 1024

_CURRENT = "2012-10-17"
_OLD = "2008-10-17"  # what a document without Version is
_POLICY_KEYS = frozenset({"Version", "Id", "Statement"})
_STATEMENT_KEYS = frozenset(
    {"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"}
)  # Principal belongs to policies of resources
_ARN_PARTS = 6


class PolicyError(ValueError):
    """The document is no policy that can be evaluated here; the message says where and why."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """:param why: what decided, for logs."""

    is_allowed: bool
    why: str


_NO_MATCH = Verdict(False, "no statement of the policy allows it")


class Policy:
    """A document that was read. :param denies: :param allows: the statements about `ACTION`, in their order."""

    __slots__ = ("_allows", "_denies")

    def __init__(self, denies: list["Statement"], allows: list["Statement"]) -> None:
        self._denies = denies
        self._allows = allows

    def evaluate(self, arn: str) -> Verdict:
        """Decide whether *arn* may be invoked."""
        for statement in self._denies:
            if statement.applies_to(arn):
                return statement.verdict
        for statement in self._allows:
            if statement.applies_to(arn):
                return statement.verdict
        return _NO_MATCH


class ArnPattern:
    """One ``Resource``: ``*`` or an ARN with wildcards."""

    __slots__ = ("_parts", "_whole")

    def __init__(self, text: str) -> None:
        self._whole = Pattern(text)
        self._parts = [Pattern(part) for part in text.split(":", _ARN_PARTS - 1)]

    def spans(self, arn: str) -> bool:
        """Match the text as a whole: a ``*`` may reach over the colons between an ARN's parts."""
        return self._whole.matches(arn)

    def names(self, arn: str) -> bool:
        """Match part by part, the last one with all that is left.

        Else ``arn:aws:execute-api:*:*:other/…`` would name this API's ARN with ``:other/…`` in its path, which a client
        can write.
        """
        if not self._whole.matches(arn):  # most do not, and this is the quicker test
            return False
        parts = arn.split(":", len(self._parts) - 1)
        return len(parts) == len(self._parts) and all(
            pattern.matches(part) for pattern, part in zip(self._parts, parts, strict=True)
        )


class Statement:
    """One statement about `ACTION`. :param is_not: ``NotResource``: all but these."""

    __slots__ = ("_is_not", "_test", "verdict")

    def __init__(self, number: int, *, is_deny: bool, resources: list[ArnPattern], is_not: bool) -> None:
        word = "denies" if is_deny else "allows"
        self.verdict = Verdict(not is_deny, f"statement {number} of the policy {word} it")
        # Where wildcards could be read in two ways, the reading that closes more is taken.
        is_wide = is_deny != is_not
        self._test: list[Callable[[str], bool]] = [
            resource.spans if is_wide else resource.names for resource in resources
        ]
        self._is_not = is_not

    def applies_to(self, arn: str) -> bool:
        return any(test(arn) for test in self._test) != self._is_not


def read_policy(document: object) -> Policy:
    """Compile what a function answered as its ``policyDocument``.

    :raises PolicyError: anything in it is missing, unknown, of a wrong type, or not supported.
    """
    if not isinstance(document, dict):
        raise PolicyError("policyDocument is no object")
    try:
        size_bytes = len(orjson.dumps(document))
    except TypeError as exc:
        raise PolicyError("policyDocument is nested too deep") from exc
    if size_bytes > MAX_DOCUMENT_BYTES:
        raise PolicyError(f"policyDocument has {size_bytes} bytes, the limit is {MAX_DOCUMENT_BYTES}")
    _check_keys(document, _POLICY_KEYS, "policyDocument")
    version = document.get("Version", _OLD)
    if version not in (_CURRENT, _OLD):
        raise PolicyError(f"Version is not {_CURRENT}")
    statements = document.get("Statement")
    if isinstance(statements, dict):
        statements = [statements]
    if not isinstance(statements, list) or not statements:
        raise PolicyError("policyDocument has no Statement")
    denies: list[Statement] = []
    allows: list[Statement] = []
    for number, statement in enumerate(statements, 1):
        try:
            found = _read_statement(number, statement, has_variables=version == _CURRENT)
        except (PolicyError, PatternError) as exc:
            raise PolicyError(f"statement {number}: {exc}") from exc
        if found is not None:
            (allows if found.verdict.is_allowed else denies).append(found)
    return Policy(denies, allows)


def _read_statement(number: int, statement: object, *, has_variables: bool) -> Statement | None:
    """None: it is about other actions."""
    if not isinstance(statement, dict):
        raise PolicyError("it is no object")
    _check_keys(statement, _STATEMENT_KEYS, "it")
    effect = statement.get("Effect")
    if effect not in ("Allow", "Deny"):
        raise PolicyError("Effect is neither Allow nor Deny")
    if statement.get("Condition", {}) != {}:
        raise PolicyError("Condition is not in this version: let the function decide")
    actions, is_not_action = _either(statement, "Action")
    resources, is_not_resource = _either(statement, "Resource")
    for action in actions:
        if action != "*" and ":" not in action:
            raise PolicyError("an Action is neither * nor of the form service:Name")
    for resource in resources:
        if resource != "*" and not resource.startswith("arn:"):
            raise PolicyError("a Resource is neither * nor an ARN")
        if "${" in resource and not has_variables:
            raise PolicyError(f"a Resource has ${{…}}, which needs Version {_CURRENT}")
    patterns = [ArnPattern(resource) for resource in resources]
    is_meant = any(Pattern(action.lower()).matches(ACTION) for action in actions) != is_not_action
    if not is_meant:
        return None
    return Statement(number, is_deny=effect == "Deny", resources=patterns, is_not=is_not_resource)


def _either(statement: dict[str, object], name: str) -> tuple[list[str], bool]:
    """The values of *name* or of its ``Not`` form, and whether it is that."""
    is_not = f"Not{name}" in statement
    if is_not == (name in statement):
        raise PolicyError(f"exactly one of {name} and Not{name} is needed")
    value = statement[f"Not{name}" if is_not else name]
    given = value if isinstance(value, list) else [value]
    texts = [text for text in given if isinstance(text, str) and text]
    if not texts or len(texts) != len(given):
        raise PolicyError(f"{name} is neither a text nor a list of texts")
    return texts, is_not


def _check_keys(found: dict[str, object], known: frozenset[str], what: str) -> None:
    unknown = found.keys() - known
    if unknown:
        raise PolicyError(f"{what} has {', '.join(sorted(unknown))[:80]}, which is not known here")
