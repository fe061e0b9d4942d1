"""Selection of routes: the contract's tables, and the trie against a linear scan."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.route_key import METHODS, RouteKey, find_conflicts
from gateway.route_table import RouteTable
from tests.support import reference_router

PETS = ["GET /pets/dog/1", "GET /pets/dog/{id}", "GET /pets/{proxy+}", "ANY /{proxy+}", "$default"]


def _table(keys: list[str]) -> RouteTable[str]:
    return RouteTable((RouteKey.parse(key), key) for key in keys)


def _route(keys: list[str], request: str) -> tuple[str, dict[str, str]] | None:
    method, _, path = request.partition(" ")
    match = _table(keys).match(method, path.split("/")[1:])
    return None if match is None else (match.value, match.parameters)


@pytest.mark.parametrize(
    ("keys", "request_line", "expected"),
    [
        pytest.param(PETS, "GET /pets/dog/1", ("GET /pets/dog/1", {}), id="literal"),
        pytest.param(PETS, "GET /pets/dog/2", ("GET /pets/dog/{id}", {"id": "2"}), id="variable"),
        pytest.param(PETS, "GET /pets/cat/1", ("GET /pets/{proxy+}", {"proxy": "cat/1"}), id="greedy"),
        pytest.param(PETS, "POST /test/5", ("ANY /{proxy+}", {"proxy": "test/5"}), id="any-greedy"),
        pytest.param(PETS, "GET /", ("$default", {}), id="greedy-needs-something"),
        pytest.param(PETS[:4], "GET /", None, id="root-without-default"),
        pytest.param(["GET /items"], "GET /items/", None, id="trailing-slash-counts"),
        pytest.param(["GET /items/"], "GET /items/", ("GET /items/", {}), id="trailing-slash-route"),
        pytest.param(["GET /items/{id}"], "GET /items/", None, id="variable-is-not-empty"),
        pytest.param(["GET /Items"], "GET /items", None, id="case-counts"),
        pytest.param(["GET /a/{p+}"], "GET /a", None, id="greedy-not-for-its-parent"),
        pytest.param(["GET /a/{p+}"], "GET /a/", None, id="greedy-not-for-its-parent-with-slash"),
        pytest.param(["GET /a/{p+}"], "GET /a//", ("GET /a/{p+}", {"p": "/"}), id="greedy-takes-a-slash"),
        pytest.param(["GET /a/{p+}"], "GET /a//b", ("GET /a/{p+}", {"p": "/b"}), id="slashes-not-merged"),
        pytest.param(["GET /a/b"], "GET /a//b", None, id="slashes-not-merged-for-a-literal"),
        pytest.param(["GET /a/b"], "GET //a/b", None, id="leading-slashes-not-merged"),
        pytest.param(["GET /a/{p+}"], "GET /a/b/", ("GET /a/{p+}", {"p": "b/"}), id="greedy-keeps-a-slash"),
        pytest.param(
            ["GET /{x}/{y}/{z}", "GET /a/b/{proxy+}"],
            "GET /a/b/c",
            ("GET /{x}/{y}/{z}", {"x": "a", "y": "b", "z": "c"}),
            id="full-beats-greedy",
        ),
        pytest.param(
            ["ANY /{p+}", "GET /a/{p+}", "ANY /a/b/{p+}"],
            "GET /a/b/c",
            ("ANY /a/b/{p+}", {"p": "c"}),
            id="longest-literal-prefix",
        ),
        pytest.param(
            ["GET /a/{x}/{p+}", "GET /a/b/{p+}"],
            "GET /a/b/c/d",
            ("GET /a/b/{p+}", {"p": "c/d"}),
            id="literal-beats-variable-in-a-greedy-prefix",
        ),
        pytest.param(["ANY /a", "GET /a"], "GET /a", ("GET /a", {}), id="method-before-any"),
        pytest.param(["ANY /a", "GET /a"], "PUT /a", ("ANY /a", {}), id="any-for-the-rest"),
        pytest.param(["ANY /a", "GET /{x}"], "GET /a", ("ANY /a", {}), id="any-on-a-literal-beats-a-method"),
        pytest.param(
            ["POST /zap", "OPTIONS /{proxy+}"],
            "OPTIONS /zap",
            ("OPTIONS /{proxy+}", {"proxy": "zap"}),
            id="no-405-falls-to-greedy",
        ),
        pytest.param(["POST /zap", "$default"], "GET /zap", ("$default", {}), id="no-405-falls-to-default"),
        pytest.param(["POST /zap"], "GET /zap", None, id="no-405-falls-to-404"),
        pytest.param(
            ["POST /pets/dog", "GET /pets/{id}"],
            "GET /pets/dog",
            ("GET /pets/{id}", {"id": "dog"}),
            id="wrong-method-on-a-literal-falls-to-a-variable",
        ),
        pytest.param(
            ["GET /a/{x}/c", "GET /{y}/b/d"],
            "GET /a/b/d",
            ("GET /{y}/b/d", {"y": "a"}),
            id="goes-back-from-a-dead-end",
        ),
        pytest.param(["GET /a"], "HEAD /a", None, id="head-is-a-method-of-its-own"),
        pytest.param(["ANY /a"], "HEAD /a", ("ANY /a", {}), id="any-takes-head"),
        pytest.param(["ANY /a", "$default"], "FOO /a", None, id="unknown-method-matches-nothing"),
        pytest.param(["ANY /a", "$default"], "get /a", None, id="methods-are-case-sensitive"),
        pytest.param(
            ["GET /{id}/x", "POST /{name}/x"],
            "POST /7/x",
            ("POST /{name}/x", {"name": "7"}),
            id="each-route-has-its-own-names",
        ),
        pytest.param(["GET /"], "GET /", ("GET /", {}), id="root"),
    ],
)
def test_selection(keys: list[str], request_line: str, expected: object) -> None:
    assert _route(keys, request_line) == expected
    assert _route(keys[::-1], request_line) == expected, "the order of routes must not matter"


def test_no_segments_are_the_root() -> None:
    match = _table(["GET /"]).match("GET", [])
    assert match is not None
    assert match.value == "GET /"


_names = st.sampled_from(["a", "b", "c"])
_templates = st.lists(
    st.one_of(_names, _names.map("{{{}}}".format)), max_size=4
).flatmap(lambda parts: st.sampled_from([parts, [*parts, "{p+}"], [*parts, ""]]))  # fmt: skip


@st.composite
def _keys(draw: st.DrawFn) -> list[RouteKey]:
    texts = draw(
        st.lists(
            st.tuples(st.sampled_from(["GET", "POST", "ANY"]), _templates).map(lambda key: _key_text(*key)),
            max_size=14,
        )
    )
    keys = [RouteKey.parse(text) for text in texts if text is not None]
    if draw(st.booleans()):
        keys.append(RouteKey.parse("$default"))
    doubles = {id(conflict.key) for conflict in find_conflicts(keys) if conflict.kind == "duplicate"}
    return [key for key in keys if id(key) not in doubles]


def _key_text(method: str, parts: list[str]) -> str | None:
    numbered = [
        part.replace("}", f"{index}}}") if part != "{p+}" else part for index, part in enumerate(parts)
    ]
    return f"{method} /{'/'.join(numbered)}"


@given(
    keys=_keys(),
    method=st.sampled_from(["GET", "POST", "PUT", "FOO"]),
    segments=st.lists(st.sampled_from(["a", "b", "c", "x", ""]), min_size=1, max_size=6),
)
def test_trie_agrees_with_a_linear_scan(keys: list[RouteKey], method: str, segments: list[str]) -> None:
    expected = reference_router.choose(keys, method, segments)
    match = RouteTable((key, key) for key in keys).match(method, segments)
    found = None if match is None else (match.value, match.parameters)
    assert found == expected


class Watched(str):
    """A segment that counts with how many others it is compared."""

    compared = 0
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        Watched.compared += 1
        return str.__eq__(self, other)


def test_a_segment_is_looked_up_and_not_searched_for() -> None:
    """H16: among 10,000 routes each segment is compared with the one that it hashes to, and no other."""
    table = _table([f"GET /a{n}/b{n}" for n in range(10_000)])
    Watched.compared = 0
    match = table.match("GET", [Watched("a9999"), Watched("b9999")])
    assert match is not None
    assert match.value == "GET /a9999/b9999"
    assert Watched.compared <= 10
    assert table.match("GET", [Watched("a9999"), Watched("b1")]) is None


def test_hostile_table_is_bounded_by_its_own_size() -> None:
    """Literal and variable side by side at each of 10 levels: 1024 routes, all dead ends for the request."""
    keys = [
        "GET /" + "/".join("a" if n >> level & 1 else f"{{v{level}}}" for level in range(10)) + "/end"
        for n in range(1024)
    ]
    table = _table(keys)
    started = time.process_time()
    assert table.match("GET", ["a"] * 10 + ["other"]) is None
    assert time.process_time() - started < 1
    assert repr(table) == "<RouteTable 1024 routes>"
    assert len(table) == 1024


def test_long_request_does_not_recurse_with_its_length() -> None:
    match = _table(["ANY /{p+}", *(f"{method} /a/a" for method in METHODS)]).match("GET", ["a"] * 8000)
    assert match is not None
    assert match.parameters["p"].count("/") == 7999
