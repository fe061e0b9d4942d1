"""Policies: what is refused, and what is allowed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.policy import MAX_DOCUMENT_BYTES, PolicyError, read_policy
from tests.support.function_door import ARN, document, statement

NOTES = f"{ARN}/$default/GET/notes"
INVOKE = "execute-api:Invoke"


def allows(arn: str, *statements: object) -> bool:
    return read_policy(document(*statements)).evaluate(arn).is_allowed


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        pytest.param(NOTES, True, id="the-arn-itself"),
        pytest.param([f"{NOTES}/1", NOTES], True, id="one-of-a-list"),
        pytest.param("*", True, id="everything"),
        pytest.param("arn:aws:execute-api:*:*:*", True, id="any-region-account-api"),
        pytest.param("arn:aws:execute-api:*", True, id="last-part-reaches-on"),
        pytest.param(f"{ARN}/*/GET/notes", True, id="any-stage"),
        pytest.param(f"{ARN}/$default/*/notes", True, id="any-method"),
        pytest.param(f"{ARN}/$default/???/note?", True, id="question-marks"),
        pytest.param(f"{NOTES}/1", False, id="a-path-below"),
        pytest.param(f"{ARN}/$default/GET/note", False, id="a-prefix"),
        pytest.param(f"{ARN}/$default/POST/notes", False, id="another-method"),
        pytest.param(f"{ARN}/$default/get/notes", False, id="method-in-another-case"),
        pytest.param(f"{ARN}/$default/GET/Notes", False, id="path-in-another-case"),
        pytest.param(f"{ARN}/prod/GET/notes", False, id="another-stage"),
        pytest.param(NOTES.replace("local", "other"), False, id="another-api"),
        pytest.param(NOTES.replace("123456789012", "210987654321"), False, id="another-account"),
        pytest.param("arn:aws:s3:::notes", False, id="another-service"),
    ],
)
def test_resource(resource: object, expected: bool) -> None:
    """J19: an Allow opens what its Resource names."""
    assert allows(NOTES, statement(resource)) is expected


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        pytest.param("execute-api:Invoke", True, id="invoke"),
        pytest.param("execute-api:invoke", True, id="case-does-not-count"),
        pytest.param("EXECUTE-API:INVOKE", True, id="nor-in-the-service"),
        pytest.param("execute-api:*", True, id="service-wildcard"),
        pytest.param("*", True, id="every-action"),
        pytest.param("execute-api:Inv?ke", True, id="question-mark"),
        pytest.param(["s3:GetObject", "execute-api:Invoke"], True, id="one-of-a-list"),
        pytest.param("execute-api:InvalidateCache", False, id="another-action"),
        pytest.param("s3:*", False, id="another-service"),
    ],
)
def test_action(action: object, expected: bool) -> None:
    """J19: an Allow is for the action that it names."""
    assert allows(NOTES, statement("*", Action=action)) is expected


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        pytest.param([statement("*"), statement(NOTES, "Deny")], False, id="deny-behind-allow"),
        pytest.param([statement(NOTES, "Deny"), statement("*")], False, id="deny-before-allow"),
        pytest.param([statement("*"), statement(f"{NOTES}/1", "Deny")], True, id="deny-of-something-else"),
        pytest.param([statement(NOTES, "Deny")], False, id="deny-alone"),
        pytest.param([statement(f"{NOTES}/1", "Deny")], False, id="no-match"),
    ],
)
def test_deny_wins(statements: list[object], expected: bool) -> None:
    """J19, H8: an explicit Deny wins wherever it stands, and no match denies."""
    assert allows(NOTES, *statements) is expected


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        pytest.param(
            [{"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}],
            True,
            id="allow-all-but-another-action",
        ),
        pytest.param(
            [{"Effect": "Allow", "NotAction": INVOKE, "Resource": "*"}], False, id="allow-all-but-this-action"
        ),
        pytest.param(
            [{"Effect": "Allow", "Action": INVOKE, "NotResource": f"{NOTES}/1"}],
            True,
            id="allow-all-but-another",
        ),
        pytest.param(
            [{"Effect": "Allow", "Action": INVOKE, "NotResource": NOTES}], False, id="allow-all-but-this"
        ),
        pytest.param(
            [statement("*"), {"Effect": "Deny", "Action": "*", "NotResource": f"{NOTES}/1"}],
            False,
            id="deny-all-but-another",
        ),
        pytest.param(
            [statement("*"), {"Effect": "Deny", "Action": "*", "NotResource": NOTES}],
            True,
            id="deny-all-but-this",
        ),
        pytest.param(
            [statement("*"), {"Effect": "Deny", "NotAction": "s3:*", "Resource": "*"}],
            False,
            id="deny-not-action",
        ),
    ],
)
def test_not_forms(statements: list[object], expected: bool) -> None:
    """J19: NotAction and NotResource mean all but these."""
    assert allows(NOTES, *statements) is expected


ELSEWHERE = "arn:aws:execute-api:*:*:other/prod/GET/x"
# A path that a client can write, so that ELSEWHERE fits the whole text of the ARN.
CRAFTED = f"{ARN}/$default/GET/a:b:other/prod/GET/x"


def test_a_wildcard_of_an_allow_does_not_reach_into_the_path() -> None:
    """J19: an Allow for another API does not open a path of this one that looks like its name."""
    assert not allows(CRAFTED, statement(ELSEWHERE))
    assert allows(CRAFTED, statement(f"{ARN}/$default/GET/a:b:*"))


def test_a_wildcard_of_a_deny_reaches_as_far_as_it_can_be_read() -> None:
    """J19: where a pattern can be read in two ways, the one that closes more holds."""
    assert not allows(CRAFTED, statement("*"), statement(ELSEWHERE, "Deny"))
    assert not allows(CRAFTED, {"Effect": "Allow", "Action": "*", "NotResource": ELSEWHERE})
    assert allows(NOTES, statement("*"), statement(ELSEWHERE, "Deny"))


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        pytest.param(None, "no object", id="null"),
        pytest.param("*", "no object", id="text"),
        pytest.param({"Version": "2012-10-17"}, "no Statement", id="no-statement"),
        pytest.param(document() | {"Statement": []}, "no Statement", id="empty-statement"),
        pytest.param(document() | {"Statement": "x"}, "no Statement", id="statement-is-text"),
        pytest.param(document("x"), "statement 1: it is no object", id="statement-of-text"),
        pytest.param(document() | {"Version": "2020-01-01"}, "Version", id="unknown-version"),
        pytest.param(document() | {"Version": ["2012-10-17"]}, "Version", id="version-is-a-list"),
        pytest.param(document(Statements=[]), "Statements", id="unknown-member"),
        pytest.param(document(statement(effect="allow")), "Effect", id="effect-in-lower-case"),
        pytest.param(document(statement(effect="Allow|Deny")), "Effect", id="effect-copied-from-a-page"),
        pytest.param(document({"Action": INVOKE, "Resource": "*"}), "Effect", id="no-effect"),
        pytest.param(document({"Effect": "Allow", "Resource": "*"}), "exactly one of Action", id="no-action"),
        pytest.param(
            document({"Effect": "Allow", "Action": INVOKE}), "exactly one of Resource", id="no-resource"
        ),
        pytest.param(document(statement(NotAction="s3:*")), "exactly one of Action", id="both-actions"),
        pytest.param(document(statement(NotResource="*")), "exactly one of Resource", id="both-resources"),
        pytest.param(document(statement(Action=[])), "Action", id="empty-action"),
        pytest.param(document(statement(Action=7)), "Action", id="action-is-a-number"),
        pytest.param(document(statement(Action=[INVOKE, None])), "Action", id="null-among-actions"),
        pytest.param(document(statement(Action="Invoke")), "service:Name", id="action-without-service"),
        pytest.param(document(statement([])), "Resource", id="empty-resource"),
        pytest.param(document(statement({"a": 1})), "Resource", id="resource-is-an-object"),
        pytest.param(document(statement([NOTES, ""])), "Resource", id="empty-text-among-resources"),
        pytest.param(document(statement("/notes")), "nor an ARN", id="resource-is-a-path"),
        pytest.param(document(statement(f"{ARN}/${{aws:userid}}")), "policy variables", id="variable"),
        pytest.param(document(statement(Principal="*")), "Principal", id="principal"),
        pytest.param(document(statement(condition={})), "condition", id="unknown-member-of-statement"),
        pytest.param(
            document(statement(Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}})),
            "Condition",
            id="condition",
        ),
        pytest.param(document(statement(Condition=None)), "Condition", id="condition-null"),
        pytest.param(
            document(statement(), statement(effect="deny")), "statement 2: Effect", id="second-statement"
        ),
        pytest.param(document(*[statement()] * 100), "limit", id="too-many-statements"),
        pytest.param(document(statement("arn:" + "a" * MAX_DOCUMENT_BYTES)), "limit", id="too-large"),
        pytest.param(
            {"Version": "2008-10-17", "Statement": [statement(f"{ARN}/${{*}}")]},
            "needs Version",
            id="escape-in-old-version",
        ),
    ],
)
def test_what_is_not_understood_is_refused(broken: object, why: str) -> None:
    """J19: a policy is understood whole or not at all."""
    with pytest.raises(PolicyError, match=why):
        read_policy(broken)


def test_a_document_that_is_nested_too_deep_is_refused() -> None:
    """J19: and is no TypeError."""
    deep: list[object] = []
    for _ in range(300):
        deep = [deep]
    with pytest.raises(PolicyError, match="deep"):
        read_policy(document(statement(Sid=deep)))


@pytest.mark.parametrize(
    "twin",
    [
        pytest.param(document(), id="plain"),
        pytest.param({"Statement": [statement("*")]}, id="no-version"),
        pytest.param({"Version": "2008-10-17", "Statement": [statement("*")]}, id="old-version"),
        pytest.param(document(Id="mine"), id="id"),
        pytest.param(document() | {"Statement": statement()}, id="one-statement-alone"),
        pytest.param(document(statement(Sid="first")), id="sid"),
        pytest.param(document(statement(Condition={})), id="empty-condition"),
        pytest.param(document(statement(Action=[INVOKE])), id="list-of-one"),
        pytest.param(document(*[statement()] * 60), id="many-statements"),
        pytest.param(document(statement([NOTES.replace("notes", "${*}"), "*"])), id="escape"),
    ],
)
def test_twins_of_what_is_refused(twin: object) -> None:
    """J19: the accepted twins."""
    assert read_policy(twin).evaluate(NOTES).is_allowed


def test_the_verdict_names_the_statement() -> None:
    found = read_policy(document(statement(f"{NOTES}/1"), statement(NOTES), statement(f"{NOTES}/2", "Deny")))
    assert found.evaluate(NOTES).why == "statement 2 of the policy allows it"
    assert found.evaluate(f"{NOTES}/2").why == "statement 3 of the policy denies it"
    assert found.evaluate(f"{NOTES}/3").why == "no statement of the policy allows it"


_resources = st.sampled_from(
    [NOTES, f"{ARN}/*", f"{ARN}/$default/*/a", "*", f"{ARN}/$default/GET/n?tes", CRAFTED]
)
_statements = st.builds(
    statement, _resources, st.sampled_from(["Allow", "Deny"]), Action=st.sampled_from([INVOKE, "s3:Get", "*"])
)
_arns = st.sampled_from([NOTES, f"{ARN}/$default/GET/a", CRAFTED, f"{ARN}/prod/PUT/a"])


@given(st.lists(_statements, min_size=1, max_size=6), _arns)
def test_a_policy_is_the_sum_of_its_statements(statements: list[dict[str, object]], arn: str) -> None:
    """J19: one that allows by itself, none that denies; the order never matters."""
    alone = [allows(arn, item) for item in statements if item["Effect"] == "Allow"]
    denied = [not allows(arn, statement("*"), item) for item in statements if item["Effect"] == "Deny"]
    expected = any(alone) and not any(denied)
    assert allows(arn, *statements) is expected
    assert allows(arn, *reversed(statements)) is expected


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-5, 5)
        | st.sampled_from(["*", NOTES, "Allow", "Deny", INVOKE]),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["Version", "Statement", "Effect", "Action", "Resource", "NotAction", "Condition"]
                ),
                inner,
            )
        ),
        max_leaves=12,
    )
)
def test_any_json_is_a_policy_or_a_policy_error(found: object) -> None:
    """J19: nothing else is ever raised."""
    try:
        policy = read_policy(found)
    except PolicyError:
        return
    policy.evaluate(NOTES)
