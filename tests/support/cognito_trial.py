"""One action of the Cognito API put to the proof: called by boto3 validly and invalidly, its effect seen by others.

Everything that is said on the way, by whichever action, is held against botocore's model.
"""

import itertools
import json
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest
from botocore import UNSIGNED, xform_name
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.session import Session

from auth.cognito import model
from tests.support.cognito_model import answer_problems, error_problems, operation
from tests.support.cognito_stand import KEY_ID, REGION, SECRET_KEY, CognitoStand
from tests.support.user_pool import PASSWORD

FLOWS = frozenset(
    {"code", "refresh", "srp", "password", "admin_password", "custom", "user_auth"}
)  # of the client
_numbers = itertools.count(1)
_session = Session()


class Trial:
    """:ivar name: of somebody or something that no other trial has.

    :ivar pool_id: of the stand, or of what the trial has made."""

    def __init__(self, stand: CognitoStand, clients: "Clients", action: str) -> None:
        self.stand = stand
        self.action = action
        self.name = f"trial{next(_numbers)}"
        self.email = f"{self.name}@example.com"
        self.others: list[str] = []
        self.pool_id = stand.pool_id
        self.has_acted = self.was_refused = False
        self._clients = clients

    # --- what is tried ---

    def act(self, **given: Any) -> dict[str, Any]:
        """The action itself, validly."""
        self.has_acted = True
        return self._said(self.action, given)

    def refused(self, code: str, **given: Any) -> str:
        """The action itself, invalidly. :returns: what it says."""
        with pytest.raises(ClientError) as refusal:
            self._said(self.action, given)
        answer = refusal.value.response["Error"]
        assert answer["Code"] == f"{code}Exception", answer
        self.was_refused = True
        return answer["Message"]

    def see(self, action: str, **given: Any) -> dict[str, Any]:
        """Another action that shows the effect, or that made what this one shows."""
        if action not in self.others:
            self.others.append(action)
        return self._said(action, given)

    def no_more(self, action: str, code: str, **given: Any) -> None:
        """Another action is refused, and that is the effect."""
        with pytest.raises(ClientError) as refusal:
            self.see(action, **given)
        answer = refusal.value.response["Error"]
        assert answer["Code"] == f"{code}Exception", answer

    @property
    def is_proven(self) -> bool:
        return self.has_acted and self.was_refused and bool(self.others)

    # --- who is there ---

    def person(self, **how: Any) -> str:
        """Confirmed, with PASSWORD. :returns: their user name."""
        return self.stand.people.add(self.name, email=self.email, **how).username

    def token(self) -> str:
        """Of a sign-in of whoever `person` made."""
        return self.stand.access_token(self.name)

    def attribute(self, name: str, value: str) -> list[dict[str, str]]:
        return [{"Name": name, "Value": value}]

    def shown(self, attributes: list[dict[str, str]]) -> dict[str, str]:
        return {one["Name"]: one["Value"] for one in attributes}

    def sign_in(self, password: str = PASSWORD) -> dict[str, Any]:
        """By InitiateAuth, seen."""
        asked = {"USERNAME": self.name, "PASSWORD": password}
        return self.see("InitiateAuth", AuthFlow="USER_PASSWORD_AUTH", AuthParameters=asked)

    def code(self) -> str:
        """In the newest mail to `email`."""
        return self.stand.people.code()

    # --- how it is said ---

    def _said(self, action: str, given: dict[str, Any]) -> dict[str, Any]:
        known = operation(action).input_shape.members
        own = {"UserPoolId": self.stand.pool_id, "ClientId": self.stand.client_id}
        needs = operation(action).input_shape.required_members
        filled = {name: value for name, value in own.items() if name in known and name in needs} | given
        return self._clients.call(action, filled)


class Clients:
    """boto3's, without its own look at the input, and with ours at the raw answer."""

    def __init__(self, stand: CognitoStand) -> None:
        self._raw: list[tuple[int, bytes]] = []
        self._public = self._client(stand.url, signed=False)
        self._admin = self._client(stand.admin_url, signed=True)

    def close(self) -> None:
        self._public.close()
        self._admin.close()

    def call(self, action: str, given: dict[str, Any]) -> dict[str, Any]:
        """:raises ClientError: the model knows. :raises AssertionError: what came does not fit the model."""
        client = self._public if action in model.PUBLIC else self._admin
        method: Callable[..., dict[str, Any]] = getattr(client, xform_name(action))
        self._raw.clear()
        try:
            answer = method(**given)
        except ClientError:
            ((status, body),) = self._raw
            _must_fit(action, error_problems(action, status, json.loads(body)))
            raise
        ((status, body),) = self._raw
        _must_fit(action, answer_problems(action, status, json.loads(body) if body else None))
        answer.pop("ResponseMetadata")
        return answer

    def _client(self, url: str, *, signed: bool) -> Any:
        how: dict[str, Any] = {} if signed else {"signature_version": UNSIGNED}
        client = _session.create_client(
            "cognito-idp",
            region_name=REGION,
            endpoint_url=url,
            aws_access_key_id=KEY_ID,
            aws_secret_access_key=SECRET_KEY,
            config=Config(
                retries={"total_max_attempts": 1}, parameter_validation=False, read_timeout=15, **how
            ),
        )
        client.meta.events.register("after-call.cognito-identity-provider", self._keep)
        return client

    def _keep(self, http_response: Any, **_: Any) -> None:
        self._raw.append((http_response.status_code, http_response.content))


def _must_fit(action: str, problems: list[str]) -> None:
    if problems:
        raise AssertionError(f"{action}: {'; '.join(problems)}")


def open_stand(folder: Any, held: ExitStack) -> tuple[CognitoStand, Clients]:
    """A stand whose pool has all that the actions are about."""
    stand = held.enter_context(
        CognitoStand(folder, client={"flows": FLOWS}, mfa="optional", self_sign_up=True, groups=("staff",))
    )
    clients = Clients(stand)
    held.callback(clients.close)
    return stand, clients


def minimal(action: str, pool_id: str) -> dict[str, Any]:
    """The least that the model lets through."""
    shape = operation(action).input_shape
    found = {name: _least(shape.members[name]) for name in shape.required_members}
    return found | ({"UserPoolId": pool_id} if "UserPoolId" in found else {})


def _least(shape: Any) -> Any:
    if shape.type_name == "structure":
        return {name: _least(shape.members[name]) for name in shape.required_members}
    return {"list": [], "map": {}, "boolean": False, "integer": 1, "long": 1}.get(
        shape.type_name, shape.enum[0] if getattr(shape, "enum", None) else "x" * shape.metadata.get("min", 1)
    )
