"""The grammar of route keys and the conflicts between them."""

import pytest

from gateway.route_key import METHODS, RouteConflict, RouteKey, RouteKeyError, find_conflicts


@pytest.mark.parametrize(
    ("text", "method", "path", "canonical"),
    [
        pytest.param("GET /notes", "GET", "/notes", "GET /notes", id="plain"),
        pytest.param("get  /notes", "GET", "/notes", "GET /notes", id="method-in-lower-case-and-two-spaces"),
        pytest.param("ANY /", "ANY", "/", "ANY /", id="root"),
        pytest.param("GET /notes/", "GET", "/notes/", "GET /notes/", id="trailing-slash-kept"),
        pytest.param("GET /a/{id}/b", "GET", "/a/{id}/b", "GET /a/{id}/b", id="variable"),
        pytest.param("GET /a/{rest+}", "GET", "/a/{rest+}", "GET /a/{rest+}", id="greedy"),
        pytest.param("GET /café/;x=1", "GET", "/café/;x=1", "GET /café/;x=1", id="decoded-literals"),
        pytest.param(" $default ", "", "$default", "$default", id="catch-all"),
    ],
)
def test_key_is_parsed_to_its_canonical_form(text: str, method: str, path: str, canonical: str) -> None:
    """H16: literals, ``{name}`` and a last ``{name+}`` are all that a key can hold."""
    key = RouteKey.parse(text)
    assert (key.method, key.path, key.text, str(key)) == (method, path, canonical, canonical)


@pytest.mark.parametrize(
    ("text", "reason", "suggestion"),
    [
        pytest.param("/notes", "starts with a method", "ANY /notes", id="no-method"),
        pytest.param("GET", "a method, a space and a path", "GET /", id="no-path"),
        pytest.param("", "METHOD /path", None, id="empty"),
        pytest.param("default", "written $default", "$default", id="default-without-dollar"),
        pytest.param("GETT /a", "not a method", "GET /a", id="misspelt-method"),
        pytest.param("TRACE /a", "not a method", "ANY /a", id="trace"),
        pytest.param("FOO /a", "not a method", "ANY /a", id="unknown-method"),
        pytest.param("GET notes", "starts with /", "GET /notes", id="no-slash"),
        pytest.param("GET /a//b", "no empty segment", "GET /a/b", id="empty-segment"),
        pytest.param("GET /a/{p+}/b", "last segment", "GET /a/{p+}", id="H16-greedy-in-the-middle"),
        pytest.param("GET /a/{x}/{x}", "used twice", None, id="variable-twice"),
        pytest.param("GET /a/x{id}", "whole segment", None, id="H16-variable-in-part-of-a-segment"),
        pytest.param("GET /a/{}", "whole segment", None, id="H16-variable-without-name"),
        pytest.param("GET /a/{i d}", "whole segment", None, id="H16-space-in-a-variable"),
        pytest.param("GET /a/:id", "written {name}", "GET /a/{id}", id="express-variable"),
        pytest.param("GET /a/<int:id>", "written {name}", "GET /a/{id}", id="H16-flask-variable"),
        pytest.param("GET /a/${id}", "written {name}", "GET /a/{id}", id="H16-dollar-variable"),
        pytest.param("GET /a/*", "no wildcards", "GET /a/{proxy+}", id="H16-star"),
        pytest.param("GET /a/b*", "no wildcards", None, id="H16-star-in-a-literal"),
        pytest.param("GET /a/../b", "could never match", None, id="dot-segment"),
        pytest.param("GET /caf%C3%A9", "written decoded", None, id="percent-encoded"),
        pytest.param("GET /a?b=1", "no '?'", "GET /a", id="query"),
        pytest.param("GET /a b", "cannot hold ' '", None, id="space"),
        pytest.param("GET /a\\b", "cannot hold", None, id="backslash"),
        pytest.param("GET /a/{x}(.*)", "whole segment", None, id="H16-pattern-behind-a-variable"),
        pytest.param("GET /a/{x:.*}", "whole segment", None, id="H16-pattern-in-a-variable"),
        pytest.param("GET /" + "a" * 600, "at most 512", None, id="H16-too-long"),
    ],
)
def test_what_is_no_key_is_refused_with_a_suggestion(text: str, reason: str, suggestion: str | None) -> None:
    with pytest.raises(RouteKeyError) as caught:
        RouteKey.parse(text)
    assert reason in caught.value.reason
    assert caught.value.suggestion == suggestion


@pytest.mark.parametrize("text", ["/notes", "GETT /a", "GET notes", "GET /a//b", "GET /a/:id", "GET /a/*"])
def test_suggestion_is_itself_a_key(text: str) -> None:
    with pytest.raises(RouteKeyError) as caught:
        RouteKey.parse(text)
    assert caught.value.suggestion is not None
    assert RouteKey.parse(caught.value.suggestion).text == caught.value.suggestion


def _conflicts(*texts: str) -> list[tuple[str, str, str]]:
    found: list[RouteConflict] = find_conflicts([RouteKey.parse(text) for text in texts])
    return [(conflict.kind, conflict.key.text, conflict.by.text) for conflict in found]


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        pytest.param(["GET /a", "get /a"], [("duplicate", "GET /a", "GET /a")], id="same-after-normalising"),
        pytest.param(
            ["GET /a/{id}", "GET /a/{name}"],
            [("duplicate", "GET /a/{name}", "GET /a/{id}")],
            id="variables-renamed",
        ),
        pytest.param(["$default", "$default"], [("duplicate", "$default", "$default")], id="two-catch-alls"),
        pytest.param(["GET /a/{id}", "POST /a/{name}"], [], id="other-method-other-name"),
        pytest.param(["GET /a", "GET /a/"], [], id="trailing-slash-counts"),
        pytest.param(["GET /a/{id}", "GET /a/{id+}"], [], id="variable-and-greedy"),
        pytest.param(["GET /a", "GET /A"], [], id="case-counts"),
        pytest.param(
            ["ANY /a", *(f"{method} /a" for method in METHODS)],
            [("shadowed", "ANY /a", "GET /a")],
            id="any-beside-all-seven",
        ),
        pytest.param(["ANY /a", *(f"{method} /a" for method in METHODS[:-1])], [], id="any-beside-six"),
        pytest.param(
            ["ANY /", "ANY /{p+}", "$default"],
            [("shadowed", "$default", "ANY /{p+}")],
            id="catch-all-behind-root-and-greedy",
        ),
        pytest.param(["GET /", "ANY /{p+}", "$default"], [], id="catch-all-keeps-post-root"),
        pytest.param(["ANY /{p+}", "$default"], [], id="catch-all-keeps-root"),
    ],
)
def test_conflicts(keys: list[str], expected: list[tuple[str, str, str]]) -> None:
    assert _conflicts(*keys) == expected


def test_conflict_reason_names_both_keys_when_they_are_written_differently() -> None:
    [conflict] = find_conflicts([RouteKey.parse("GET /a/{id}"), RouteKey.parse("GET /a/{name}")])
    assert conflict.reason.startswith("GET /a/{name} matches the same requests as GET /a/{id}")
