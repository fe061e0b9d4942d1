"""Which second factors somebody will be asked for, after what they, or an operator, have just said. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from auth.errors import InvalidParameter
from auth.pool import MfaKind, Pool
from auth.user import MfaMethod, MfaPreference, User

_KINDS: Mapping[MfaMethod, MfaKind] = {"SOFTWARE_TOKEN_MFA": "software_token", "EMAIL_OTP": "email"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """:param is_preferred: it is the one that is asked for; False: it is not, whatever it was before."""

    is_on: bool
    is_preferred: bool = False


def chosen(
    pool: Pool, user: User, wishes: Mapping[MfaMethod, Switch], *, by_operator: bool = False
) -> MfaPreference:
    """:param wishes: methods that are not in it stay as they are.

    :raises InvalidParameter: the user has not set that up, the pool has it not, or asks for one at least.
    """
    enabled, preferred = set(user.mfa.enabled), user.mfa.preferred
    if len([switch for switch in wishes.values() if switch.is_preferred]) > 1:
        raise InvalidParameter("Only one MFA method can be preferred.")
    for method, switch in wishes.items():
        if switch.is_preferred and not switch.is_on:
            raise InvalidParameter(f"{method} is not enabled, so it cannot be preferred.")
        if switch.is_on:
            _require_usable(pool, user, method)
            enabled.add(method)
        else:
            enabled.discard(method)
        if switch.is_preferred:
            preferred = method
        elif preferred == method:
            preferred = None
    if pool.mfa == "required" and not enabled and not by_operator:
        raise InvalidParameter("MFA cannot be turned off: the user pool requires it.")
    return MfaPreference(enabled=frozenset(enabled), preferred=preferred)


def _require_usable(pool: Pool, user: User, method: MfaMethod) -> None:
    if _KINDS[method] not in pool.mfa_kinds:
        raise InvalidParameter(f"{method} is not enabled for the user pool.")
    if method == "SOFTWARE_TOKEN_MFA" and not user.has_software_token:
        raise InvalidParameter("User has not verified software token mfa")
    if method == "EMAIL_OTP" and not user.is_verified("email"):
        raise InvalidParameter("User does not have a verified email.")
