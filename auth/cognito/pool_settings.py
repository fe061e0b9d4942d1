"""A pool out of what CreateUserPool and UpdateUserPool are given. What is left out is at Cognito's default.

An update replaces all settings, as at Cognito; but what it does not say of protection, second factors, name and tags
stays, for nobody means to weaken a pool by leaving that out.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, cast

from auth.cognito.pool_schema import rules_of
from auth.cognito.pool_shapes import TRIGGERS
from auth.cognito.unsupported import POOL_SETTINGS, refuse_unsupported, unsupported
from auth.errors import InvalidParameter
from auth.flows.triggers import TriggerName
from auth.pool import (
    CharacterKind,
    ClaimsEvent,
    FirstFactor,
    Lifetimes,
    MfaMode,
    PasswordPolicy,
    Pool,
    RecoveryWay,
    SignInName,
)
from kit.names import Names

Given = Mapping[str, Any]
MFA_MODES: Final[Mapping[str, MfaMode]] = {"OFF": "none", "OPTIONAL": "optional", "ON": "required"}
REQUIRED_KINDS: Final[Mapping[str, CharacterKind]] = {
    "RequireUppercase": "upper",
    "RequireLowercase": "lower",
    "RequireNumbers": "digit",
    "RequireSymbols": "symbol",
}
CLAIMS_EVENTS: Final[Mapping[str, ClaimsEvent]] = {"V1_0": "1", "V2_0": "2", "V3_0": "3"}
ADDRESSES: Final[Mapping[str, SignInName]] = {"email": "email", "phone_number": "phone"}
_DAY_S: Final = 86_400.0
_TEMPORARY_DAYS: Final = 7


def new_pool(given: Given, names: Names) -> Pool:
    """:raises UnsupportedOperation, InvalidParameter: a setting cannot be that."""
    bare = Pool(
        pool_id="",
        name=given["PoolName"],
        source="api",
        sign_in_with=_sign_in_names(given),
        is_case_sensitive=(given.get("UsernameConfiguration") or {}).get("CaseSensitive") is not False,
        lifetimes=Lifetimes(refresh_grace_s=0.0),
    )
    standard, own = rules_of(given.get("Schema"))
    return changed_pool(replace(bare, standard=standard, attributes=own), given, names)


def changed_pool(pool: Pool, given: Given, names: Names) -> Pool:
    """As `new_pool`, over *pool*; its schema, and how people sign in, are as they were."""
    refuse_unsupported(given, POOL_SETTINGS)
    triggers, claims_event = _triggers(given.get("LambdaConfig") or {}, names)
    mfa = given.get("MfaConfiguration")
    protection = given.get("DeletionProtection")
    tags = given.get("UserPoolTags")
    admin = given.get("AdminCreateUserConfig") or {}
    return replace(
        pool,
        name=given.get("PoolName") or pool.name,
        password=_password(given, admin),
        first_factors=_first_factors(given),
        self_sign_up=not admin.get("AllowAdminCreateUserOnly"),
        auto_verified=_auto_verified(given),
        recovery=_recovery(given),
        mfa=pool.mfa if mfa is None else MFA_MODES[mfa],
        is_protected=pool.is_protected if protection is None else protection == "ACTIVE",
        triggers=triggers,
        claims_event=claims_event,
        added=pool.added if tags is None else replace(pool.added, tags=_tags(tags)),
    )


def _tags(given: Given) -> dict[str, str]:
    return {name: text for name, text in given.items() if text is not None}


def _sign_in_names(given: Given) -> frozenset[SignInName]:
    names, aliases = given.get("UsernameAttributes") or (), given.get("AliasAttributes") or ()
    if names and aliases:
        raise InvalidParameter(
            "Only one of the aliasAttributes or usernameAttributes can be set in a user pool."
        )
    if "preferred_username" in aliases:
        raise unsupported("AliasAttributes preferred_username", "People sign in with a name that stays.")
    if names:
        return frozenset(ADDRESSES[name] for name in names)
    return frozenset({"username", *(ADDRESSES[name] for name in aliases)})


def _password(given: Given, admin: Given) -> PasswordPolicy:
    policy = (given.get("Policies") or {}).get("PasswordPolicy")
    unused_days = admin.get("UnusedAccountValidityDays")
    # Without a policy, Cognito's: 8 characters of each kind.
    told = dict.fromkeys(REQUIRED_KINDS, True) if policy is None else policy
    days = told.get("TemporaryPasswordValidityDays")
    if days is None:
        days = _TEMPORARY_DAYS if unused_days is None else unused_days
    elif unused_days not in (None, days):
        raise InvalidParameter(
            "UnusedAccountValidityDays and TemporaryPasswordValidityDays differ: give the second one only."
        )
    return PasswordPolicy(
        min_length=told.get("MinimumLength") or 8,
        require=frozenset(kind for name, kind in REQUIRED_KINDS.items() if told.get(name)),
        temporary_s=(days or _TEMPORARY_DAYS) * _DAY_S,
        history=_history(told),
    )


def _history(told: Given) -> int:
    if told.get("PasswordHistorySize"):
        raise unsupported("Policies.PasswordPolicy.PasswordHistorySize", "Earlier passwords are not kept.")
    return 0


def _first_factors(given: Given) -> tuple[FirstFactor, ...]:
    policy = (given.get("Policies") or {}).get("SignInPolicy") or {}
    factors = policy.get("AllowedFirstAuthFactors") or ["PASSWORD"]
    for factor in factors:
        if factor not in ("PASSWORD", "EMAIL_OTP"):
            raise unsupported(f"AllowedFirstAuthFactors {factor}", "There are PASSWORD and EMAIL_OTP.")
    if "PASSWORD" not in factors:
        raise InvalidParameter("AllowedFirstAuthFactors must include PASSWORD.")
    return tuple(cast("FirstFactor", factor) for factor in dict.fromkeys(factors))


def _auto_verified(given: Given) -> frozenset[str]:
    addresses = frozenset(given.get("AutoVerifiedAttributes") or ())
    if "phone_number" in addresses:
        raise unsupported("AutoVerifiedAttributes phone_number", "This server sends no text messages.")
    return addresses


def _recovery(given: Given) -> tuple[RecoveryWay, ...]:
    """Phone numbers may stand beside mail addresses: nobody has a verified one, so mail is what is used."""
    setting = given.get("AccountRecoverySetting")
    if not setting or not setting.get("RecoveryMechanisms"):
        return ("verified_email", "verified_phone_number")
    listed = sorted(setting["RecoveryMechanisms"], key=lambda each: int(each["Priority"]))
    if len({each["Priority"] for each in listed}) < len(listed):
        raise InvalidParameter("Account Recovery Setting cannot have two mechanisms of one priority.")
    ways = tuple(cast("RecoveryWay", each["Name"]) for each in listed)
    if len(set(ways)) < len(ways) or ("admin_only" in ways and len(ways) > 1):
        raise InvalidParameter(
            "Account Recovery Setting cannot use admin_only setting with any other recovery mechanisms."
        )
    if ways == ("verified_phone_number",):
        raise unsupported(
            "AccountRecoverySetting verified_phone_number alone", "This server sends no text messages."
        )
    return ways


def _triggers(given: Given, names: Names) -> tuple[dict[str, str], ClaimsEvent]:
    triggers: dict[str, str] = {
        trigger_name(name): _function(name, given[name], names) for name in TRIGGERS if given.get(name)
    }
    versioned = given.get("PreTokenGenerationConfig")
    if not versioned:
        return triggers, "1"
    arn = _function("PreTokenGenerationConfig", versioned["LambdaArn"], names)
    if triggers.setdefault("pre_token_generation", arn) != arn:
        raise InvalidParameter("PreTokenGeneration and PreTokenGenerationConfig name different functions.")
    return triggers, CLAIMS_EVENTS[versioned["LambdaVersion"]]


def trigger_name(name: str) -> TriggerName:
    """``PreSignUp`` → ``pre_sign_up``."""
    words = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
    return cast("TriggerName", words.removeprefix("_"))


def _function(name: str, arn: str, names: Names) -> str:
    """:raises InvalidParameter: it is no function of this server's account and region."""
    if not arn.startswith(names.function_arn("")):
        raise InvalidParameter(
            f"LambdaConfig.{name}: {arn[:200]} is no function of this server: "
            f"its functions are {names.function_arn('NAME')}."
        )
    return arn
