"""What the flows' values look like in the API's answers, and attributes the other way round."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from auth.flows.delivery import Delivery
from auth.user import User

AttributeList = list[dict[str, str]]


def timestamp(at: datetime) -> float:
    """Seconds since 1970 with milliseconds, as the JSON protocol of AWS has times."""
    return round(at.timestamp(), 3)


def attribute_list(attributes: Mapping[str, str]) -> AttributeList:
    return [{"Name": name, "Value": value} for name, value in attributes.items()]


def attributes_of(listed: Iterable[Mapping[str, Any]] | None) -> dict[str, str]:
    """What a client sent as a list of Name and Value. A Value that is missing is empty text, as at AWS: it deletes.

    Of two with one name the last one counts.
    """
    return {one["Name"]: one.get("Value") or "" for one in listed or ()}


def user_attributes(user: User) -> AttributeList:
    """All of them, with ``sub``, which is no attribute of ours but is one on the wire."""
    return attribute_list({"sub": user.sub, **dict(sorted(user.attributes.items()))})


def delivery(sent: Delivery) -> dict[str, str]:
    """``CodeDeliveryDetailsType``."""
    return {
        "Destination": sent.destination_masked,
        "DeliveryMedium": sent.medium,
        "AttributeName": sent.attribute,
    }


def user_type(user: User) -> dict[str, Any]:
    """``UserType``, as lists of users and AdminCreateUser have it. AdminGetUser calls the list ``UserAttributes``."""
    return {
        "Username": user.username,
        "Attributes": user_attributes(user),
        "UserCreateDate": timestamp(user.created_at),
        "UserLastModifiedDate": timestamp(user.updated_at),
        "Enabled": user.is_enabled,
        "UserStatus": user.status,
    }
