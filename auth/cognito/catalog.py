"""All actions that are built: the ``ACTIONS`` of the modules in `auth.cognito.actions`. One import and one name each."""

from collections.abc import Iterable, Mapping
from types import ModuleType

from auth.cognito.action import Action
from auth.cognito.actions import whoami

MODULES: tuple[ModuleType, ...] = (whoami,)


def catalog(modules: Iterable[ModuleType] = MODULES) -> Mapping[str, Action]:
    """By name. :raises ValueError: two modules have an action of one name."""
    found: dict[str, Action] = {}
    for module in modules:
        for action in module.ACTIONS:
            if action.name in found:
                raise ValueError(f"{action.name} is in {module.__name__} and in another module")
            found[action.name] = action
    return found
