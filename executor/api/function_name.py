"""The ``{FunctionName}`` of a path: a name, a partial or a full ARN, each with an optional qualifier.

Source: Lambda API reference, "Invoke", and the errors recorded from Lambda.
"""

import re
from dataclasses import dataclass
from typing import Final

from executor.api.errors import InvalidParameterValue, OtherRegion, ResourceNotFound
from kit.names import Names

LATEST: Final = "$LATEST"
NAME_PATTERN: Final = (
    r"(arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}(-gov)?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?"
    r"([a-zA-Z0-9-_]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?"
)
QUALIFIER_PATTERN: Final = r"\$(LATEST)|[a-zA-Z0-9-_$]+"
_NAME = re.compile(
    r"(?:arn:aws[a-zA-Z-]*:lambda:)?(?:(?P<region>[a-z]{2}(?:-[a-z]+)?-[a-z]+-\d):)?(?:(?P<account>\d{12}):)?"
    r"(?:function:)?(?P<name>[a-zA-Z0-9_-]+)(?::(?P<qualifier>\$LATEST|[a-zA-Z0-9_-]+))?",
    re.ASCII,
)
_QUALIFIER = re.compile(r"\$LATEST|[a-zA-Z0-9_$-]+")
MAX_REFERENCE_CHARACTERS: Final = 140
MAX_NAME_CHARACTERS: Final = 64
MAX_QUALIFIER_CHARACTERS: Final = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionReference:
    """Which function a caller means. :param qualifier: None if the caller named none."""

    name: str
    qualifier: str | None
    region: str | None
    account: str | None

    def check_place(self, names: Names) -> None:
        """Raise the 404 for a function of another region or account."""
        if self.region is not None and self.region != names.region:
            raise OtherRegion(self.region, names.region)
        if self.account is not None and self.account != names.account:
            elsewhere = Names(account=self.account, region=names.region)
            raise ResourceNotFound(elsewhere.function_arn(self.name, self.qualifier or LATEST))


def name_violations(text: str) -> list[str]:
    """What is wrong with a function reference, in the words of Lambda's constraint failures."""
    violations = []
    if not _NAME.fullmatch(text):
        violations.append(
            _violation(text, "functionName", f"satisfy regular expression pattern: {NAME_PATTERN}")
        )
    if len(text) > MAX_REFERENCE_CHARACTERS:
        violations.append(_too_long(text, "functionName", MAX_REFERENCE_CHARACTERS))
    return violations


def qualifier_violations(text: str | None) -> list[str]:
    if text is None:
        return []
    violations = []
    if not _QUALIFIER.fullmatch(text):
        violations.append(
            _violation(text, "qualifier", f"satisfy regular expression pattern: {QUALIFIER_PATTERN}")
        )
    if not text:
        violations.append(_violation(text, "qualifier", "have length greater than or equal to 1"))
    if len(text) > MAX_QUALIFIER_CHARACTERS:
        violations.append(_too_long(text, "qualifier", MAX_QUALIFIER_CHARACTERS))
    return violations


def parse_reference(text: str, query_qualifier: str | None) -> FunctionReference:
    """Read what `name_violations` and `qualifier_violations` found nothing wrong with.

    :raises InvalidParameterValue: the name is too long, or the two qualifiers disagree.
    """
    match = _NAME.fullmatch(text)
    if match is None:
        raise ValueError(text)
    name, derived = match["name"], match["qualifier"]
    if len(name) > MAX_NAME_CHARACTERS:
        detail = _too_long(name, "functionName", MAX_NAME_CHARACTERS)
        raise InvalidParameterValue(f"1 validation error detected: {detail}")
    if derived is not None and query_qualifier is not None and derived != query_qualifier:
        raise InvalidParameterValue(
            "The derived qualifier from the function name does not match the specified qualifier."
        )
    return FunctionReference(
        name=name, qualifier=derived or query_qualifier, region=match["region"], account=match["account"]
    )


def _violation(value: str, member: str, rule: str) -> str:
    shown = value if len(value) <= 256 else f"{value[:256]}..."
    return f"Value '{shown}' at '{member}' failed to satisfy constraint: Member must {rule}"


def _too_long(value: str, member: str, limit: int) -> str:
    return _violation(value, member, f"have length less than or equal to {limit}")
