"""A pool's attributes as the API lists them, and rules for attributes out of what it is given."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from auth.cognito.unsupported import unsupported
from auth.errors import InvalidParameter
from auth.pool import AttributeRule, AttributeType, Pool

_LONGEST: Final = 2048
_KINDS: Final[Mapping[str, AttributeType]] = {
    "String": "string",
    "Number": "number",
    "Boolean": "boolean",
    "DateTime": "datetime",
}
_NAMES: Final = {kind: name for name, kind in _KINDS.items()}


def _text(name: str, least: int = 0, most: int = _LONGEST) -> AttributeRule:
    return AttributeRule(name=name, least=least, most=most)


# As Cognito lists them.
STANDARD: Final = (
    AttributeRule(name="sub", is_mutable=False, is_required=True, least=1, most=_LONGEST),
    _text("name"),
    _text("given_name"),
    _text("family_name"),
    _text("middle_name"),
    _text("nickname"),
    _text("preferred_username"),
    _text("profile"),
    _text("picture"),
    _text("website"),
    _text("email"),
    AttributeRule(name="email_verified", type="boolean"),
    _text("gender"),
    _text("birthdate", 10, 10),
    _text("zoneinfo"),
    _text("locale"),
    _text("phone_number"),
    AttributeRule(name="phone_number_verified", type="boolean"),
    _text("address"),
    AttributeRule(name="updated_at", type="number", least=0),
)
_STANDARD: Final = {rule.name: rule for rule in STANDARD}


def schema_answer(pool: Pool) -> list[dict[str, Any]]:
    """``SchemaAttributes``: the standard ones, then the pool's own."""
    changed = {rule.name: rule for rule in pool.standard}
    return [
        *(_shown(changed.get(rule.name, rule), rule.name) for rule in STANDARD),
        *(_shown(rule, f"custom:{rule.name}") for rule in pool.attributes),
    ]


def own_rules(listed: Iterable[Mapping[str, Any]]) -> tuple[AttributeRule, ...]:
    """For AddCustomAttributes, which takes no other ones."""
    return tuple(_own(each) for each in listed)


def rules_of(
    listed: Iterable[Mapping[str, Any]] | None,
) -> tuple[tuple[AttributeRule, ...], tuple[AttributeRule, ...]]:
    """Of ``Schema``. :returns: standard attributes with rules of their own, and the pool's own.

    :raises InvalidParameter: one cannot be that.
    """
    standard, own = [], []
    for each in listed or ():
        known = _STANDARD.get(each.get("Name") or "")
        if known is None:
            own.append(_own(each))
        else:
            rule = _changed(known, each)
            if rule.name != "sub":  # it is as it is
                standard.append(rule)
    names = [rule.name for rule in standard]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InvalidParameter(f"{twice}: Existing attribute already has name {twice}.")
    return tuple(standard), tuple(own)


def _own(given: Mapping[str, Any]) -> AttributeRule:
    name = (given.get("Name") or "").removeprefix("custom:")
    if not name:
        raise InvalidParameter("A custom attribute needs a Name.")
    kind = _KINDS.get(given.get("AttributeDataType") or "")
    if kind is None:
        raise InvalidParameter(
            "Invalid AttributeDataType input, consider using the provided AttributeDataType enum."
        )
    if given.get("Required"):
        raise InvalidParameter("Required custom attributes are not supported currently.")
    _refuse_developers(given, name)
    least, most = _bounds(given, name, kind)
    return AttributeRule(
        name=name, type=kind, is_mutable=given.get("Mutable") is not False, least=least, most=most
    )


def _changed(known: AttributeRule, given: Mapping[str, Any]) -> AttributeRule:
    kind = _KINDS.get(given.get("AttributeDataType") or "", known.type)
    if kind != known.type or given.get("DeveloperOnlyAttribute"):
        raise InvalidParameter(
            "You can not change AttributeDataType or set developerOnlyAttribute "
            f"for standard schema attribute {known.name}"
        )
    if known.name == "sub" and given.get("Mutable"):
        raise InvalidParameter("The attribute sub cannot be mutable.")
    least, most = _bounds(given, known.name, known.type)
    is_mutable = given.get("Mutable")
    return AttributeRule(
        name=known.name,
        type=known.type,
        is_mutable=known.is_mutable if is_mutable is None else is_mutable,
        is_required=known.name == "sub" or bool(given.get("Required")),
        least=known.least if least is None else least,
        most=known.most if most is None else most,
    )


def _refuse_developers(given: Mapping[str, Any], name: str) -> None:
    if given.get("DeveloperOnlyAttribute"):
        raise unsupported(
            "DeveloperOnlyAttribute", f"Leave dev:{name} out of the client's WriteAttributes instead."
        )


def _bounds(given: Mapping[str, Any], name: str, kind: AttributeType) -> tuple[int | None, int | None]:
    if kind == "string":
        told = given.get("StringAttributeConstraints") or {}
        least, most = _number(told.get("MinLength"), name), _number(told.get("MaxLength"), name)
        if any(bound is not None and not 0 <= bound <= _LONGEST for bound in (least, most)):
            raise InvalidParameter(f"Attribute {name}: lengths are from 0 to {_LONGEST}.")
    elif kind == "number":
        told = given.get("NumberAttributeConstraints") or {}
        least, most = _number(told.get("MinValue"), name), _number(told.get("MaxValue"), name)
    else:
        return None, None
    if least is not None and most is not None and least > most:
        raise InvalidParameter(f"Attribute {name}: the least is more than the most.")
    return least, most


def _number(text: Any, name: str) -> int | None:
    if not text:
        return None
    try:
        if len(text) > 16:
            raise ValueError
        return int(text)
    except ValueError:
        raise InvalidParameter(f"Attribute {name}: {text[:20]} is no whole number.") from None


def _shown(rule: AttributeRule, name: str) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "Name": name,
        "AttributeDataType": _NAMES[rule.type],
        "DeveloperOnlyAttribute": False,
        "Mutable": rule.is_mutable,
        "Required": rule.is_required,
    }
    if rule.type == "string":
        shown["StringAttributeConstraints"] = _told(rule, "MinLength", "MaxLength")
    elif rule.type == "number":
        shown["NumberAttributeConstraints"] = _told(rule, "MinValue", "MaxValue")
    return shown


def _told(rule: AttributeRule, least: str, most: str) -> dict[str, str]:
    bounds = {least: rule.least, most: rule.most}
    return {name: str(bound) for name, bound in bounds.items() if bound is not None}
