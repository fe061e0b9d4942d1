"""Lines of people: the examples of docs/moving-users.md are such lines, and each field says what is wrong with it."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from auth.core.srp import N
from auth.flows.moving import NotAdmitted
from auth.user import MfaPreference
from lockgate.moving.record import arrival_of

_DOCS = Path(__file__).parents[3] / "docs/moving-users.md"


def read(**fields: Any) -> Any:  # Any: of an Arrival's many fields
    return arrival_of(json.dumps(fields).encode())


def test_examples_of_the_documentation_are_lines() -> None:
    (block,) = re.findall(r"```json\n(.*?)```", _DOCS.read_text(), re.DOTALL)
    names = [arrival_of(line.encode()).username for line in block.splitlines()]
    assert names == ["ada", "bob"]


def test_every_field_is_documented() -> None:
    from lockgate.moving.record import _FIELDS

    text = _DOCS.read_text()
    assert [name for name in _FIELDS if f"`{name}`" not in text] == []


def test_values_of_other_systems_are_taken() -> None:
    arrival = read(
        attributes={"email_verified": True, "custom:seats": 12, "name": None},
        created_at=1_556_971_200,
        updated_at="2019-05-04T14:00:00+02:00",
        totp_secret="jbsw y3dp ehpk 3pxp",
        mfa={"enabled": ["EMAIL_OTP"]},
        password_hash=None,
    )
    assert arrival.attributes == {"email_verified": "true", "custom:seats": "12"}
    assert arrival.created_at == arrival.updated_at == datetime(2019, 5, 4, 12, tzinfo=UTC)
    assert arrival.totp_secret == b"Hello!\xde\xad\xbe\xef"
    assert arrival.mfa == MfaPreference(enabled=frozenset({"EMAIL_OTP"}))
    assert arrival.password_hash is None


SRP = {"pool": "Main00001", "user_id": "ada", "salt": "a1b2c", "verifier": "7"}


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        pytest.param({"pasword_hash": "x"}, "pasword_hash", id="misspelt"),
        pytest.param({"username": 7}, "username", id="number"),
        pytest.param({"enabled": "true"}, "enabled", id="text-for-boolean"),
        pytest.param({"status": "ACTIVE"}, "status", id="status"),
        pytest.param({"attributes": ["email"]}, "attributes", id="attributes"),
        pytest.param({"attributes": {"address": {"street": "x"}}}, "attributes.address", id="nested"),
        pytest.param({"groups": "admins"}, "groups", id="groups"),
        pytest.param({"mfa": {"enabled": ["SMS_MFA"]}}, "mfa.enabled", id="sms"),
        pytest.param({"mfa": {"on": True}}, "mfa.on", id="mfa-field"),
        pytest.param({"created_at": "yesterday"}, "created_at", id="moment"),
        pytest.param({"created_at": "2019-05-04T12:00:00"}, "created_at", id="no-zone"),
        pytest.param({"created_at": -1}, "created_at", id="before-1970"),
        pytest.param({"created_at": 10**14}, "created_at", id="milliseconds"),
        pytest.param({"created_at": True}, "created_at", id="boolean-for-moment"),
        pytest.param({"totp_secret": "01890"}, "totp_secret", id="base32"),
        pytest.param({"srp": {**SRP, "verifier": "xyz"}}, "srp.verifier", id="srp-hex"),
        pytest.param({"srp": {**SRP, "verifier": "0"}}, "srp.verifier", id="srp-zero"),
        pytest.param({"srp": {**SRP, "verifier": f"{N:x}"}}, "srp.verifier", id="srp-n"),
        pytest.param({"srp": {"pool": "Main00001"}}, "srp.", id="srp-missing"),
    ],
)
def test_what_is_wrong_is_told_by_field(fields: dict[str, Any], where: str) -> None:
    """B9: a verifier is a number that a proof can be of. Twin: the whole one is taken."""
    with pytest.raises(NotAdmitted) as caught:
        read(**fields)
    assert caught.value.where.startswith(where)
    assert caught.value.what.endswith(".")
    assert caught.value.instead
    assert read(srp=SRP).srp.verifier.verifier == 7
