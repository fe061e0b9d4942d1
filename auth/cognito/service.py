"""The API over HTTP: which action, who may ask, what it says; and its work on a lane. It knows no rule of the pool.

In order: the target, the audience of the listener, the signature, the body, its shape, the action. No state.
"""

import logging
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from auth.audit import Audit, Result, acting_as
from auth.cognito import answers
from auth.cognito.action import Action, Answer, Call
from auth.cognito.asking import ASKING
from auth.cognito.body import parse_body, read_body
from auth.cognito.catalog import catalog
from auth.cognito.refusals import SerializationRefused, UnknownOperation, WebPage
from auth.cognito.shapes import WrongType
from auth.cognito.signatures import Signatures, signer
from auth.core.steps import Origin
from auth.errors import AuthError, InvalidParameter, ResourceNotFound
from auth.identity import Identity
from auth.pool import Pool
from kit.host_guard import HostGuard
from kit.sigv4 import PresentedSignature

TARGET: Final = "AWSCognitoIdentityProviderService"
PATH: Final = "/"
PUBLIC_BODY_BYTES: Final = 64 * 1024  # the longest: a sign-up with 25 attributes of 2 KiB
ADMIN_BODY_BYTES: Final = 1024 * 1024  # a pool with all its texts, each 20 000 characters
MAX_PROBLEMS: Final = 20  # of one refusal: enough to mend, not a way to be sent megabytes

log = logging.getLogger("lockgate.auth.cognito")


@dataclass(frozen=True, slots=True, kw_only=True)
class Operators:
    """Who may ask for admin actions. :param guard: keeps web pages away from a listener on loopback."""

    signatures: Signatures
    guard: HostGuard


@dataclass(frozen=True, slots=True, kw_only=True)
class CognitoApi:
    """:param operators: None: this is the public listener, which has only public actions.

    :param actions: by name.
    """

    identity: Identity
    operators: Operators | None = None
    actions: Mapping[str, Action] = field(default_factory=catalog)

    def routes(self) -> list[BaseRoute]:
        """For an `auth.app.Door`. Its bound of bodies, which answers in plain words, is lifted: `read_body` counts."""
        methods = ["GET", "POST", "OPTIONS"]  # a page that somebody looks for there is not found
        return [Route(PATH, self.answer, methods=methods, max_body_size=sys.maxsize)]

    async def answer(self, request: Request) -> Response:
        """Whatever it is. Only a public listener says that pages may call (A27)."""
        if self.operators is None and request.method == "OPTIONS":
            return Response(status_code=204, headers=answers.PREFLIGHT)
        if request.method != "POST":
            raise HTTPException(404)
        try:
            response = answers.answered(await self._answer(request))
        except AuthError as error:
            response = answers.refused(error)
        except ClientDisconnect:
            raise
        except Exception:
            log.exception("a call of %s failed", request.scope["state"].get("action"))
            response = answers.fault()
        if self.operators is None:
            response.headers.update(answers.CORS)
        return response

    @property
    def _limit_bytes(self) -> int:
        return PUBLIC_BODY_BYTES if self.operators is None else ADMIN_BODY_BYTES

    async def _answer(self, request: Request) -> Answer | None:
        action = self._action(request)
        request.scope["state"]["action"] = action.name  # for whoever counts: from our own table (L3)
        presented = self._presented(request, action)
        body = await read_body(request, self._limit_bytes)
        actor = "" if presented is None else f"key:{signer(presented, body)}"
        given = parse_body(body)
        check_shape(action, given)
        call = Call(
            identity=self.identity,
            input=given,
            origin=Origin(address=self.identity.address_of(request), client_metadata=_metadata(given)),
            now=self.identity.clock(),
            actor=actor,
        )
        lane = self.identity.lane_for(self._pool(given), action.lane, asks=action.name in ASKING)
        return await lane.run(self._work, action, call)

    def _action(self, request: Request) -> Action:
        """:raises UnknownOperation: nobody has it, or this listener has not."""
        if self.operators is not None:
            self._guard(request)
        targets = request.headers.getlist("x-amz-target")
        service, _, name = targets[0].rpartition(".") if len(targets) == 1 else ("", "", "")
        action = self.actions.get(name)
        if service != TARGET or action is None:
            raise UnknownOperation()
        if self.operators is None and action.audience != "public":  # P5
            raise UnknownOperation()
        return action

    def _guard(self, request: Request) -> None:
        assert self.operators is not None
        refusal = self.operators.guard.refusal(request.scope["headers"])
        if refusal is not None:
            raise WebPage(refusal)

    def _presented(self, request: Request, action: Action) -> PresentedSignature | None:
        """:returns: what is still to be compared; None: a public action, which AWS's clients do not sign."""
        if action.audience == "public":
            return None
        assert self.operators is not None  # or `_action` would not know it
        return self.operators.signatures.read(request)  # P5

    def _pool(self, given: Mapping[str, Any]) -> Pool | None:
        """For the choice of a lane only: None where it takes a look at a token or a name that nobody has."""
        directory = self.identity.directory
        pool_id, client_id = given.get("UserPoolId"), given.get("ClientId")
        try:
            if isinstance(client_id, str):
                return directory.pool(directory.client(client_id).pool_id)
            return directory.pool(pool_id) if isinstance(pool_id, str) else None
        except ResourceNotFound:
            return None

    def _work(self, action: Action, call: Call) -> Answer | None:
        """On a lane."""
        self.identity.directory.refresh(call.now)
        with acting_as(call.actor):
            try:
                answer = action.run(call)
            except AuthError:
                self._record(action, call, "refused")
                raise
            self._record(action, call, "ok")
            return answer

    def _record(self, action: Action, call: Call, result: Result) -> None:
        """Who has called what (L4): the flows below say themselves what came of it."""
        if action.audience == "public":
            return
        pool = self._pool(call.input)
        Audit(self.identity.store.audit).record(
            "api_called",
            result,
            call.now,
            pool_id="" if pool is None else pool.pool_id,
            actor=call.actor,
            target=action.name,
            origin=call.origin,
        )


def check_shape(action: Action, given: Mapping[str, Any]) -> None:
    """:raises SerializationRefused: a member is of another type than the model says.

    :raises InvalidParameter: it breaks a constraint; all that it breaks, in AWS's words.
    """
    try:
        problems = list(islice(action.input.problems(given, ""), MAX_PROBLEMS))
    except WrongType as error:
        raise SerializationRefused(str(error)) from error
    if problems:
        errors = "error" if len(problems) == 1 else "errors"
        raise InvalidParameter(f"{len(problems)} validation {errors} detected: {'; '.join(problems)}")


def _metadata(given: Mapping[str, Any]) -> Mapping[str, str]:
    found = given.get("ClientMetadata")
    if not isinstance(found, dict):
        return {}
    return {name: value for name, value in found.items() if isinstance(value, str)}
