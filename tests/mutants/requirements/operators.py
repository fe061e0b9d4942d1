# ruff: noqa: E501  # a table: one line of code an entry
"""P5: what only operators may do, and where."""

from tests.mutants.requirement import Line, Requirement

COGNITO = "auth/cognito"
SERVICE = "tests/unit/auth/cognito/test_service.py"
ADMIN = "tests/unit/lockgate/test_admin_actions.py"

# fmt: off
P5 = Requirement(
    id="P5",
    title="What operators do is for operators",
    promise="Admin actions of the Cognito API are unknown to the public listener, whatever signs them. The control and admin listeners, on loopback unless told otherwise, take them signed "
    "with the state's key over action and body; no user's token helps there, and no web page gets that far. Each call is written down with its key.",
    lines=(
        Line(holds="none on the public listener", file=f"{COGNITO}/service.py", old='        if self.operators is None and action.audience != "public":  # P5', new="        if False:  # P5", tests=(f"{SERVICE}::test_admin_actions_are_unknown_to_the_public",)),
        Line(holds="signed", file=f"{COGNITO}/service.py", old='        if action.audience == "public":\n            return None\n        assert', new="        if True:\n            return None\n        assert", tests=(f"{SERVICE}::test_admin_action_needs_its_signature[none]",)),
        Line(holds="with the key's secret, over this call", file=f"{COGNITO}/signatures.py", old="        return presented.check(sha256(body).hexdigest())  # P5", new="        return presented.access_key_id", tests=(f"{SERVICE}::test_admin_action_needs_its_signature[another-secret]", f"{SERVICE}::test_admin_action_needs_its_signature[another-body]")),
        Line(holds="for this API", file=f"{COGNITO}/signatures.py", old='SERVICE: Final = "cognito-idp"', new='SERVICE: Final = "lambda"', tests=(f"{SERVICE}::test_admin_action_needs_its_signature[for-the-lambda-api]", f"{SERVICE}::test_signed_admin_action_is_done_for_its_key")),
        Line(holds="by no web page", file=f"{COGNITO}/service.py", old="        if refusal is not None:\n            raise WebPage", new="        if False:\n            raise WebPage", tests=(f"{SERVICE}::test_web_pages_do_not_reach_the_operators_listener[AdminEcho]",)),
        Line(holds="written down", file=f"{COGNITO}/service.py", old='            self._record(action, call, "ok")', new="            pass", tests=(f"{SERVICE}::test_what_operators_call_is_audited",)),
        Line(holds="with its key", file="auth/cognito/service.py", old='f"key:{signer(presented, body)}"', new='f"key:{signer(presented, body)[:0]}"', tests=(f"{SERVICE}::test_signed_admin_action_is_done_for_its_key", f"{SERVICE}::test_what_operators_call_is_audited")),
        Line(holds="the admin listener's actions as well", file="lockgate/admin_actions.py", old="        return body, presented.check(hashlib.sha256(body).hexdigest())", new="        return body, presented.access_key_id", tests=(f"{ADMIN}::test_who_does_not_prove_the_key_is_refused[secret]",)),
        Line(holds="and they too", file="lockgate/admin_actions.py", old="        self._audit(name, actor, answer.status)", new="        pass", tests=(f"{ADMIN}::test_signed_call_is_run_answered_and_audited",)),
    ),
)
# fmt: on
REQUIREMENTS = (P5,)
