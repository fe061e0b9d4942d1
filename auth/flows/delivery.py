"""Where a code went, as a stranger may know it."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """:param destination_masked: ``t***@e***``."""

    destination_masked: str
    attribute: Literal["email", "phone_number"] = "email"
    medium: Literal["EMAIL", "SMS"] = "EMAIL"
