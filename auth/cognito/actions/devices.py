"""Remembered devices, as a pool without device tracking has them: none."""

from collections.abc import Mapping
from typing import Final

from auth.cognito.action import Action, Answer, Call
from auth.cognito.actions.sign_in import POOL_ID
from auth.cognito.caller import pool_of, signed_in
from auth.cognito.shapes import Shape, Structure, Text, Whole
from auth.errors import ResourceNotFound, UserNotFound
from auth.flows.people import known

_TOKEN: Final = Text(pattern=r"[A-Za-z0-9-_=.]+", shows=False)
_KEY: Final = Text(min=1, max=55, pattern=r"[\w-]+_[0-9a-f-]+")
_USERNAME: Final = Text(min=1, max=128)
_STATUS: Final = Text(values=("remembered", "not_remembered"))
_PAGE: Final[Mapping[str, Shape]] = {"Limit": Whole(min=0, max=60), "PaginationToken": Text(min=1)}


def none_of_mine(call: Call) -> Answer:
    signed_in(call)
    raise ResourceNotFound("Device does not exist.")


def list_mine(call: Call) -> Answer:
    signed_in(call)
    return {"Devices": []}


def none_of_theirs(call: Call) -> Answer:
    known(call.identity.store.users, pool_of(call), call.text("Username"))
    raise ResourceNotFound("Device does not exist.")


def none_of_theirs_to_show(call: Call) -> Answer:
    _known_resource(call)
    raise ResourceNotFound("Device does not exist.")


def list_theirs(call: Call) -> Answer:
    _known_resource(call)
    return {"Devices": []}


def _known_resource(call: Call) -> None:
    """The two actions that only look have no UserNotFoundException in AWS's model."""
    try:
        known(call.identity.store.users, pool_of(call), call.text("Username"))
    except UserNotFound as error:
        raise ResourceNotFound("User does not exist.") from error


_MINE: Final[Mapping[str, Shape]] = {"AccessToken": _TOKEN, "DeviceKey": _KEY}
_THEIRS: Final[Mapping[str, Shape]] = {"UserPoolId": POOL_ID, "Username": _USERNAME, "DeviceKey": _KEY}
_STATUS_TOO: Final[Mapping[str, Shape]] = {"DeviceRememberedStatus": _STATUS}
_WHO: Final = ("UserPoolId", "Username")

ACTIONS = (
    *(
        Action(name=name, audience="public", input=Structure(members=members, needs=needs), run=none_of_mine)
        for name, members, needs in (
            ("ConfirmDevice", _MINE, ("AccessToken", "DeviceKey")),
            ("GetDevice", _MINE, ("DeviceKey",)),
            ("ForgetDevice", _MINE, ("DeviceKey",)),
            ("UpdateDeviceStatus", {**_MINE, **_STATUS_TOO}, ("AccessToken", "DeviceKey")),
        )
    ),
    Action(
        name="ListDevices",
        audience="public",
        input=Structure(members={"AccessToken": _TOKEN, **_PAGE}, needs=("AccessToken",)),
        run=list_mine,
    ),
    Action(
        name="AdminGetDevice",
        audience="admin",
        input=Structure(members=_THEIRS, needs=(*_WHO, "DeviceKey")),
        run=none_of_theirs_to_show,
    ),
    *(
        Action(name=name, audience="admin", input=Structure(members=members, needs=needs), run=none_of_theirs)
        for name, members, needs in (
            ("AdminForgetDevice", _THEIRS, (*_WHO, "DeviceKey")),
            ("AdminUpdateDeviceStatus", {**_THEIRS, **_STATUS_TOO}, (*_WHO, "DeviceKey")),
        )
    ),
    Action(
        name="AdminListDevices",
        audience="admin",
        input=Structure(members={"UserPoolId": POOL_ID, "Username": _USERNAME, **_PAGE}, needs=_WHO),
        run=list_theirs,
    ),
)
