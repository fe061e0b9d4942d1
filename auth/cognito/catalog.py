"""All actions: the ``ACTIONS`` of the modules in `auth.cognito.actions`, and a refusal for each that nobody built.

A module of theirs needs one import and one name here.
"""

from collections.abc import Iterable, Mapping
from types import ModuleType

from auth.cognito import model
from auth.cognito.action import Action
from auth.cognito.actions import (
    account,
    admin_sign_in,
    admin_users,
    client_secrets,
    clients,
    devices,
    domains,
    groups,
    passwords,
    pool_extras,
    pool_mfa,
    pools,
    resource_servers,
    second_factors,
    sign_in,
    sign_up,
    tags,
    tokens,
    user_list,
)

MODULES: tuple[ModuleType, ...] = (
    account,
    admin_sign_in,
    admin_users,
    groups,
    client_secrets,
    clients,
    devices,
    domains,
    passwords,
    pool_extras,
    pool_mfa,
    pools,
    resource_servers,
    second_factors,
    sign_in,
    sign_up,
    user_list,
    tags,
    tokens,
)


def built(modules: Iterable[ModuleType] = MODULES) -> Mapping[str, Action]:
    """By name. :raises ValueError: the model has no such action, or two modules have it."""
    found: dict[str, Action] = {}
    for module in modules:
        for action in module.ACTIONS:
            if action.name in found or action.name not in model.ACTIONS:
                raise ValueError(f"{action.name} of {module.__name__}: it is another's, or nobody's")
            found[action.name] = action
    return found


def catalog(modules: Iterable[ModuleType] = MODULES) -> Mapping[str, Action]:
    """By name: all that the model has."""
    return {name: model.unsupported(name) for name in model.ACTIONS} | dict(built(modules))
