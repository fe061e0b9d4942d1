"""Actions that answer as a pool answers which has none of what they are about: there is no effect to be seen."""

from collections.abc import Callable

from tests.support.cognito_proofs.management import a_pool
from tests.support.cognito_trial import Trial

KEY = "us-east-1_4f3a1c7e-0d2b-4a55-9c1e-5d2f8f6b7a10"
Check = Callable[[Trial], None]


def no_device_of_mine(trial: Trial) -> None:
    trial.person()
    trial.refused("ResourceNotFound", AccessToken=trial.token(), DeviceKey=KEY)


def no_device_of_theirs(trial: Trial) -> None:
    trial.person()
    trial.refused("ResourceNotFound", Username=trial.name, DeviceKey=KEY)
    trial.refused("UserNotFound", Username=f"{trial.name}b", DeviceKey=KEY)


def no_device_to_show(trial: Trial) -> None:
    trial.person()
    assert trial.refused("ResourceNotFound", Username=trial.name, DeviceKey=KEY) == "Device does not exist."
    refused = trial.refused("ResourceNotFound", Username=f"{trial.name}b", DeviceKey=KEY)
    assert refused == "User does not exist."


def no_devices(trial: Trial) -> None:
    trial.person()
    assert trial.act(AccessToken=trial.token())["Devices"] == []
    trial.refused("NotAuthorized", AccessToken="e30.e30.e30")


def none_of_their_devices(trial: Trial) -> None:
    trial.person()
    assert trial.act(Username=trial.name)["Devices"] == []
    trial.refused("ResourceNotFound", Username=f"{trial.name}b")


def no_providers(trial: Trial) -> None:
    assert trial.act(UserPoolId=a_pool(trial))["Providers"] == []
    trial.refused("ResourceNotFound", UserPoolId="us-east-1_Nobody000")


def no_text_messages(trial: Trial) -> None:
    trial.person()
    token = trial.token()
    trial.act(AccessToken=token, MFAOptions=[])
    wanted = [{"DeliveryMedium": "SMS", "AttributeName": "phone_number"}]
    trial.refused("InvalidParameter", AccessToken=token, MFAOptions=wanted)


def same_domain(trial: Trial) -> None:
    pool = a_pool(trial)
    trial.see("CreateUserPoolDomain", UserPoolId=pool, Domain=trial.name)
    assert trial.act(UserPoolId=pool, Domain=trial.name)["CloudFrontDomain"]
    trial.refused("ResourceNotFound", UserPoolId=pool, Domain=f"{trial.name}b")


_NONE = "`ResourceNotFoundException`: Device does not exist."
PLAIN: dict[str, tuple[Check, str]] = {
    **dict.fromkeys(
        ("ConfirmDevice", "GetDevice", "ForgetDevice", "UpdateDeviceStatus"), (no_device_of_mine, _NONE)
    ),
    **dict.fromkeys(("AdminForgetDevice", "AdminUpdateDeviceStatus"), (no_device_of_theirs, _NONE)),
    "AdminGetDevice": (no_device_to_show, _NONE),
    "ListDevices": (no_devices, "none: devices are not remembered"),
    "AdminListDevices": (none_of_their_devices, "none: devices are not remembered"),
    "ListIdentityProviders": (no_providers, "none: there is no federation"),
    "SetUserSettings": (no_text_messages, "an empty list is taken: this server sends no text messages"),
    "UpdateUserPoolDomain": (same_domain, "the domain as it is: it has no settings"),
}
