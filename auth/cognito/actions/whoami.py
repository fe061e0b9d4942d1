"""GetUser: what somebody's access token says about them."""

from typing import Any

from auth.cognito.action import Action, Answer, Call
from auth.cognito.caller import signed_in
from auth.cognito.shapes import Structure, Text
from auth.cognito.wire import user_attributes

ACCESS_TOKEN = Text(pattern=r"[A-Za-z0-9-_=.]+", shows=False)


def get_user(call: Call) -> Answer:
    user = signed_in(call).user
    answer: dict[str, Any] = {"Username": user.username, "UserAttributes": user_attributes(user)}
    if user.mfa.enabled:
        answer["UserMFASettingList"] = sorted(user.mfa.enabled)
    if user.mfa.preferred:
        answer["PreferredMfaSetting"] = user.mfa.preferred
    return answer


ACTIONS = (
    Action(
        name="GetUser",
        audience="public",
        input=Structure(members={"AccessToken": ACCESS_TOKEN}, needs=("AccessToken",)),
        run=get_user,
    ),
)
