"""A pool as the API describes it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from auth.cognito.pool_schema import schema_answer
from auth.cognito.pool_settings import ADDRESSES, CLAIMS_EVENTS, MFA_MODES, REQUIRED_KINDS, trigger_name
from auth.cognito.pool_shapes import TRIGGERS
from auth.cognito.wire import timestamp
from auth.pool import Pool
from kit.names import Names

MODES: Final = {mode: name for name, mode in MFA_MODES.items()}
_VERSIONS: Final = {event: version for version, event in CLAIMS_EVENTS.items()}
_DAY_S: Final = 86_400


def times(created_at: datetime | None, updated_at: datetime | None) -> dict[str, float]:
    found = {"CreationDate": created_at, "LastModifiedDate": updated_at}
    return {name: timestamp(at) for name, at in found.items() if at is not None}


def pool_listed(pool: Pool, names: Names) -> dict[str, Any]:
    """``UserPoolDescriptionType``."""
    return {
        "Id": pool.pool_id,
        "Name": pool.name,
        "LambdaConfig": _lambdas(pool, names),
        **times(pool.created_at, pool.updated_at),
    }


def pool_answer(pool: Pool, names: Names, people: int) -> dict[str, Any]:
    """``UserPoolType``. :param people: how many there are."""
    answer = {
        **pool_listed(pool, names),
        "Policies": _policies(pool),
        "DeletionProtection": "ACTIVE" if pool.is_protected else "INACTIVE",
        "SchemaAttributes": schema_answer(pool),
        "VerificationMessageTemplate": {"DefaultEmailOption": "CONFIRM_WITH_CODE"},
        "UserAttributeUpdateSettings": {"AttributesRequireVerificationBeforeUpdate": []},
        "MfaConfiguration": MODES[pool.mfa],
        "EstimatedNumberOfUsers": people,
        "EmailConfiguration": {"EmailSendingAccount": "COGNITO_DEFAULT"},
        "UserPoolTags": dict(pool.added.tags),
        "AdminCreateUserConfig": {
            "AllowAdminCreateUserOnly": not pool.self_sign_up,
            "UnusedAccountValidityDays": _temporary_days(pool),
        },
        "UsernameConfiguration": {"CaseSensitive": pool.is_case_sensitive},
        "Arn": names.user_pool_arn(pool.pool_id),
        "AccountRecoverySetting": {
            "RecoveryMechanisms": [
                {"Priority": priority, "Name": way} for priority, way in enumerate(pool.recovery, 1)
            ]
        },
        "UserPoolTier": "ESSENTIALS",
    }
    return answer | _addresses(pool) | ({"Domain": pool.added.domain} if pool.added.domain else {})


def _policies(pool: Pool) -> dict[str, Any]:
    return {
        "PasswordPolicy": {
            "MinimumLength": pool.password.min_length,
            **{name: kind in pool.password.require for name, kind in REQUIRED_KINDS.items()},
            "TemporaryPasswordValidityDays": _temporary_days(pool),
        },
        "SignInPolicy": {"AllowedFirstAuthFactors": list(pool.first_factors)},
    }


def _temporary_days(pool: Pool) -> int:
    """A file may say hours; the API knows days."""
    return max(1, round(pool.password.temporary_s / _DAY_S))


def _addresses(pool: Pool) -> dict[str, list[str]]:
    signs_in = [name for name, kind in ADDRESSES.items() if kind in pool.sign_in_with]
    found = {"AliasAttributes" if "username" in pool.sign_in_with else "UsernameAttributes": signs_in}
    found["AutoVerifiedAttributes"] = sorted(pool.auto_verified)
    return {name: each for name, each in found.items() if each}


def _lambdas(pool: Pool, names: Names) -> dict[str, Any]:
    found: dict[str, Any] = {
        name: _arn(pool.triggers[trigger_name(name)], names)
        for name in TRIGGERS
        if trigger_name(name) in pool.triggers
    }
    if pool.claims_event != "1":
        found["PreTokenGenerationConfig"] = {
            "LambdaVersion": _VERSIONS[pool.claims_event],
            "LambdaArn": found["PreTokenGeneration"],
        }
    return found


def _arn(function: str, names: Names) -> str:
    """A file names functions of its own."""
    return function if function.startswith("arn:") else names.function_arn(*function.split(":", 1))


def mfa_answer(pool: Pool) -> Mapping[str, Any]:
    answer: dict[str, Any] = {"MfaConfiguration": MODES[pool.mfa]}
    if pool.mfa != "none":
        answer["SoftwareTokenMfaConfiguration"] = {"Enabled": "software_token" in pool.mfa_kinds}
        if "email" in pool.mfa_kinds:
            answer["EmailMfaConfiguration"] = {}
    return answer
